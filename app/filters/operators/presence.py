"""Operators that ask whether a value is present."""

from app.filters.calendar import Now
from app.filters.fields import AttributeType
from app.filters.operators.operator import Example, NegatedOperator, Operand, Operator, Query
from app.filters.values import NOTHING


class HasValue(Operator):
    """The key exists, and its value is neither null nor an empty array."""

    name = "HAS_VALUE"
    label = "has a value"
    phrase = "has a value"
    types = frozenset(AttributeType)
    operand_kind = NOTHING
    examples = (
        Example("x", None, True),
        Example("", None, True),
        Example(0, None, True),
        Example(False, None, True),
        Example({}, None, True),
        Example([None], None, True),
        Example([], None, False),
        Example(None, None, False),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        # {"$type": "null"} also matches an array that contains null, which counts as a value.
        null = {path: {"$type": "null", "$not": {"$type": "array"}}}
        return {path: {"$exists": True, "$not": {"$size": 0}}, "$nor": [null]}

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        return stored is not None and stored != []


HAS_VALUE = HasValue()


class HasNoValue(NegatedOperator):
    """The key is absent, or its value is null or an empty array."""

    negates = HAS_VALUE
    name = "HAS_NO_VALUE"
    label = "has no value"
    phrase = "has no value"
    examples = (
        Example(None, None, True),
        Example([], None, True),
        Example("", None, False),
        Example([None], None, False),
    )


HAS_NO_VALUE = HasNoValue()
