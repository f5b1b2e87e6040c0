"""Filters taken apart into rules."""

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
    Listed,
    Member,
    NoneOf,
)
from app.filters.walk import Condition

Literal = tuple[Condition, bool]
"""A condition, and whether it is wanted to hold. It negates no other one, and lists are measures:
to stand in one is to have a row of it."""

_ONE_OR_MORE = GREATER_THAN_OR_EQUAL, Operand(1, AttributeType.NUMBER, scalar=True)


class Rule(NamedTuple):
    """All the literals hold, and of each choice at least one of the rules, its branches."""

    literals: list[Literal]
    choices: list[list["Rule"]]


def rule(filter_: Filter) -> Rule:
    """The filter as a rule. Segments inside it are taken apart where they must hold or must not;
    one that is a branch, and may be one of many others, is judged once as a whole."""
    return _rule(filter_, inlined=True)


def _rule(filter_: Filter, *, inlined: bool = False) -> Rule:
    literals: dict[Literal, None] = {}
    choices: list[list[Rule]] = []
    for part in conjuncts(filter_, inlined=inlined):
        match part:
            case AnyOf(branches) | NoneOf((NoneOf(branches),)):
                choices.append([_rule(branch) for branch in branches])
            case NoneOf((AllOf(branches),)):
                choices.append([_rule(NoneOf((branch,))) for branch in branches])
            case NoneOf((condition,)):
                literals[_literal(condition, holds=False)] = None
            case _:
                literals[_literal(part, holds=True)] = None
    return Rule([*literals], choices)


def _literal(condition: Filter, *, holds: bool) -> Literal:
    match condition:
        case AttributeCondition(operator=operator) | EventCondition(operator=operator):
            if operator.negates is not None:
                return replace(condition, operator=operator.negates), not holds
            return condition, holds
        case Listed(rows):
            return EventCondition(rows, *_ONE_OR_MORE), holds
        case Member(segment, member):
            return Member(segment), member is holds
        case _:
            raise AssertionError(condition)
