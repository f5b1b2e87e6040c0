"""Hints about values of a filter that can't be stored at its paths."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.domain.hints import Hint
from app.errors import InputError, InputPath
from app.filters import Calendar, parse
from app.filters.condition_paths import LocatedCondition
from app.filters.descriptions import describe_value
from app.filters.fields import TEMPORAL_TYPES
from app.filters.sources import COUNTED_ORDER_STATUSES, ORDER_EVENT_NAME
from app.filters.tree import AttributeCondition, EventCondition
from app.services.definitions import Definitions

_EQUALITY_OPERATORS = frozenset(
    ("IS", "IS_NOT", "IN", "NOT_IN", "CONTAINS_ALL", "CONTAINS_ANY", "CONTAINS_NONE")
)
_STATUS_PATH = "status"


def allowed_value_hints(
    attribute_conditions: Iterable[LocatedCondition], definitions: Definitions
) -> Iterator[Hint]:
    """Yields hints about values that the definition of a metadata key does not allow."""
    schema = definitions.metadata_schema
    for condition in attribute_conditions:
        if condition.content["operator"] not in _EQUALITY_OPERATORS:
            continue
        key = condition.content["path"].removeprefix("metadata.")
        definition = schema.definitions.get(key)
        if key == condition.content["path"] or definition is None or not definition.filter_type:
            continue
        effective = definition.effective_definition
        if effective is None or effective.allowed_values is None:
            continue
        try:
            tree = parse({"attribute": condition.content}, definitions.catalog)
        except InputError:
            continue
        assert isinstance(tree, AttributeCondition)
        allowed_text = describe_value(
            tuple(effective.decode(value) for value in effective.allowed_values)
        )
        outside = _values_outside(tree, effective.allowed_values, schema.calendar, condition.path)
        for value, path in outside:
            message = (
                f"{describe_value(value)} is not among the allowed values of {key!r}, which are"
                f" {allowed_text}."
            )
            yield Hint(message, path)


def order_status_hints(
    event_conditions: Iterable[LocatedCondition], definitions: Definitions
) -> Iterator[Hint]:
    """Yields hints about statuses that no counted order has: those of orders that do not count as
    events, and texts that are no status."""
    calendar = definitions.metadata_schema.calendar
    counted_statuses = " or ".join(COUNTED_ORDER_STATUSES)
    for condition in event_conditions:
        if condition.content["name"] != ORDER_EVENT_NAME:
            continue
        for index, where_json in enumerate(condition.content.get("where") or ()):
            if (
                where_json["path"] != _STATUS_PATH
                or where_json["operator"] not in _EQUALITY_OPERATORS
            ):
                continue
            event_json = {"name": ORDER_EVENT_NAME, "where": [where_json]}
            try:
                tree = parse({"event": event_json}, definitions.catalog)
            except InputError:
                continue
            assert isinstance(tree, EventCondition)
            where_path = (*condition.path, "where", str(index))
            (where,) = tree.measure.where
            for value, path in _values_outside(where, COUNTED_ORDER_STATUSES, calendar, where_path):
                message = (
                    f"No event {ORDER_EVENT_NAME!r} has the status {describe_value(value)}: an"
                    f" order counts as an event while its status is {counted_statuses}."
                )
                yield Hint(message, path)


def _values_outside(
    condition: AttributeCondition,
    allowed_values: Sequence[Any],
    calendar: Calendar,
    condition_path: InputPath,
) -> Iterator[tuple[Any, InputPath]]:
    """The condition's values that equal none of the allowed ones, with their paths."""
    value, path = condition.operand.value, (*condition_path, "value")
    for index in _indexes_outside(condition, allowed_values, calendar):
        if isinstance(value, tuple):
            yield value[index], (*path, str(index))
        else:
            yield value, path


def _indexes_outside(
    condition: AttributeCondition, allowed_values: Sequence[Any], calendar: Calendar
) -> Iterator[int]:
    operand = condition.operand
    values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
    if operand.type in TEMPORAL_TYPES:
        ordering, sorted_values = operand.ordering_class(calendar), sorted(allowed_values)
        for index, value in enumerate(values):
            start, end = ordering.span(value, value)
            position = bisect_left(sorted_values, start)
            if position == len(sorted_values) or sorted_values[position] >= end:
                yield index
        return
    allowed_keys = set(map(operand.equality_key, allowed_values))
    for index, value in enumerate(values):
        if operand.equality_key(value) not in allowed_keys:
            yield index
