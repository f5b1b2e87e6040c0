"""`python -m app.graphiql.build [--out FOLDER]` bundles GraphiQL with npm and esbuild."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from app.npm_bundle import (
    compress_files,
    install_packages,
    replace_bundle,
    run_build_command,
    run_npm,
)

PACKAGE_FOLDER = Path(__file__).parent
BUNDLE_FOLDER = PACKAGE_FOLDER / "dist"
_SOURCE_FILES = ("package.json", "package-lock.json", ".npmrc", "main.jsx")
_ENTRY_POINTS = (
    "graphiql=main.jsx",
    "editor.worker=monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker=monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker=monaco-graphql/esm/graphql.worker.js",
)


def is_built(bundle: Path) -> bool:
    return (bundle / "graphiql.js").is_file()


def build(bundle: Path = BUNDLE_FOLDER) -> None:
    """Builds the bundle in a temporary folder, then replaces the old bundle.

    Raises SetupError if npm is missing or fails, or the bundle can't be written.
    """
    replace_bundle("GraphiQL", bundle, _build_in)


def _build_in(folder: Path) -> Path:
    for name in _SOURCE_FILES:
        shutil.copy(PACKAGE_FOLDER / name, folder)
    install_packages(folder)
    run_npm(
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
    compress_files(folder / "dist")
    return folder / "dist"


def main(arguments: Sequence[str] | None = None) -> int:
    return run_build_command("GraphiQL", build, BUNDLE_FOLDER, arguments)


if __name__ == "__main__":
    sys.exit(main())
