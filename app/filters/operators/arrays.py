"""Operators that ask about an array as a whole: the values it contains, and its size."""

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from app.filters.calendar import Now
from app.filters.fields import AttributeType
from app.filters.operators.equality import equality_query, equality_test
from app.filters.operators.operator import (
    SCALAR_TYPES,
    Example,
    NegatedOperator,
    Operand,
    Operator,
    Query,
    elements,
)
from app.filters.operators.presence import HAS_VALUE
from app.filters.values import ELEMENTS, INTEGER


class ContainsAll(Operator):
    """The array contains all of the given values. Values of different types are never equal."""

    name = "CONTAINS_ALL"
    label = "contains all of"
    phrase = "contains all of {value}"
    types = SCALAR_TYPES
    is_array_operator = True
    operand_kind = ELEMENTS
    takes_ignore_case = True
    examples = (
        Example(["a", "b", "c"], ["c", "a"], True),
        Example(["a", "b"], ["a", "x"], False),
        Example(["a"], ["a", "a"], True),
        Example(["A", "b"], ["a", "B"], True, ignore_case=True),
        Example(["A", "b"], ["a", "B"], False),
        Example([1, "2", True], [1.0, "2", True], True),
        Example([1, "2"], ["1"], False),
        Example([1], [True], False),
        Example([["a"], "b"], ["a", "b"], False),
        Example("a", ["a"], False),
        Example([], ["a"], False),
        Example(None, ["a"], False),
        Example(["2026-03-29"], ["2026-03-29", "2026-03-29T00:00:00Z"], True, AttributeType.DATE),
        Example(["2026-03-29"], ["2026-03-29", "2026-03-30"], False, AttributeType.DATE),
        Example(["2026-03-29T12:00:00Z"], ["2026-03-29"], True, AttributeType.DATETIME),
        Example(
            ["2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"],
            ["2026-03-29"],
            False,
            AttributeType.DATETIME,
        ),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        element_operand = replace(operand, scalar=True)
        queries = (
            equality_query(path, [value], element_operand, now)[path] for value in operand.value
        )
        return {path: {"$all": [{"$elemMatch": query} for query in queries]}}

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        if not isinstance(stored, list):
            return False
        tests = (equality_test([value], operand, now) for value in operand.value)
        return all(any(map(test, elements(stored))) for test in tests)


CONTAINS_ALL = ContainsAll()


class ContainsAny(Operator):
    """The array contains at least one of the given values.

    Values of different types are never equal.
    """

    name = "CONTAINS_ANY"
    label = "contains any of"
    phrase = "contains any of {value}"
    types = SCALAR_TYPES
    is_array_operator = True
    operand_kind = ELEMENTS
    takes_ignore_case = True
    examples = (
        Example(["a", "b"], ["x", "b"], True),
        Example(["a", "b"], ["x", "B"], False),
        Example(["a", "b"], ["x", "B"], True, ignore_case=True),
        Example([1], ["1", 1.0], True),
        Example([0], [False, "0"], False),
        Example([["a"]], ["a"], False),
        Example([None], ["a"], False),
        Example("a", ["a"], False),
        Example([], ["a"], False),
        Example(None, ["a"], False),
        Example(["2026-03-29T12:00:00Z"], ["2026-03-29"], True, AttributeType.DATETIME),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        equality = equality_query(path, operand.value, operand, now)
        return {"$and": [{path: {"$type": "array"}}, equality]}

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        test = equality_test(operand.value, operand, now)
        return isinstance(stored, list) and any(map(test, elements(stored)))


CONTAINS_ANY = ContainsAny()


class ContainsNone(NegatedOperator):
    """The array contains none of the given values, or the value is missing or is not an array."""

    negates = CONTAINS_ANY
    name = "CONTAINS_NONE"
    label = "contains none of"
    phrase = "contains none of {value}"
    examples = (
        Example(["a", "b"], ["x", "y"], True),
        Example(["a", "b"], ["x", "b"], False),
        Example("a", ["a"], True),
        Example([], ["a"], True),
        Example(None, ["a"], True),
    )


CONTAINS_NONE = ContainsNone()


class _SizeOperator(Operator):
    """Compares the size of an array with the operand. A missing array has size 0."""

    types = frozenset(AttributeType)
    is_array_operator = True
    operand_kind = INTEGER
    mongodb_operator: ClassVar[str]
    compare: ClassVar[Callable[[Any, Any], bool]]

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        reference = f"${path}"
        # MongoDB may compute the size of a value that is not an array before it applies the $type
        # predicate, and $size would fail on it.
        array = {"$cond": [{"$isArray": reference}, reference, []]}
        size_query: Query = {
            path: {"$type": "array"},
            "$expr": {self.mongodb_operator: [{"$size": array}, operand.value]},
        }
        if not self.holds(None, operand, now):
            return size_query
        return {"$or": [size_query, {"$nor": [HAS_VALUE.query(path, operand, now)]}]}

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        array = [] if stored is None else stored
        return isinstance(array, list) and type(self).compare(len(array), operand.value)


class SizeIs(_SizeOperator):
    """The array has exactly the given number of elements.

    Nulls and nested arrays count as elements. A missing array has 0 elements.
    """

    name = "SIZE_IS"
    label = "has a size of"
    phrase = "has {value} elements"
    mongodb_operator, compare = "$eq", operator.eq
    examples = (
        Example(["a", "b"], 2, True),
        Example(["a", "b"], 1, False),
        Example([None, [1, 2]], 2, True),
        Example([], 0, True),
        Example(None, 0, True),
        Example("a", 1, False),
        Example("", 0, False),
        Example({}, 0, False),
        Example([], -1, False),
    )


SIZE_IS = SizeIs()


class SizeGreaterThan(_SizeOperator):
    """The array has more elements than the given number.

    Nulls and nested arrays count as elements. A missing array has 0 elements.
    """

    name = "SIZE_GREATER_THAN"
    label = "has a size greater than"
    phrase = "has more than {value} elements"
    mongodb_operator, compare = "$gt", operator.gt
    examples = (
        Example(["a", "b"], 1, True),
        Example(["a", "b"], 2, False),
        Example([{"3": 1}], 3, False),
        Example([None, None], 1, True),
        Example(None, 0, False),
        Example(None, -1, True),
        Example("a", -1, False),
    )


SIZE_GREATER_THAN = SizeGreaterThan()


class SizeLessThan(_SizeOperator):
    """The array has fewer elements than the given number.

    Nulls and nested arrays count as elements. A missing array has 0 elements.
    """

    name = "SIZE_LESS_THAN"
    label = "has a size less than"
    phrase = "has fewer than {value} elements"
    mongodb_operator, compare = "$lt", operator.lt
    examples = (
        Example(["a"], 2, True),
        Example(["a", "b"], 2, False),
        Example([[1, 2, 3]], 2, True),
        Example([], 1, True),
        Example(None, 1, True),
        Example(None, 0, False),
        Example("a", 2, False),
    )


SIZE_LESS_THAN = SizeLessThan()
