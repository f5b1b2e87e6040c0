"""Traversals of filter trees. Each nested segment is visited once, however often it is used."""

from collections.abc import Iterator
from typing import assert_never

from app.filters.operators import Operand
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
)

Condition = AttributeCondition | EventCondition | StaticMemberCondition | SegmentCondition

# Upper estimates of sizes in a MongoDB query. A condition includes its guards against arrays.
_CONDITION_BYTES = 1_000
# A value without its text.
_VALUE_BYTES = 20
# A pattern that lists the cases of a letter.
CASE_INSENSITIVE_LETTER_BYTES = 8


def own_conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of the filter itself, without those of nested segments."""
    match filter_:
        case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
            for branch in branches:
                yield from own_conditions(branch)
        case AttributeCondition() | EventCondition() | StaticMemberCondition() | SegmentCondition():
            yield filter_
        case _:
            assert_never(filter_)


def nested_segments(filter_: Filter) -> list[NestedSegment]:
    """The nested segments at any depth, each after the segments that it contains."""
    ordered_segments: dict[NestedSegment, None] = {}

    def visit(tree: Filter) -> None:
        for segment in _referenced_segments(tree):
            if segment not in ordered_segments:
                visit(segment.tree)
                ordered_segments[segment] = None

    visit(filter_)
    return list(ordered_segments)


def conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of the filter and of all nested segments."""
    for tree in (filter_, *(segment.tree for segment in nested_segments(filter_))):
        yield from own_conditions(tree)


def measures(filter_: Filter) -> list[Measure]:
    """The distinct measures that the filter reads."""
    unique_measures: dict[Measure, None] = {}
    for condition in conditions(filter_):
        if isinstance(condition, EventCondition | StaticMemberCondition):
            unique_measures[condition.measure] = None
    return list(unique_measures)


def segment_depth(filter_: Filter) -> int:
    """The depth of segment nesting; a filter without nested segments has depth 1."""
    depths: dict[NestedSegment, int] = {}

    def depth(tree: Filter) -> int:
        return 1 + max((depths[segment] for segment in _referenced_segments(tree)), default=0)

    for segment in nested_segments(filter_):
        depths[segment] = depth(segment.tree)
    return depth(filter_)


def query_bytes(filter_: Filter) -> int:
    """The maximum size of the filter's MongoDB query, with each nested segment written once."""
    return sum(map(_condition_bytes, conditions(filter_)))


def inlined_query_bytes(filter_: Filter) -> int:
    """The maximum size with each nested segment written out at every reference."""
    segment_bytes: dict[NestedSegment, int] = {}

    def count_bytes(tree: Filter) -> int:
        return sum(
            segment_bytes[condition.segment]
            if isinstance(condition, SegmentCondition)
            else _condition_bytes(condition)
            for condition in own_conditions(tree)
        )

    for segment in nested_segments(filter_):
        segment_bytes[segment] = count_bytes(segment.tree)
    return count_bytes(filter_)


def _condition_bytes(condition: Condition) -> int:
    match condition:
        case AttributeCondition(_, _, operand):
            return _CONDITION_BYTES + _operand_bytes(operand)
        case EventCondition(measure, _, operand):
            where_bytes = sum(map(_condition_bytes, measure.where))
            # Conditions on elements of an array are written twice: for documents and for rows.
            repetitions = 1 if measure.source.array_key is None else 2
            return _CONDITION_BYTES + _operand_bytes(operand) + repetitions * where_bytes
        case _:
            return _CONDITION_BYTES if isinstance(condition, StaticMemberCondition) else 0


def _operand_bytes(operand: Operand) -> int:
    values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
    text_bytes = sum(len(value.encode()) for value in values if isinstance(value, str))
    return _VALUE_BYTES * len(values) + text_bytes * (
        CASE_INSENSITIVE_LETTER_BYTES if operand.ignore_case else 1
    )


def inlined_depth(filter_: Filter) -> int:
    """The depth of groups with each nested segment written out at every reference."""
    segment_depths: dict[NestedSegment, int] = {}

    def depth(tree: Filter) -> int:
        match tree:
            case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
                return 1 + max(map(depth, branches))
            case SegmentCondition(segment):
                return 1 + segment_depths[segment]
            case _:
                return 0

    for segment in nested_segments(filter_):
        segment_depths[segment] = depth(segment.tree)
    return depth(filter_)


def _referenced_segments(filter_: Filter) -> Iterator[NestedSegment]:
    return (
        condition.segment
        for condition in own_conditions(filter_)
        if isinstance(condition, SegmentCondition)
    )
