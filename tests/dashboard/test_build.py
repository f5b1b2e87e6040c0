"""`python -m app.dashboard.build`, its error messages, and the checks of the sources."""

import gzip
import json
import os
import sys
from pathlib import Path

import pytest

from app.dashboard.build import PACKAGE_FOLDER, is_current, main
from app.npm_bundle import run_npm
from tests.dashboard.conftest import SETUP_SECONDS, Workshop

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

MAX_COMPRESSED_BYTES = 300_000
MAX_FIRST_LOAD_BYTES = 110_000


def test_types_format_and_unit_tests_of_the_sources(workshop: Workshop) -> None:
    run_npm(workshop.sources, "run", "check")


def test_the_bundle_is_complete_and_small(workshop: Workshop) -> None:
    html = (workshop.bundle / "index.html").read_text()
    sizes = {
        file.name: len(gzip.compress(file.read_bytes()))
        for file in (workshop.bundle / "assets").iterdir()
        if file.suffix in (".js", ".css")
    }

    assert is_current(workshop.bundle)
    assert "<script>" not in html
    assert sum(size for name, size in sizes.items() if name in html) <= MAX_FIRST_LOAD_BYTES
    assert sum(sizes.values()) <= MAX_COMPRESSED_BYTES


def test_a_bundle_of_other_sources_is_not_current(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    assert not is_current(tmp_path)

    (tmp_path / "sources.sha256").write_text("of an earlier version")
    assert not is_current(tmp_path)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (None, "node is not on PATH; install Node.js 20.19 or newer"),
        ("v18.20.4", "is Node.js 18.20.4; install Node.js 20.19 or newer"),
        ("v20.9.0", "is Node.js 20.9.0; install Node.js 20.19 or newer"),
        ("", "tells no version; install Node.js 20.19 or newer"),
    ],
)
def test_without_a_current_node_one_line_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: str | None,
    message: str,
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if version is not None:
        (programs / "node").write_text(f"#!/bin/sh\necho {version}\n")
        (programs / "node").chmod(0o755)
    monkeypatch.setenv("PATH", os.fspath(programs))
    monkeypatch.setattr(sys, "executable", os.fspath(programs / "python"))

    status = main(["--out", os.fspath(tmp_path / "bundle")])

    error = capsys.readouterr().err
    assert status == 1
    assert message in error
    assert error.count("\n") == 1
    assert [*tmp_path.iterdir()] == [programs]


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((PACKAGE_FOLDER / "package-lock.json").read_text())["packages"]

    assert packages
    assert not any("resolved" in package for package in packages.values())
