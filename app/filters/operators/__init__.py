"""The operators of the filter language, in the order of the reference."""

from app.filters.operators import (
    anniversaries,
    arrays,
    days,
    distance,
    equality,
    instants,
    numbers,
    presence,
    text,
)
from app.filters.operators.operator import Example, Operand, Operator, Query

_MODULES = (equality, presence, text, numbers, instants, days, anniversaries, arrays, distance)

OPERATORS: tuple[Operator, ...] = tuple(
    dict.fromkeys(
        member
        for module in _MODULES
        for member in vars(module).values()
        if isinstance(member, Operator)
    )
)
OPERATORS_BY_NAME = {operator.name: operator for operator in OPERATORS}

__all__ = ["OPERATORS", "OPERATORS_BY_NAME", "Example", "Operand", "Operator", "Query"]
