"""`python -m app.graphiql.build [--out FOLDER]` bundles GraphiQL with npm and esbuild."""

import sys
from collections.abc import Sequence
from pathlib import Path

from app.bundle_sources import BundleSources
from app.npm_bundle import (
    compress_files,
    install_packages,
    replace_bundle,
    run_build_command,
    run_npm,
)

PACKAGE_FOLDER = Path(__file__).parent
BUNDLE_FOLDER = PACKAGE_FOLDER / "dist"
_SOURCES = BundleSources(PACKAGE_FOLDER, "main.jsx", ".npmrc", "package-lock.json", "package.json")
_ENTRY_POINTS = (
    "graphiql=main.jsx",
    "editor.worker=monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker=monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker=monaco-graphql/esm/graphql.worker.js",
)


def is_built(bundle: Path) -> bool:
    return (bundle / "graphiql.js").is_file()


def is_current(bundle: Path) -> bool:
    """Whether the bundle was built from the present sources."""
    return is_built(bundle) and _SOURCES.are_current(bundle)


def build(bundle: Path = BUNDLE_FOLDER) -> None:
    """Builds the bundle in a temporary folder, then replaces the old bundle.

    Raises SetupError if npm is missing or fails, or the bundle can't be written.
    """
    replace_bundle("GraphiQL", bundle, _build_in)


def _build_in(folder: Path) -> Path:
    _SOURCES.copy_to(folder)
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
    dist = folder / "dist"
    _SOURCES.mark(dist)
    compress_files(dist)
    return dist


def main(arguments: Sequence[str] | None = None) -> int:
    return run_build_command("GraphiQL", build, BUNDLE_FOLDER, arguments)


if __name__ == "__main__":
    sys.exit(main())
