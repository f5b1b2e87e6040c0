"""Where a part listens: at a Unix socket that no other user can reach."""

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from app.errors import Unusable

# Linux takes 107 bytes, macOS 103; mongod and Valkey add nothing to it.
_MAX_BYTES = 100
# PyMongo takes members of a replica set for host names: it lowers their case and splits at ":".
_PLAIN = re.compile(r"[a-z0-9/._-]+")


class UnixSocket:
    """In the part's own folder or, where that path can't be a socket's, in a temporary folder of
    mode 0700, which is noted beside the data so that the next start removes what a crash left."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._note = folder / f"{name}.folder"
        self._chosen: Path | None = None

    @property
    def path(self) -> Path:
        """Once chosen it stays: others hold the address."""
        assert self._chosen, "prepare() comes first"
        return self._chosen

    def prepare(self) -> None:
        """Chooses the path and makes its folder."""
        self.remove()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = self._folder.resolve() / self._name
        if self._chosen is None and _is_usable(wanted):
            self._chosen = wanted
        elif self._chosen is None:
            self._chosen = Path(tempfile.mkdtemp(prefix="segments-", dir=_temporary())) / self._name
        if self._chosen != wanted:
            self._take(self._chosen.parent)
            self._note.write_text(str(self._chosen.parent))

    def remove(self) -> None:
        """Removes the socket, and the temporary folder that this or an earlier start made."""
        (self._folder / self._name).unlink(missing_ok=True)
        try:
            temporary = Path(self._note.read_text())
        except FileNotFoundError:
            return
        if _is_ours(temporary):
            shutil.rmtree(temporary)
        self._note.unlink()

    def _take(self, temporary: Path) -> None:
        """After a restart of the part the folder is there again, and nobody else's."""
        temporary.mkdir(mode=0o700, exist_ok=True)
        if not _is_ours(temporary):
            raise Unusable(f"{temporary} belongs to another user; start again")


def _is_usable(path: Path) -> bool:
    text = str(path)
    return len(text.encode()) <= _MAX_BYTES and _PLAIN.fullmatch(text) is not None


def _temporary() -> str:
    wanted = Path(tempfile.gettempdir()).resolve()
    # "segments-", eight characters of mkdtemp, and the longest name.
    return str(wanted if _is_usable(wanted / "segments-12345678/mongod.sock") else Path("/tmp"))  # noqa: S108


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    )
