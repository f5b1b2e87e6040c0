"""segments sdl"""

from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import islice
from pathlib import Path

from app.errors import Unusable
from app.filters import reference, voucherify
from app.schema import schema

_CHECKOUT = Path(__file__).parents[2]
_LONGEST_DIFF = 20

Say = Callable[[str], None]


def write() -> list[Path]:
    """Writes what is generated of graphql-schema/, and tells the files."""
    files = _generated()
    for file, text in files.items():
        file.write_text(text, "utf-8")
    return list(files)


def check(warn: Say) -> None:
    """Unusable where a file is not what would be written; the differences go to `warn`."""
    stale = [file for file, text in _generated().items() if _differs(file, text, warn)]
    if stale:
        names = ", ".join(f"graphql-schema/{file.name}" for file in stale)
        raise Unusable(f"not what the code says: {names}; run `segments sdl`")


def _generated() -> dict[Path, str]:
    folder = _folder()
    return {
        folder / "schema.graphql": schema.as_str() + "\n",
        folder / "operators.md": reference(),
        folder / "voucherify.md": voucherify.reference(),
    }


def _folder() -> Path:
    for place in (_CHECKOUT, Path.cwd()):
        if (place / "graphql-schema").is_dir():
            return place / "graphql-schema"
    raise Unusable("there is no graphql-schema/ here; run it in a checkout of the project")


def _differs(file: Path, text: str, warn: Say) -> bool:
    written = file.read_text("utf-8") if file.is_file() else ""
    lines = list(islice(_diff(file.name, written, text), _LONGEST_DIFF + 1))
    for line in lines[:_LONGEST_DIFF]:
        warn(line)
    if len(lines) > _LONGEST_DIFF:
        warn("...")
    return written != text


def _diff(name: str, written: str, text: str) -> Iterator[str]:
    return unified_diff(
        written.splitlines(), text.splitlines(), name, f"{name}, from the code", n=1, lineterm=""
    )
