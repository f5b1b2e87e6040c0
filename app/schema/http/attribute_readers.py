"""Functions that read plain attributes: fields of a leaf type without a resolver."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    GraphQLField,
    GraphQLID,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

NOT_READ = object()

Reader = Callable[..., Any]
"""Returns the completed value of a field of an object, or NOT_READ if graphql-core must do it."""

Readers = dict[tuple[str, str], Reader]
"""Readers by the names of the type and of the field."""

# Values of these types are neither errors nor awaitable.
_PLAIN_TYPES = frozenset({str, int, float, bool, datetime})

_readers_by_schema: WeakKeyDictionary[GraphQLSchema, Readers] = WeakKeyDictionary()


def get_readers(schema: GraphQLSchema) -> Readers:
    """Returns the readers of all plain attributes of the schema."""
    readers = _readers_by_schema.get(schema)
    if readers is None:
        readers = _readers_by_schema[schema] = {
            (type_.name, name): reader
            for type_ in schema.type_map.values()
            if isinstance(type_, GraphQLObjectType)
            for name, field in type_.fields.items()
            if (reader := _make_reader(field))
        }
    return readers


def _make_reader(field: GraphQLField) -> Reader | None:
    """Returns the reader of a field; None unless the field is a plain attribute of a leaf type."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if (
        not isinstance(definition, StrawberryField)
        or not definition.is_basic_field
        or definition.default_resolver is not getattr
    ):
        return None
    return make_leaf_reader(field, attrgetter(definition.python_name))


def make_leaf_reader(field: GraphQLField, get_value: Callable[..., Any]) -> Reader | None:
    """Returns a function with the arguments of `get_value`, which completes the value; None unless
    the field is of a leaf type."""
    leaf_type = get_nullable_type(field.type)
    if not is_leaf_type(leaf_type):
        return None
    coerce = leaf_type.coerce_output_value
    value_of_none = NOT_READ if is_non_null_type(field.type) else None
    # These types return a string as it is.
    unchanged_type = str if leaf_type in (GraphQLString, GraphQLID) else None

    def read(*arguments: object) -> Any:
        try:
            value = get_value(*arguments)
            if value is None:
                return value_of_none
            value_type = type(value)
            if value_type is unchanged_type:
                return value
            if value_type not in _PLAIN_TYPES and (
                isinstance(value, Exception) or optimized_is_awaitable(value)
            ):
                return NOT_READ
            result = coerce(value)
        except Exception:  # noqa: BLE001 - graphql-core raises it again, with its path
            return NOT_READ
        return NOT_READ if result is None or result is Undefined else result

    return read
