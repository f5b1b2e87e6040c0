"""Every operator, once, in the order of the reference."""

from app.filters.operators.equality import IN, IS, IS_NOT, NOT_IN
from app.filters.operators.moments import (
    AFTER,
    BEFORE,
    MORE_THAN_AGO,
    MORE_THAN_AHEAD,
    ON_OR_AFTER,
    ON_OR_BEFORE,
    WITHIN_LAST,
    WITHIN_NEXT,
)
from app.filters.operators.numbers import (
    BETWEEN,
    GREATER_THAN,
    GREATER_THAN_OR_EQUAL,
    LESS_THAN,
    LESS_THAN_OR_EQUAL,
)
from app.filters.operators.operator import Example, Operand, Operator, Query
from app.filters.operators.presence import HAS_NO_VALUE, HAS_VALUE
from app.filters.operators.text import CONTAINS, ENDS_WITH, NOT_CONTAINS, STARTS_WITH

OPERATORS: tuple[Operator, ...] = (
    IS,
    IS_NOT,
    IN,
    NOT_IN,
    HAS_VALUE,
    HAS_NO_VALUE,
    STARTS_WITH,
    ENDS_WITH,
    CONTAINS,
    NOT_CONTAINS,
    GREATER_THAN,
    GREATER_THAN_OR_EQUAL,
    LESS_THAN,
    LESS_THAN_OR_EQUAL,
    BETWEEN,
    BEFORE,
    AFTER,
    ON_OR_BEFORE,
    ON_OR_AFTER,
    WITHIN_LAST,
    MORE_THAN_AGO,
    WITHIN_NEXT,
    MORE_THAN_AHEAD,
)
BY_NAME = {operator.name: operator for operator in OPERATORS}

__all__ = ["BY_NAME", "OPERATORS", "Example", "Operand", "Operator", "Query"]
