"""Ways through a tree. However often a segment stands in it, it is entered once."""

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

# Bytes: of a condition with all its guards, of a value beside its text, of a letter's cases.
_CONDITION_BYTES, _VALUE_BYTES, CASE_INSENSITIVE_LETTER_BYTES = 1_000, 20, 8


def own_conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of the filter itself, not those of the segments inside it."""
    match filter_:
        case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
            for branch in branches:
                yield from own_conditions(branch)
        case AttributeCondition() | EventCondition() | StaticMemberCondition() | SegmentCondition():
            yield filter_
        case _:
            assert_never(filter_)


def nested_segments(filter_: Filter) -> list[NestedSegment]:
    """The segments inside the filter, at any depth, each after those that are inside it."""
    ordered_segments: dict[NestedSegment, None] = {}

    def visit(tree: Filter) -> None:
        for segment in _referenced_segments(tree):
            if segment not in ordered_segments:
                visit(segment.tree)
                ordered_segments[segment] = None

    visit(filter_)
    return list(ordered_segments)


def conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of the filter and of the segments inside it."""
    for tree in (filter_, *(segment.tree for segment in nested_segments(filter_))):
        yield from own_conditions(tree)


def measures(filter_: Filter) -> list[Measure]:
    """Every measure of rows that the filter needs, once."""
    unique_measures: dict[Measure, None] = {}
    for condition in conditions(filter_):
        if isinstance(condition, EventCondition | StaticMemberCondition):
            unique_measures[condition.measure] = None
    return list(unique_measures)


def segment_depth(filter_: Filter) -> int:
    """How many segments lie one within the other; the filter itself is the first."""
    depths: dict[NestedSegment, int] = {}

    def depth(tree: Filter) -> int:
        return 1 + max((depths[segment] for segment in _referenced_segments(tree)), default=0)

    for segment in nested_segments(filter_):
        depths[segment] = depth(segment.tree)
    return depth(filter_)


def query_bytes(filter_: Filter) -> int:
    """How many bytes its predicate takes at the most, each segment inside it written out once."""
    return sum(map(_condition_bytes, conditions(filter_)))


def inlined_query_bytes(filter_: Filter) -> int:
    """The same with each segment written out wherever it stands."""
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
            return (
                _CONDITION_BYTES
                + _operand_bytes(operand)
                + sum(map(_condition_bytes, measure.where))
            )
        case _:
            return _CONDITION_BYTES if isinstance(condition, StaticMemberCondition) else 0


def _operand_bytes(operand: Operand) -> int:
    values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
    text_bytes = sum(len(value.encode()) for value in values if isinstance(value, str))
    return _VALUE_BYTES * len(values) + text_bytes * (
        CASE_INSENSITIVE_LETTER_BYTES if operand.ignore_case else 1
    )


def inlined_depth(filter_: Filter) -> int:
    """How deep the groups lie once each segment is written out."""
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
    return (c.segment for c in own_conditions(filter_) if isinstance(c, SegmentCondition))
