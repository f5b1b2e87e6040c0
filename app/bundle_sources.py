"""The sources of a front end's bundle, and whether a bundle was built from them."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

_DIGEST_FILE = "sources.sha256"


class BundleSources:
    """The named files and folders of a package folder, from which npm builds a bundle."""

    def __init__(self, package_folder: Path, *names: str) -> None:
        self._package_folder = package_folder
        self._paths = [package_folder / name for name in names]

    def copy_to(self, folder: Path) -> None:
        """Copies the sources into an existing folder."""
        for path in self._paths:
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copy(path, folder)

    def mark(self, bundle: Path) -> None:
        """Notes in the bundle that it was built from the present sources."""
        (bundle / _DIGEST_FILE).write_text(self._compute_digest())

    def are_current(self, bundle: Path) -> bool:
        """Whether the bundle was built from the present sources. A wheel has no sources: there it
        was."""
        digest_file = bundle / _DIGEST_FILE
        if not digest_file.is_file():
            return False
        return not self._paths[0].exists() or digest_file.read_text() == self._compute_digest()

    def _compute_digest(self) -> str:
        """Returns the SHA-256 of the names and the contents of all files."""
        digest = hashlib.sha256()
        for file in sorted(self._files()):
            content = file.read_bytes()
            name = file.relative_to(self._package_folder).as_posix()
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def _files(self) -> Iterator[Path]:
        for path in self._paths:
            yield from (
                (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else (path,)
            )
