"""Makes the smallest valid operation for each root field of a schema."""

from collections.abc import Iterator
from typing import NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationType,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

_LITERALS = {
    "Boolean": "true",
    "Date": '"2026-01-01"',
    "DateTime": '"2026-01-01T00:00:00Z"',
    "Duration": '"P1D"',
    "Float": "1",
    "ID": '"seg_000000000000000000000000"',
    "Int": "1",
    "JSON": "{}",
    "Long": "1",
    "String": '"x"',
}


class RootField(NamedTuple):
    """A field of Query, Mutation or Subscription, and an operation that selects it."""

    operation: OperationType
    name: str
    query: str

    def __str__(self) -> str:
        return f"{self.operation.value} {self.name}"


def root_fields(schema: GraphQLSchema) -> Iterator[RootField]:
    for operation in OperationType:
        type_ = schema.get_root_type(operation)
        assert type_ is not None
        for name, field in type_.fields.items():
            yield RootField(operation, name, f"{operation.value} {{ {select(name, field)} }}")


def select(name: str, field: GraphQLField) -> str:
    """Returns a selection of the field with its required arguments."""
    arguments = ", ".join(
        f"{argument_name}: {_literal(argument.type)}"
        for argument_name, argument in field.args.items()
        if is_non_null_type(argument.type) and argument.default_value is Undefined
    )
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return name + (f"({arguments})" if arguments else "") + selection


def _literal(type_: GraphQLInputType) -> str:
    nullable_type = get_nullable_type(type_)
    if is_list_type(nullable_type):
        return "[]"
    match nullable_type:
        case GraphQLEnumType():
            return str(next(iter(nullable_type.values)))
        case GraphQLInputObjectType(fields=fields, is_one_of=True):
            name, field = next(iter(fields.items()))
            return f"{{{name}: {_literal(field.type)}}}"
        case GraphQLInputObjectType(fields=fields):
            literals = [
                f"{name}: {_literal(field.type)}"
                for name, field in fields.items()
                if is_non_null_type(field.type) and field.default_value is Undefined
            ]
            return "{" + ", ".join(literals) + "}"
    return _LITERALS[str(nullable_type)]
