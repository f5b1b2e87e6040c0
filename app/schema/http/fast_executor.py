"""An executor that reads plain attributes without the machinery of graphql-core.

Most fields of a list are attributes of its items: strings, numbers, times. For each of them
graphql-core builds a path and a resolver's arguments, which takes ten times as long as to read it.
"""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

_NOT_READ = object()

Reader = Callable[[object], Any]
"""Returns the completed value of a field of an object, or _NOT_READ if graphql-core must do it."""

FieldSet = dict[str, Any]
"""The fields to execute on an object, by their names in the response."""


class _Plan(NamedTuple):
    """How to execute a set of fields: the readers of the plain attributes, and the other fields.

    `empty_values` has all names in their order.
    """

    field_set: FieldSet
    empty_values: dict[str, Any]
    readers: list[tuple[str, Reader]]
    other_fields: FieldSet


class FastExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations with the results of Strawberry's executor, errors included.

    It hands a field over to that executor unless the field is a leaf without a resolver, and also
    if the attribute's value is an error, is not there, or does not fit the type.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._readers = _readers_of(self.schema)
        # By the identity of the field set, which the plan keeps alive.
        self._plans: dict[int, _Plan] = {}

    def build_per_event_executor(self, payload: Any) -> Any:
        """Returns the executor of one event of a subscription."""
        executor: Any = super().build_per_event_executor(payload)
        # All events would share the plans, which would accumulate.
        executor._plans = {}
        return executor

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: FieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Returns the values of the fields of one object."""
        plan = self._plans.get(id(grouped_field_set))
        if plan is None:
            plan = self._plans[id(grouped_field_set)] = self._make_plan(
                parent_type, grouped_field_set
            )
        values, other_fields = plan.empty_values.copy(), plan.other_fields
        has_unread_fields = False
        for name, read in plan.readers:
            value = read(source_value)
            values[name] = value
            has_unread_fields |= value is _NOT_READ
        if has_unread_fields:
            other_fields = {
                name: details
                for name, details in grouped_field_set.items()
                if name in other_fields or values.get(name) is _NOT_READ
            }
        if not other_fields:
            return values
        other_values = super().execute_fields(
            parent_type, source_value, path, other_fields, position_context
        )
        if isinstance(other_values, dict):
            values.update(other_values)
            return values
        return _merge(values, other_values)

    def _make_plan(self, parent_type: GraphQLObjectType, field_set: FieldSet) -> _Plan:
        empty_values: dict[str, Any] = {}
        readers: list[tuple[str, Reader]] = []
        other_fields: FieldSet = {}
        for response_name, details in field_set.items():
            field_name = details[0].node.name.value
            if self.schema.get_field(parent_type, field_name) is None:
                continue
            empty_values[response_name] = None
            reader = self._readers.get((parent_type.name, field_name))
            if field_name == "__typename":
                empty_values[response_name] = parent_type.name
            elif reader is None or self.middleware_manager:
                other_fields[response_name] = details
            else:
                readers.append((response_name, reader))
        return _Plan(field_set, empty_values, readers, other_fields)


async def _merge(values: dict[str, Any], other_values: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    values.update(await other_values)
    return values


_Readers = dict[tuple[str, str], Reader]
_readers_by_schema: WeakKeyDictionary[GraphQLSchema, _Readers] = WeakKeyDictionary()


def _readers_of(schema: GraphQLSchema) -> _Readers:
    """Returns the readers of all plain attributes of the schema, by type and field."""
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
    leaf_type = get_nullable_type(field.type)
    if (
        not isinstance(definition, StrawberryField)
        or not definition.is_basic_field
        or definition.default_resolver is not getattr
        or not is_leaf_type(leaf_type)
    ):
        return None
    get_value, coerce = attrgetter(definition.python_name), leaf_type.coerce_output_value
    value_of_none = _NOT_READ if is_non_null_type(field.type) else None

    def read(source: object) -> Any:
        try:
            value = get_value(source)
            if value is None:
                return value_of_none
            if isinstance(value, Exception) or optimized_is_awaitable(value):
                return _NOT_READ
            result = coerce(value)
        except Exception:  # noqa: BLE001 - graphql-core raises it again, with its path
            return _NOT_READ
        return _NOT_READ if result is None or result is Undefined else result

    return read
