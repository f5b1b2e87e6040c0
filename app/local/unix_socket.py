"""Unix sockets that no other user can reach."""

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from app.errors import SetupError

# Linux allows 107 bytes, macOS 103.
_MAX_PATH_BYTES = 100
# PyMongo treats replica set members as host names: it lowers their case and splits at ":".
_SAFE_PATH = re.compile(r"[a-z0-9/._-]+")


class UnixSocket:
    """The socket of one program, in the program's folder or in a temporary folder of mode 0700.

    The temporary folder is used if the path in the program's folder is too long or has unsafe
    characters. A file beside the data names it, so that the next start removes it after a crash.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._temporary_folder_file = folder / f"{name}.folder"
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        """The path; it does not change over restarts, as other processes hold it."""
        assert self._path, "call prepare() first"
        return self._path

    def prepare(self) -> None:
        """Chooses the path at the first call, and creates its folder."""
        self.remove()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        preferred_path = self._folder.resolve() / self._name
        if self._path is None and _is_usable_path(preferred_path):
            self._path = preferred_path
        elif self._path is None:
            self._path = (
                Path(tempfile.mkdtemp(prefix="segments-", dir=_temporary_parent_folder()))
                / self._name
            )
        if self._path != preferred_path:
            self._ensure_temporary_folder(self._path.parent)
            self._temporary_folder_file.write_text(str(self._path.parent))

    def remove(self) -> None:
        """Removes the socket, and the temporary folder of this or an earlier start."""
        (self._folder / self._name).unlink(missing_ok=True)
        try:
            temporary_folder = Path(self._temporary_folder_file.read_text())
        except FileNotFoundError:
            return
        if _is_private_folder(temporary_folder):
            shutil.rmtree(temporary_folder)
        self._temporary_folder_file.unlink()

    def _ensure_temporary_folder(self, temporary_folder: Path) -> None:
        """Creates the folder again after `remove`. Raises SetupError if another user has it."""
        temporary_folder.mkdir(mode=0o700, exist_ok=True)
        if not _is_private_folder(temporary_folder):
            raise SetupError(f"{temporary_folder} belongs to another user; run `segments up` again")


def _is_usable_path(path: Path) -> bool:
    text = str(path)
    return len(text.encode()) <= _MAX_PATH_BYTES and _SAFE_PATH.fullmatch(text) is not None


def _temporary_parent_folder() -> str:
    default_folder = Path(tempfile.gettempdir()).resolve()
    # "segments-", eight characters of mkdtemp, and the longest name.
    return str(
        default_folder
        if _is_usable_path(default_folder / "segments-12345678/mongod.sock")
        else Path("/tmp")  # noqa: S108
    )


def _is_private_folder(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    )
