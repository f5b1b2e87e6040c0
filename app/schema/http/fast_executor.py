"""An executor that does without most of the machinery of graphql-core and Strawberry.

Most fields of a list are attributes of its items: strings, numbers, times. For each of them
graphql-core builds a path and a resolver's arguments, which takes ten times as long as to read it.
"""

from collections.abc import Awaitable
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, GraphQLOutputType, is_non_null_type
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.schema.http.attribute_readers import NOT_READ, Reader, get_readers
from app.schema.http.direct_resolvers import get_direct_resolvers

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

    It reads leaves without a resolver itself. It hands them over to that executor, as all other
    fields, if the attribute is not there, is an error, or does not fit the type.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._readers = get_readers(self.schema)
        self.middleware_manager = get_direct_resolvers(self.schema)
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
            has_unread_fields |= value is NOT_READ
        if has_unread_fields:
            other_fields = {
                name: details
                for name, details in grouped_field_set.items()
                if name in other_fields or values.get(name) is NOT_READ
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

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[Any]:
        """Returns the completed value of a field or of an item of a list."""
        type_ = return_type.of_type if is_non_null_type(return_type) else return_type
        if (
            isinstance(type_, GraphQLObjectType)
            and result is not None
            and not isinstance(result, Exception)
            and (type_.is_type_of is None or type_.is_type_of(result, info) is True)
        ):
            # Straight to the fields of the object.
            return self.collect_and_execute_subfields(
                type_, field_details_list, path, result, position_context
            )
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )

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
            elif reader is None:
                other_fields[response_name] = details
            else:
                readers.append((response_name, reader))
        return _Plan(field_set, empty_values, readers, other_fields)


async def _merge(values: dict[str, Any], other_values: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    values.update(await other_values)
    return values
