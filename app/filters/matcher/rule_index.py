"""Builds the indexes for the literals of many rules."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from app.filters.fields import Field
from app.filters.matcher.bitmaps import to_bitmap
from app.filters.matcher.condition_indexes import (
    ConditionIndex,
    EqualityIndex,
    NumberRangeIndex,
    RuleLiteral,
    TimeOffsetIndex,
    TimeRangeIndex,
)
from app.filters.matcher.index_kinds import IndexKind, choose_index_kind
from app.filters.matcher.measure_index import MeasureIndex
from app.filters.matcher.rules import Literal
from app.filters.matcher.unindexed_conditions import UnindexedCondition, build_unindexed_condition
from app.filters.tree import AttributeCondition, EventCondition
from app.filters.walk import Condition

_INDEX_TYPES: dict[IndexKind, Callable[[Sequence[RuleLiteral], int], ConditionIndex]] = {
    IndexKind.EQUALITY: partial(EqualityIndex, ignore_case=False),
    IndexKind.EQUALITY_IGNORING_CASE: partial(EqualityIndex, ignore_case=True),
    IndexKind.NUMBER_RANGES: NumberRangeIndex,
    IndexKind.TIME_RANGES: TimeRangeIndex,
    IndexKind.INSTANT_OFFSETS: partial(TimeOffsetIndex, holds_dates=False),
    IndexKind.DATE_OFFSETS: partial(TimeOffsetIndex, holds_dates=True),
}


IndexesByField = list[tuple[Field, list[ConditionIndex]]]


class RuleIndex(NamedTuple):
    """All conditions of the rules, in the order in which the matcher evaluates them.

    Time-dependent conditions come late: a rule that a static condition excludes needs no timer.
    """

    indexes: IndexesByField
    unindexed: list[UnindexedCondition[Any]]
    time_dependent_indexes: IndexesByField
    time_dependent_unindexed: list[UnindexedCondition[Any]]
    measure_index: MeasureIndex


def index_key(literal: Literal) -> Hashable:
    """A key for the index that answers the literal. A rule may have one literal for each key."""
    condition, _ = literal
    match condition:
        case EventCondition():
            return EventCondition
        case AttributeCondition() if kind := choose_index_kind(condition):
            return condition.field, kind
        case _:
            return condition


def build_rule_index(rules: Mapping[int, Sequence[Literal]]) -> RuleIndex:
    """Builds the index for rules, given as the literals by the bit of the rule."""
    all_rules = to_bitmap(rules)
    indexed_literals: defaultdict[tuple[Field, IndexKind], list[RuleLiteral]] = defaultdict(list)
    measure_literals: list[RuleLiteral] = []
    unindexed_rule_bits: defaultdict[Condition, tuple[list[int], list[int]]] = defaultdict(
        lambda: ([], [])
    )
    for rule_bit, literals in rules.items():
        for condition, expected in literals:
            if isinstance(condition, EventCondition):
                measure_literals.append(RuleLiteral(rule_bit, condition, expected))
            elif isinstance(condition, AttributeCondition) and (
                kind := choose_index_kind(condition)
            ):
                indexed_literals[condition.field, kind].append(
                    RuleLiteral(rule_bit, condition, expected)
                )
            else:
                unindexed_rule_bits[condition][not expected].append(rule_bit)

    static_indexes: defaultdict[Field, list[ConditionIndex]] = defaultdict(list)
    time_dependent_indexes: defaultdict[Field, list[ConditionIndex]] = defaultdict(list)
    for (field, kind), index_literals in indexed_literals.items():
        index = _INDEX_TYPES[kind](index_literals, all_rules)
        (time_dependent_indexes if index.is_time_dependent else static_indexes)[field].append(index)
    unindexed = [
        build_unindexed_condition(condition, *rule_bits)
        for condition, rule_bits in unindexed_rule_bits.items()
    ]
    return RuleIndex(
        [*static_indexes.items()],
        [
            unindexed_condition
            for unindexed_condition in unindexed
            if not unindexed_condition.is_time_dependent
        ],
        [*time_dependent_indexes.items()],
        [
            unindexed_condition
            for unindexed_condition in unindexed
            if unindexed_condition.is_time_dependent
        ],
        MeasureIndex(measure_literals, all_rules),
    )
