"""Filters taken apart into what must hold, each part in the form in which it is looked up."""

from dataclasses import replace

from app.filters.conjuncts import conjuncts
from app.filters.fields import AttributeType
from app.filters.operators import Operand
from app.filters.operators.numbers import GREATER_THAN_OR_EQUAL
from app.filters.tree import (
    AttributeCondition,
    EventCondition,
    Filter,
    Listed,
    Member,
    NoneOf,
)

Literal = tuple[Filter, bool]
"""A part, and whether it is wanted to hold."""

_ONE_OR_MORE = GREATER_THAN_OR_EQUAL, Operand(1, AttributeType.NUMBER, scalar=True)


def literals(filter_: Filter) -> list[Literal]:
    """The parts of a filter, each once. A condition that negates another one is that one, not
    wanted; to stand in a list is to have a row of it."""
    return list(dict.fromkeys(map(_literal, conjuncts(filter_))))


def _literal(part: Filter) -> Literal:
    match part:
        case NoneOf((inner,)):
            part, holds = _literal(inner)
            return part, not holds
        case AttributeCondition(operator=operator) | EventCondition(operator=operator):
            if operator.negates is not None:
                return replace(part, operator=operator.negates), False
            return part, True
        case Listed(rows):
            return EventCondition(rows, *_ONE_OR_MORE), True
        case Member(segment, member):
            return Member(segment), member
        case _:
            return part, True
