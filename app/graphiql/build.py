"""`python -m app.graphiql.build [--out FOLDER]` bundles GraphiQL with npm and esbuild."""

import argparse
import gzip
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from app.errors import SetupError

PACKAGE_FOLDER = Path(__file__).parent
BUNDLE_FOLDER = PACKAGE_FOLDER / "dist"
_SOURCE_FILES = ("package.json", "package-lock.json", ".npmrc", "main.jsx")
_ENTRY_POINTS = (
    "graphiql=main.jsx",
    "editor.worker=monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker=monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker=monaco-graphql/esm/graphql.worker.js",
)
_COMPRESSED_SUFFIXES = {".js", ".css", ".ttf", ".txt"}


def is_built(bundle: Path) -> bool:
    return (bundle / "graphiql.js").is_file()


def build(bundle: Path = BUNDLE_FOLDER) -> None:
    """Builds the bundle in a temporary folder, then replaces the old bundle.

    Raises SetupError if npm is missing or fails, or the bundle can't be written.
    """
    try:
        bundle.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".graphiql-", dir=bundle.parent) as folder:
            new_bundle = _build_in(Path(folder))
            if bundle.exists():
                bundle.rename(Path(folder) / "old")
            new_bundle.rename(bundle)
    except OSError as error:
        raise SetupError(f"can't write GraphiQL to {bundle}: {error.strerror}") from None


def _build_in(folder: Path) -> Path:
    for name in _SOURCE_FILES:
        shutil.copy(PACKAGE_FOLDER / name, folder)
    # No package needs its install scripts, so none may run code.
    _run_npm(folder, "ci", "--ignore-scripts", "--no-audit", "--loglevel=error")
    _run_npm(
        folder,
        "exec",
        "--offline",
        "--",
        "esbuild",
        *_ENTRY_POINTS,
        "--bundle",
        "--outdir=dist",
        "--format=iife",
        "--minify",
        "--jsx=automatic",
        "--define:process.env.NODE_ENV='production'",
        "--loader:.ttf=file",
        "--loader:.woff2=file",
        "--legal-comments=linked",
        "--log-level=error",
    )
    for file in [*(folder / "dist").iterdir()]:
        if file.suffix in _COMPRESSED_SUFFIXES:
            file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    return folder / "dist"


def _run_npm(folder: Path, *arguments: str) -> None:
    npm_path = shutil.which("npm")
    if npm_path is None:
        raise SetupError("npm is not on PATH; install Node.js to bundle GraphiQL")
    result = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [npm_path, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SetupError(f"npm {arguments[0]} failed: {' '.join(result.stdout.split())[-500:]}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.graphiql.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=BUNDLE_FOLDER, help="the folder of the bundle")
    bundle = parser.parse_args(arguments).out.absolute()
    if os.getpgrp() == os.getpid():
        # When this process is stopped, npm and its children stop, too.
        signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    try:
        build(bundle)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"GraphiQL is bundled in {bundle}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
