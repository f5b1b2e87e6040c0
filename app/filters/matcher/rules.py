"""Converts filters to rules: literals that must all hold, and disjunctions."""

from dataclasses import replace
from typing import NamedTuple

from app.filters.conjuncts import conjuncts
from app.filters.fields import AttributeType
from app.filters.operators import Operand
from app.filters.operators.numbers import GREATER_THAN_OR_EQUAL
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
)
from app.filters.walk import Condition

Literal = tuple[Condition, bool]
"""A condition, and whether the rule expects it to hold.

The operator of the condition never negates another. Membership of a static segment is a condition
on a measure: a member has at least one row in the segment's list.
"""

_AT_LEAST_ONE = GREATER_THAN_OR_EQUAL, Operand(1, AttributeType.NUMBER, scalar=True)


class Rule(NamedTuple):
    """A rule matches if all its literals hold and, of each disjunction, at least one branch, which
    is a rule itself, matches."""

    literals: list[Literal]
    disjunctions: list[list["Rule"]]


def to_rule(filter_: Filter) -> Rule:
    """The filter as a rule.

    A nested segment that the filter requires or excludes is taken apart into literals. A nested
    segment in a branch stays a single condition, which the matcher evaluates once for all rules.
    """
    return _build_rule(filter_, inlined=True)


def _build_rule(filter_: Filter, *, inlined: bool = False) -> Rule:
    literals: dict[Literal, None] = {}
    disjunctions: list[list[Rule]] = []
    for conjunct in conjuncts(filter_, inline_segments=inlined):
        match conjunct:
            case AnyOf(branches) | NoneOf((NoneOf(branches),)):
                disjunctions.append([_build_rule(branch) for branch in branches])
            case NoneOf((AllOf(branches),)):
                disjunctions.append([_build_rule(NoneOf((branch,))) for branch in branches])
            case NoneOf((condition,)):
                literals[_to_literal(condition, expected=False)] = None
            case _:
                literals[_to_literal(conjunct, expected=True)] = None
    return Rule([*literals], disjunctions)


def _to_literal(condition: Filter, *, expected: bool) -> Literal:
    match condition:
        case AttributeCondition(operator=operator) | EventCondition(operator=operator):
            if operator.negates is not None:
                return replace(condition, operator=operator.negates), not expected
            return condition, expected
        case StaticMemberCondition(rows):
            return EventCondition(rows, *_AT_LEAST_ONE), expected
        case SegmentCondition(segment, member):
            return SegmentCondition(segment), member is expected
        case _:
            raise AssertionError(condition)
