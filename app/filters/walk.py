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
    Listed,
    Measure,
    Member,
    Nested,
    NoneOf,
)

Condition = AttributeCondition | EventCondition | Listed | Member

# Bytes: of a condition with all its guards, of a value beside its text, of a letter's cases.
_A_CONDITION, _A_VALUE, LETTER_OF_ANY_CASE = 1_000, 20, 8


def own_conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of the filter itself, not those of the segments inside it."""
    match filter_:
        case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
            for branch in branches:
                yield from own_conditions(branch)
        case AttributeCondition() | EventCondition() | Listed() | Member():
            yield filter_
        case _:
            assert_never(filter_)


def inside(filter_: Filter) -> list[Nested]:
    """The segments inside the filter, at any depth, each after those that are inside it."""
    found: dict[Nested, None] = {}

    def enter(tree: Filter) -> None:
        for segment in _named(tree):
            if segment not in found:
                enter(segment.tree)
                found[segment] = None

    enter(filter_)
    return list(found)


def conditions(filter_: Filter) -> Iterator[Condition]:
    """The conditions of the filter and of the segments inside it."""
    for tree in (filter_, *(segment.tree for segment in inside(filter_))):
        yield from own_conditions(tree)


def measures(filter_: Filter) -> list[Measure]:
    """Every measure of rows that the filter needs, once."""
    found: dict[Measure, None] = {}
    for condition in conditions(filter_):
        if isinstance(condition, EventCondition):
            found[condition.measure] = None
        elif isinstance(condition, Listed):
            found[condition.rows] = None
    return list(found)


def segments_deep(filter_: Filter) -> int:
    """How many segments lie one within the other; the filter itself is the first."""
    deep: dict[Nested, int] = {}

    def depth(tree: Filter) -> int:
        return 1 + max((deep[segment] for segment in _named(tree)), default=0)

    for segment in inside(filter_):
        deep[segment] = depth(segment.tree)
    return depth(filter_)


def weight(filter_: Filter) -> int:
    """How many bytes its predicate takes at the most, each segment inside it written out once."""
    return sum(map(_weight, conditions(filter_)))


def inlined_weight(filter_: Filter) -> int:
    """The same with each segment written out wherever it stands."""
    weights: dict[Nested, int] = {}

    def weigh(tree: Filter) -> int:
        return sum(
            weights[condition.segment] if isinstance(condition, Member) else _weight(condition)
            for condition in own_conditions(tree)
        )

    for segment in inside(filter_):
        weights[segment] = weigh(segment.tree)
    return weigh(filter_)


def _weight(condition: Condition) -> int:
    match condition:
        case AttributeCondition(_, _, operand):
            return _A_CONDITION + _weight_of(operand)
        case EventCondition(measure, _, operand):
            return _A_CONDITION + _weight_of(operand) + sum(map(_weight, measure.where))
        case _:
            return _A_CONDITION if isinstance(condition, Listed) else 0


def _weight_of(operand: Operand) -> int:
    values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
    texts = sum(len(value.encode()) for value in values if isinstance(value, str))
    return _A_VALUE * len(values) + texts * (LETTER_OF_ANY_CASE if operand.ignore_case else 1)


def inlined_levels(filter_: Filter) -> int:
    """How deep the groups lie once each segment is written out."""
    levels: dict[Nested, int] = {}

    def level(tree: Filter) -> int:
        match tree:
            case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
                return 1 + max(map(level, branches))
            case Member(segment):
                return 1 + levels[segment]
            case _:
                return 0

    for segment in inside(filter_):
        levels[segment] = level(segment.tree)
    return level(filter_)


def _named(filter_: Filter) -> Iterator[Nested]:
    return (c.segment for c in own_conditions(filter_) if isinstance(c, Member))
