"""An executor that does without most of the machinery of graphql-core and Strawberry.

Most fields of a list are attributes of its items: strings, numbers, times. For each of them
graphql-core builds a path and a resolver's arguments, which takes ten times as long as to read it.
"""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, get_nullable_type
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.schema.http.attribute_readers import NOT_READ, Reader, get_readers
from app.schema.http.direct_resolvers import get_direct_resolvers
from app.schema.roles import is_allowed

FieldSet = dict[str, Any]
"""The fields to execute on an object, by their names in the response."""


@dataclass(slots=True)
class _Plan:
    """How to execute a set of fields on objects of one type.

    It reads plain attributes and methods that return leaves; the other fields are graphql-core's.
    `empty_values` has all names in their order.
    """

    parent_type: GraphQLObjectType
    field_set: FieldSet
    empty_values: dict[str, Any]
    attributes: list[tuple[str, Reader]]
    methods: list[tuple[str, Reader, GraphQLField]]
    other_fields: FieldSet

    def leave_to_graphql_core(self, names: Iterable[str]) -> None:
        """Makes graphql-core execute these methods, too, from now on."""
        names = {*self.other_fields, *names}
        self.methods = [method for method in self.methods if method[0] not in names]
        self.other_fields = {
            name: details for name, details in self.field_set.items() if name in names
        }


class FastExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations with the results of Strawberry's executor, errors included.

    It reads leaves itself. It hands a field over to that executor if the value is not there, is an
    error, has to be awaited, or does not fit the type. A method is then called a second time.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._readers = get_readers(self.schema)
        self._direct_resolvers = get_direct_resolvers(self.schema)
        self.middleware_manager = self._direct_resolvers
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
        plan = self._plan(parent_type, grouped_field_set)
        values = self._read(plan, source_value, path)
        other_fields = plan.other_fields
        if NOT_READ in values.values():
            plan.leave_to_graphql_core(
                name for name, *_ in plan.methods if values[name] is NOT_READ
            )
            other_fields = {
                name: details
                for name, details in grouped_field_set.items()
                if name in plan.other_fields or values.get(name) is NOT_READ
            }
        if not other_fields:
            return values
        other_values = super().execute_fields(
            parent_type, source_value, path, other_fields, position_context
        )
        if self.is_awaitable(other_values):
            return _merge(values, other_values)
        values.update(cast("dict[str, Any]", other_values))
        return values

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
        type_ = get_nullable_type(return_type)
        if isinstance(type_, GraphQLObjectType) and _is_instance(result, type_, info):
            # Straight to the fields of the object.
            return self.collect_and_execute_subfields(
                type_, field_details_list, path, result, position_context
            )
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Path,
        items: Iterable[Any],
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        """Returns the completed items of a list."""
        type_ = get_nullable_type(item_type)
        if isinstance(type_, GraphQLObjectType) and isinstance(items, list):
            collected_fields = self.collect_subfields(type_, field_details_list)
            if not collected_fields.new_defer_usages and position_context is None:
                plan = self._plan(type_, collected_fields.grouped_field_set)
                values = self._read_list(plan, items, info, path)
                if values is not None:
                    return values
        return super().complete_iterable_value(
            item_type, field_details_list, info, path, items, position_context
        )

    def complete_list_item_value(
        self, item: Any, completed_results: list[Any], *details: Any
    ) -> bool:
        """Appends the completed value of an item to the results. Whether it is awaitable."""
        is_awaitable = super().complete_list_item_value(item, completed_results, *details)
        if is_awaitable:
            # The executor does not ask, and so `is_awaitable` could not remember it.
            self.is_awaitable(completed_results[-1])
        return is_awaitable

    def _read_list(
        self, plan: _Plan, items: list[Any], info: Any, path: Path
    ) -> list[dict[str, Any]] | None:
        """Returns the values of the fields of all items; None if graphql-core must execute some."""
        values: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            if plan.other_fields or not _is_instance(item, plan.parent_type, info):
                return None
            item_values = self._read(plan, item, Path(path, index, None))
            if NOT_READ in item_values.values():
                return None
            values.append(item_values)
        return values

    def _read(self, plan: _Plan, source: object, path: Path | None) -> dict[str, Any]:
        """Returns the values of an object; NOT_READ for those that graphql-core must complete."""
        values = plan.empty_values.copy()
        for name, read in plan.attributes:
            values[name] = read(source)
        for name, read, field in plan.methods:
            nodes = [details.node for details in plan.field_set[name]]
            parent_type = plan.parent_type
            info = self.build_resolve_info(
                field, nodes, parent_type, Path(path, name, parent_type.name)
            )
            values[name] = read(source, info)
        return values

    def _plan(self, parent_type: GraphQLObjectType, field_set: FieldSet) -> _Plan:
        plan = self._plans.get(id(field_set))
        if plan is None:
            plan = self._plans[id(field_set)] = self._make_plan(parent_type, field_set)
        return plan

    def _make_plan(self, parent_type: GraphQLObjectType, field_set: FieldSet) -> _Plan:
        plan = _Plan(parent_type, field_set, {}, [], [], {})
        for response_name, details in field_set.items():
            field_name = details[0].node.name.value
            field = self.schema.get_field(parent_type, field_name)
            if field is None:
                continue
            key = parent_type.name, field_name
            plan.empty_values[response_name] = None
            if field_name == "__typename":
                plan.empty_values[response_name] = parent_type.name
            elif not is_allowed(field, self.context_value):
                # The field's own resolver raises the error, with the path.
                plan.other_fields[response_name] = details
            elif reader := self._readers.get(key):
                plan.attributes.append((response_name, reader))
            elif reader := self._direct_resolvers.leaf_readers.get(key):
                plan.methods.append((response_name, reader, field))
            else:
                plan.other_fields[response_name] = details
        return plan


def _is_instance(value: object, type_: GraphQLObjectType, info: Any) -> bool:
    """Whether the value is an object of the type, and no awaitable."""
    if value is None or isinstance(value, Exception) or hasattr(value, "__await__"):
        return False
    return type_.is_type_of is None or type_.is_type_of(value, info) is True


async def _merge(values: dict[str, Any], other_values: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    values.update(await other_values)
    return values
