"""The folder in which `segments up` keeps everything, closed to other users."""

import os
import stat
from pathlib import Path

from app.errors import Unusable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def prepare(folder: Path) -> None:
    """Makes the folder with mode 0700. One that others could read is closed with all that is in it.

    Raises Unusable where it can't be made, or belongs to another user.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign(folder)
        if folder.stat().st_mode & _OTHERS:
            folder.chmod(0o700)
            _close(folder)
    except OSError as error:
        raise Unusable(f"can't keep data in {folder}: {error.strerror}") from error


def refuse_foreign(folder: Path) -> None:
    """Another user could read what we write there, and choose what we read."""
    if folder.stat().st_uid != os.geteuid():
        raise Unusable(f"{folder} belongs to another user; choose a folder of your own with --data")


def write_secret(file: Path, text: str) -> None:
    """Writes a file that only its owner can read, whatever was there before."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)


def _close(folder: Path) -> None:
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            entry = Path(path, name)
            mode = entry.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & _OTHERS:
                entry.chmod(stat.S_IMODE(mode) & ~_OTHERS)
