"""The arguments of every field are converted to the values that Strawberry makes of them."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.field import StrawberryField

from app.schema import schema
from app.schema.http.argument_converters import ArgumentConverters

ROUNDS = 40
_MAX_DEPTH = 4
_MAX_ITEMS = 3


class FieldArguments(NamedTuple):
    field: GraphQLField
    arguments: list[StrawberryArgument]


def fields_with_arguments() -> Iterator[Any]:
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
                if isinstance(definition, StrawberryField) and definition.arguments:
                    arguments = FieldArguments(field, definition.arguments)
                    yield pytest.param(arguments, id=f"{type_.name}.{name}")


FIELDS = list(fields_with_arguments())
CONVERTERS = ArgumentConverters(schema._schema)


def random_value(type_: GraphQLInputType, rng: Random, depth: int = 0) -> Any:
    """Returns a value as graphql-core passes it: null, if it may be, and without some fields."""
    if isinstance(type_, GraphQLNonNull):
        return random_present_value(type_.of_type, rng, depth)
    return random_present_value(type_, rng, depth) if rng.random() < 0.8 else None


def random_present_value(type_: GraphQLInputType, rng: Random, depth: int) -> Any:
    if isinstance(type_, GraphQLList):
        count = rng.randint(0, _MAX_ITEMS if depth < _MAX_DEPTH else 0)
        return [random_value(type_.of_type, rng, depth + 1) for _ in range(count)]
    if isinstance(type_, GraphQLInputObjectType):
        return {
            name: random_value(field.type, rng, depth + 1)
            for name, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull) or (depth < _MAX_DEPTH and rng.random() < 0.5)
        }
    if isinstance(type_, GraphQLEnumType):
        return rng.choice([value.value for value in type_.values.values()])
    assert isinstance(type_, GraphQLScalarType)
    # Scalars are not converted, whatever they are.
    return object()


def outcome(convert: Callable[[Any], Any], values: dict[str, Any]) -> Any:
    try:
        return convert(values)
    except StrawberryInputCoercionError as error:
        return str(error)


@pytest.mark.parametrize("field_arguments", FIELDS)
def test_they_equal_those_of_strawberry(field_arguments: FieldArguments) -> None:
    field, arguments = field_arguments
    convert = CONVERTERS.make(arguments)
    for seed in range(ROUNDS):
        rng = Random(seed)
        values = {
            name: random_value(argument.type, rng)
            for name, argument in field.args.items()
            if isinstance(argument.type, GraphQLNonNull) or rng.random() < 0.7
        }
        expected = outcome(
            lambda values: convert_arguments(
                values, arguments, schema.schema_converter.scalar_registry, schema.config
            ),
            values,
        )

        assert outcome(convert, values) == expected


def test_all_fields_are_tried() -> None:
    ids = {param.id for param in FIELDS}
    assert {"Query.customer", "Mutation.customersUpsert", "Segment.members"} <= ids
    assert len(ids) > 60


def test_a_list_is_copied() -> None:
    """Otherwise a method could change the default of an argument."""
    (arguments,) = (
        param.values[0].arguments for param in FIELDS if param.id == "Query.customersByEmail"
    )
    emails = ["a@example.com"]

    assert CONVERTERS.make(arguments)({"emails": emails})["emails"] is not emails
