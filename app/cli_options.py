"""What several commands of the command line have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.settings import Settings

DEFAULT_DATA_FOLDER = Path(".segments")
DataFolderOption = Annotated[Path, typer.Option(help="The folder of the data.", file_okay=False)]


def mongodb_settings(data: Path) -> "Settings":
    """Returns the settings. MongoDB is the one that MONGODB_URL names, else that of the `segments
    up` in the folder."""
    from app.local.running_addresses import load_settings
    from app.settings import Settings

    settings = Settings()
    return load_settings(data) if settings.mongodb_url is None else settings
