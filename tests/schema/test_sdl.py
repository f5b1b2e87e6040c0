"""segments sdl: what is written of the schema is what the code says."""

import shutil
from pathlib import Path

import pytest

from app.commands import sdl
from app.errors import SetupError

SCHEMA_FOLDER = Path(__file__).parents[2] / "graphql-schema"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of graphql-schema/ in the current folder; the program is installed elsewhere."""
    monkeypatch.setattr(sdl, "_CHECKOUT_FOLDER", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(SCHEMA_FOLDER, tmp_path / "graphql-schema"))


def test_what_is_committed_is_current() -> None:
    sdl.check(pytest.fail)


def test_a_difference_is_shown_and_mended(folder: Path) -> None:
    file, said = folder / "schema.graphql", list[str]()
    file.write_text(file.read_text().replace("sourceId: String!", "sourceId: String", 1))

    with pytest.raises(
        SetupError, match=r"out of date: graphql-schema/schema\.graphql; run `segments sdl`"
    ):
        sdl.check(said.append)
    assert {line.strip() for line in said} >= {"-  sourceId: String", "+  sourceId: String!"}

    assert file in sdl.write()
    sdl.check(pytest.fail)


def test_operators_are_written_too(folder: Path) -> None:
    (folder / "operators.md").write_text("# Something else\n")

    sdl.write()

    assert "### STARTS_WITH" in (folder / "operators.md").read_text()


def test_a_large_difference_is_cut(folder: Path) -> None:
    said = list[str]()
    (folder / "schema.graphql").unlink()

    with pytest.raises(SetupError):
        sdl.check(said.append)

    assert len(said) == 21
    assert said[-1] == "..."


def test_elsewhere_it_says_where_to_run_it(folder: Path) -> None:
    shutil.rmtree(folder)

    with pytest.raises(SetupError, match="in a checkout of the project"):
        sdl.write()
