"""The schema contains the contract that clients rely on. Skipped without the contract's file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
    extend_schema,
    parse,
)
from graphql.utilities import (
    DangerousChangeType,
    find_breaking_changes,
    find_dangerous_changes,
)

from app.schema import schema

OPTIONAL_ADDITIONS = (
    DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
    DangerousChangeType.OPTIONAL_ARG_ADDED,
)
CONTRACT = Path(__file__).parents[2].parent / "shared" / "contract" / "schema.graphql"


@pytest.fixture(scope="module")
def contract_schema() -> GraphQLSchema:
    if not CONTRACT.is_file():
        pytest.skip("there is no ../shared/contract/schema.graphql beside the project")
    return extend_schema(GraphQLSchema(), parse(CONTRACT.read_text("utf-8")))


@pytest.fixture(scope="module")
def built_schema() -> GraphQLSchema:
    return build_schema(schema.as_str())


def test_nothing_is_missing(contract_schema: GraphQLSchema, built_schema: GraphQLSchema) -> None:
    wanted, built = dict(_descriptions(contract_schema)), dict(_descriptions(built_schema))

    assert wanted.keys() - built.keys() == set()


def test_what_is_there_breaks_no_client(
    contract_schema: GraphQLSchema, built_schema: GraphQLSchema
) -> None:
    # The test above covers what is missing.
    breaking = [
        change
        for change in find_breaking_changes(contract_schema, built_schema)
        if "REMOVED" not in change.type.name
    ]

    # The contract allows more: a client that does not send the field, or the argument, does not
    # notice it.
    dangerous = [
        change
        for change in find_dangerous_changes(contract_schema, built_schema)
        if change.type not in OPTIONAL_ADDITIONS
    ]

    assert breaking == []
    assert dangerous == []


def test_inputs_have_the_same_defaults_and_oneof(
    contract_schema: GraphQLSchema, built_schema: GraphQLSchema
) -> None:
    wanted, found = dict(_inputs(contract_schema)), dict(_inputs(built_schema))

    assert {key: default for key, default in found.items() if key in wanted} == {
        key: default for key, default in wanted.items() if key in found
    }


def test_what_the_contract_explains_is_explained(
    contract_schema: GraphQLSchema, built_schema: GraphQLSchema
) -> None:
    found = {key: normalize_description(text) for key, text in _descriptions(built_schema)}
    lost = [
        key
        for key, text in _descriptions(contract_schema)
        if key in found and not found[key].startswith(normalize_description(text))
    ]

    assert lost == []


def _descriptions(schema_: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Yields every schema coordinate with its description."""
    for name, type_ in schema_.type_map.items():
        yield name, type_.description or ""
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for interface in type_.interfaces:
                    yield f"{name}: {interface.name}", ""
                for key, field in type_.fields.items():
                    yield f"{name}.{key}", field.description or ""
                    for argument, argument_definition in field.args.items():
                        yield f"{name}.{key}({argument}:)", argument_definition.description or ""
            case GraphQLInputObjectType():
                for key, input_field in type_.fields.items():
                    yield f"{name}.{key}", input_field.description or ""
            case GraphQLEnumType():
                for key, value in type_.values.items():
                    yield f"{name}.{key}", value.description or ""
            case GraphQLUnionType():
                for member in type_.types:
                    yield f"{name} = {member.name}", ""
            case _:
                assert isinstance(type_, GraphQLScalarType)


def _inputs(schema_: GraphQLSchema) -> Iterator[tuple[str, object]]:
    """Yields the default of every input, and for every input type whether it is @oneOf."""
    for name, type_ in schema_.type_map.items():
        if isinstance(type_, GraphQLInputObjectType):
            yield name, type_.is_one_of
            for key, input_field in type_.fields.items():
                yield f"{name}.{key}", _default(input_field.default_value)
        elif isinstance(type_, GraphQLObjectType):
            for key, field in type_.fields.items():
                for argument, argument_definition in field.args.items():
                    yield f"{name}.{key}({argument}:)", _default(argument_definition.default_value)


def _default(value: object) -> str:
    return "none" if value is Undefined else repr(value)


def normalize_description(description: str) -> str:
    return " ".join(description.split()).rstrip(".")
