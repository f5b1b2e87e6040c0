"""The data folder of `segments up`, which no other user can read."""

import os
import secrets
import stat
from pathlib import Path

from app.errors import SetupError

_KEY_FILE_NAME = "secret_key"
_SECRET_KEY_BYTES = 32
_GROUP_AND_OTHER_BITS = stat.S_IRWXG | stat.S_IRWXO


def prepare(folder: Path) -> None:
    """Creates the folder with mode 0700.

    An existing folder that others can read loses their permissions, with all that is in it. Raises
    SetupError if the folder can't be created or belongs to another user.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own_folder(folder)
        if folder.stat().st_mode & _GROUP_AND_OTHER_BITS:
            folder.chmod(0o700)
            _remove_foreign_permissions(folder)
    except OSError as error:
        raise SetupError(f"can't keep data in {folder}: {error.strerror}") from error


def require_own_folder(folder: Path) -> None:
    """Raises SetupError if the folder belongs to another user, who could read or replace files."""
    if folder.stat().st_uid != os.geteuid():
        raise SetupError(
            f"{folder} belongs to another user; choose a folder of your own with --data"
        )


def write_secret(file: Path, text: str) -> None:
    """Writes a file that only its owner can read; replaces an existing file."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


def load_secret_key(folder: Path) -> str:
    """Returns the secret key of the folder. Makes one up at the first call and keeps it in a file
    that only its owner can read."""
    file = folder / _KEY_FILE_NAME
    key = file.read_text().strip() if file.exists() else ""
    # An interrupted write leaves a file that is too short.
    if len(key) < 2 * _SECRET_KEY_BYTES:
        key = secrets.token_hex(_SECRET_KEY_BYTES)
        write_secret(file, key)
    return key


def _remove_foreign_permissions(folder: Path) -> None:
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            entry = Path(path, name)
            mode = entry.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & _GROUP_AND_OTHER_BITS:
                entry.chmod(stat.S_IMODE(mode) & ~_GROUP_AND_OTHER_BITS)
