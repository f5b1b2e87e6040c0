"""Every operator, once, in the order of the reference."""

from app.filters.operators import (
    anniversaries,
    arrays,
    days,
    equality,
    moments,
    numbers,
    places,
    presence,
    text,
)
from app.filters.operators.operator import Example, Operand, Operator, Query

_MODULES = (equality, presence, text, numbers, moments, days, anniversaries, arrays, places)

OPERATORS: tuple[Operator, ...] = tuple(
    dict.fromkeys(
        said for module in _MODULES for said in vars(module).values() if isinstance(said, Operator)
    )
)
BY_NAME = {operator.name: operator for operator in OPERATORS}

__all__ = ["BY_NAME", "OPERATORS", "Example", "Operand", "Operator", "Query"]
