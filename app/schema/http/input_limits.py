"""Limits on the variables of a large request, checked before they are coerced.

Coercion takes microseconds for each object, in one piece. The services check the exact limits
afterwards, and name them; the limits here are higher.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
)
from graphql.utilities import type_from_ast

from app.schema.http.request_errors import OperationError, error_object

_INPUT_LIMIT = "inputLimit"

Path = tuple[str, ...]


class InputLimit(NamedTuple):
    """The maximum number of values of a type in one variable, and the code of the error. They are
    counted together with those of the type `counted_as`."""

    max_count: int
    error_code: str
    counted_as: str | None = None


def set_input_limits(schema: GraphQLSchema, limits: Mapping[str, InputLimit]) -> None:
    """Sets the limits by the names of types. Scalars and enums count in lists only. Raises KeyError
    for a type that does not exist."""
    if unknown_names := limits.keys() - schema.type_map.keys():
        raise KeyError(*unknown_names)
    # Not in the types: all schemas of a process share String.
    schema.extensions[_INPUT_LIMIT] = dict(limits)


def check_variables(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> None:
    """Raises OperationError if a variable has too many values of one type."""
    limits: Mapping[str, InputLimit] = schema.extensions.get(_INPUT_LIMIT, {})
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_: Any = type_from_ast(schema, definition.type)
        try:
            _Counter(limits).count(variables.get(name), type_)
        except _TooManyValues as error:
            message = (
                f"Variable '${name}' has more than {error.limit.max_count:,} values of the type"
                f" {error.type_name}; send fewer, or in parts."
            )
            error_json = error_object(message, error.limit.error_code)
            argument_path = next(_find_uses(document.definitions, name), ())
            error_json["extensions"]["path"] = [*argument_path, *error.path]
            raise OperationError(422, [error_json]) from None


class _TooManyValues(Exception):
    """`path` is where the first of the values is in the variable, without its index."""

    def __init__(self, type_name: str, limit: InputLimit, path: Path) -> None:
        self.type_name = type_name
        self.limit = limit
        self.path = path


class _Counter:
    """Counts the values of a variable by type. Values that do not fit are left to coercion."""

    def __init__(self, limits: Mapping[str, InputLimit]) -> None:
        self._limits = limits
        self._counts: Counter[str] = Counter()
        self._first_paths: dict[str, Path] = {}

    def count(self, value: object, type_: GraphQLInputType, path: Path = ()) -> None:
        """Raises _TooManyValues."""
        nullable_type: Any = get_nullable_type(type_)
        if isinstance(value, list) and is_list_type(nullable_type):
            self._count_list(value, nullable_type.of_type, path)
        elif isinstance(value, dict) and is_input_object_type(get_named_type(type_)):
            # A list may have one element that is not in brackets.
            self._count_object(value, get_named_type(type_), path)

    def _count_list(self, values: list[Any], item_type: GraphQLInputType, path: Path) -> None:
        nullable_type: Any = get_nullable_type(item_type)
        if is_list_type(nullable_type) or is_input_object_type(nullable_type):
            for value in values:
                self.count(value, item_type, path)
        else:
            self._add(nullable_type, len(values), path)

    def _count_object(self, value: dict[str, Any], type_: Any, path: Path) -> None:
        self._add(type_, 1, path)
        fields = _nested_fields(type_)
        for key, inner in value.items():
            if isinstance(inner, list | dict) and (field_type := fields.get(key)):
                self.count(inner, field_type, (*path, key))

    def _add(self, type_: Any, count: int, path: Path) -> None:
        limit = self._limits.get(type_.name)
        if limit is None:
            return
        name = limit.counted_as or type_.name
        self._counts[name] += count
        first_path = self._first_paths.setdefault(name, path)
        if self._counts[name] > limit.max_count:
            raise _TooManyValues(name, limit, first_path)


@cache
def _nested_fields(type_: GraphQLInputObjectType) -> dict[str, GraphQLInputType]:
    """Returns the types of the fields that are lists or objects."""
    return {
        name: field.type
        for name, field in type_.fields.items()
        if is_list_type(get_nullable_type(field.type))
        or is_input_object_type(get_named_type(field.type))
    }


def _find_uses(nodes: Iterable[Node], variable: str) -> Iterator[Path]:
    """Yields where the variable is in the arguments of fields: the argument, and the keys in it."""
    for node in nodes:
        if isinstance(node, FieldNode):
            for argument in node.arguments or ():
                for path in _find_in_value(argument.value, variable):
                    yield (argument.name.value, *path)
        selection_set = getattr(node, "selection_set", None)
        if selection_set is not None:
            yield from _find_uses(selection_set.selections, variable)


def _find_in_value(value: ValueNode, variable: str) -> Iterator[Path]:
    if isinstance(value, VariableNode) and value.name.value == variable:
        yield ()
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            for path in _find_in_value(field.value, variable):
                yield (field.name.value, *path)
