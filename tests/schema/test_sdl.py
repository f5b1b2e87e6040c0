"""The command `segments sdl`: the files in graphql-schema/ match the code."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

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


def test_a_difference_is_shown_and_corrected(folder: Path) -> None:
    file, lines = folder / "schema.graphql", list[str]()
    file.write_text(file.read_text().replace("sourceId: String!", "sourceId: String", 1))

    with pytest.raises(
        SetupError, match=r"out of date: graphql-schema/schema\.graphql; run `segments sdl`"
    ):
        sdl.check(lines.append)
    assert {line.strip() for line in lines} >= {"-  sourceId: String", "+  sourceId: String!"}

    assert file in sdl.write()
    sdl.check(pytest.fail)


def test_operators_are_written_too(folder: Path) -> None:
    (folder / "operators.md").write_text("# Something else\n")

    sdl.write()

    assert "### STARTS_WITH" in (folder / "operators.md").read_text()


def test_a_large_difference_is_cut(folder: Path) -> None:
    lines = list[str]()
    (folder / "schema.graphql").unlink()

    with pytest.raises(SetupError):
        sdl.check(lines.append)

    assert len(lines) == 21
    assert lines[-1] == "..."


def test_elsewhere_it_says_where_to_run_it(folder: Path) -> None:
    shutil.rmtree(folder)

    with pytest.raises(SetupError, match="in a checkout of the project"):
        sdl.write()


def test_everything_has_a_description_in_sentences(descriptions: dict[str, str]) -> None:
    assert [coordinate for coordinate, text in descriptions.items() if not text.strip()] == []
    assert [
        f"{coordinate}: {text}"
        for coordinate, text in descriptions.items()
        if coordinate not in FIXED_BY_CONTRACT and not re.search(r"^[^a-z].*[.]$", text, re.DOTALL)
    ] == []


def test_no_description_is_a_code_block(descriptions: dict[str, str]) -> None:
    """Markdown takes a line that begins with four spaces for code."""
    assert [
        coordinate for coordinate, text in descriptions.items() if re.search(r"^\s|\n[ \t]", text)
    ] == []


# Descriptions that are no sentences, word for word those of the contract.
FIXED_BY_CONTRACT = {"PointsInput.proportional", "UserError.path"}


@pytest.fixture(scope="module")
def descriptions() -> dict[str, str]:
    schema = build_schema((SCHEMA_FOLDER / "schema.graphql").read_text("utf-8"))
    return dict(_read_descriptions(schema))


def _read_descriptions(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Yields the schema coordinate and the description of everything that can have one."""
    yield "schema", schema.description or ""
    for type_ in schema.type_map.values():
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_):
            yield type_.name, type_.description or ""
            yield from _read_member_descriptions(type_)


def _read_member_descriptions(type_: GraphQLNamedType) -> Iterator[tuple[str, str]]:
    match type_:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for name, field in type_.fields.items():
                yield f"{type_.name}.{name}", field.description or ""
                for argument_name, argument in field.args.items():
                    coordinate = f"{type_.name}.{name}({argument_name}:)"
                    yield coordinate, argument.description or ""
        case GraphQLInputObjectType():
            for name, input_field in type_.fields.items():
                yield f"{type_.name}.{name}", input_field.description or ""
        case GraphQLEnumType():
            for name, value in type_.values.items():
                yield f"{type_.name}.{name}", value.description or ""
