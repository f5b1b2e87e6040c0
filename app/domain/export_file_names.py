"""The file name of an export, made of the name of its segment."""

import re
import unicodedata
from datetime import datetime

from app.domain.exports import ExportFormat

# File systems allow 255 bytes. Browsers add a number to a name that exists.
_MAX_NAME_BYTES = 120
# No path separators, and nothing that Windows forbids.
_FORBIDDEN_CHARACTERS = re.compile(r'[<>:"/\\|?*]')
_RESERVED_WINDOWS_NAME = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)


def export_file_name(segment_name: str, created_at: datetime, format_: ExportFormat) -> str:
    """Returns a name that is safe in every file system, like `VIP customers 2026-11-28.csv`.

    It has no control characters, and no invisible ones like those that change the direction of
    text.
    """
    visible = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", segment_name)
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    name = " ".join(_FORBIDDEN_CHARACTERS.sub("_", visible).split())
    name = name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip(" .")
    if _RESERVED_WINDOWS_NAME.match(name):
        name = f"_{name}"
    return f"{name or 'segment'} {created_at.date().isoformat()}.{format_.value.lower()}"
