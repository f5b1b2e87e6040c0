"""The base classes of operators. An operator is defined once and has a form for each engine.

The two engines are the in-process evaluator, which tests one customer's data in Python, and the
aggregation pipeline, which MongoDB runs over all customers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from app.filters.calendar import DayOrdering, InstantOrdering, Now, Ordering, OrderingClass
from app.filters.case_folding import fold_case
from app.filters.fields import TEMPORAL_TYPES, AttributeType, Field, is_number
from app.filters.values import OperandKind

Query = dict[str, Any]
"""A predicate in MongoDB's query language."""

ElementTest = Callable[[object], bool]
"""Whether a single stored value, or one element of an array, matches."""

BoundTests = tuple[ElementTest, ElementTest]
"""The tests of the lower and of the upper bound of a range."""

STRING_TYPES = frozenset({AttributeType.STRING})
NUMBER_TYPES = frozenset({AttributeType.NUMBER})
SCALAR_TYPES = STRING_TYPES | NUMBER_TYPES | TEMPORAL_TYPES | {AttributeType.BOOLEAN}


@dataclass(frozen=True)
class Operand:
    """The value that a condition compares with, and how to compare it.

    `value` is the parsed value. `type` is the type of the path; it is None for a path without a
    definition, and the type of `value` then decides. A `scalar` path never stores an array. For an
    `indexed` path, an operator's query takes a form that an index serves.
    """

    value: Any = None
    type: AttributeType | None = None
    ignore_case: bool = False
    scalar: bool = False
    indexed: bool = False
    # Python treats True and 1 as equal. This field makes operands that differ in this unequal.
    _booleans: tuple[bool, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        booleans = tuple(isinstance(value, bool) for value in values)
        object.__setattr__(self, "_booleans", booleans if any(booleans) else ())

    @property
    def ordering_class(self) -> OrderingClass:
        """How instants and days compare with the stored values of the path, in any calendar."""
        return DayOrdering if self.type is AttributeType.DATE else InstantOrdering

    def ordering(self, now: Now) -> Ordering:
        """How instants and days compare with the stored values of the path."""
        return self.ordering_class(now.calendar)

    def fold_case(self, text: str) -> str:
        """The text, case-folded if the condition ignores case."""
        return fold_case(text) if self.ignore_case else text

    @cached_property
    def folded_text(self) -> str:
        """The text that is compared with, folded once, as each customer needs it."""
        return self.fold_case(self.value)

    def equality_key(self, value: Any) -> tuple[object, Any]:
        """A key that is equal for equal values. Integers and floats are one type, booleans are
        another."""
        if isinstance(value, str):
            return str, self.fold_case(value)
        return float if is_number(value) else value.__class__, value

    @cached_property
    def equality_keys(self) -> frozenset[tuple[object, Any]]:
        """The equality keys of the values in a list, computed once, as a list may be long."""
        return frozenset(map(self.equality_key, self.value))


@dataclass(frozen=True)
class Example:
    """An example of an operator: a row of the reference, and a test case for both engines.

    `stored` is the stored value, None if it is missing. `value` is the operand as given in a
    filter. `holds` is the expected answer. `type` is the type of the path, None for a metadata key
    without a definition.
    """

    stored: Any
    value: Any
    holds: bool
    type: AttributeType | None = None
    ignore_case: bool = False


class Operator:
    """A test of the value at a path of a customer.

    The docstring of a concrete operator is its description in the GraphQL API and in the reference.
    `query` is its form for the aggregation pipeline, `holds` its form for the in-process evaluator.
    Both must give the same answer. Unless its description says otherwise, an operator that does not
    negate another is false for a missing value and for a value of another type.
    """

    # As in the GraphQL API.
    name: ClassVar[str]
    # For a list of operators to choose from.
    label: ClassVar[str]
    # For the readable text of a filter, after the name of the field.
    phrase: ClassVar[str]
    # The same for a date that is compared with datetimes, where `phrase` does not make clear that
    # the whole day is meant.
    day_phrase: ClassVar[str | None] = None
    types: ClassVar[frozenset[AttributeType]]
    # True if the operator tests an array as a whole; `types` are then the types of its elements.
    is_array_operator: ClassVar[bool] = False
    operand_kind: ClassVar[OperandKind]
    takes_ignore_case: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]]
    # The operator of which this one is the exact negation; this one then has no logic of its own.
    negates: ClassVar["Operator | None"] = None
    # Whether the passing of time alone can change the answer.
    is_time_dependent: ClassVar[bool] = False

    def is_applicable_to(self, field: Field) -> bool:
        """Whether a condition may use the operator on the field.

        A field without a type accepts every operator.
        """
        if field.type is None:
            return True
        return field.type in self.types and (field.is_array or not self.is_array_operator)

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        """The MongoDB predicate. The query language compares values of the same type only."""
        raise NotImplementedError

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        """Whether the stored value matches. `stored` is None if the value is missing."""
        raise NotImplementedError

    def bound_tests(self, operand: Operand, now: Now) -> BoundTests | None:
        """The tests of the two bounds, if the operator asks for a range with two bounds."""
        return None

    def required_substring(self, operand: Operand) -> str:
        """A text that is in every text that matches, in any case; empty if there is none.

        It is empty, too, if an index on the path serves the operator better.
        """
        return ""

    def next_changes(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        """The instants at which the passing of time changes the answer for the stored value.

        The instants lie after `now`, are not later than `until`, and are in ascending order. Each
        is the first millisecond of the new answer.
        """
        return iter(())


class ElementOperator(Operator):
    """An operator that matches an array if it matches at least one of its elements."""

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        test = self.element_test(operand, now)
        if not isinstance(stored, list):
            return stored is not None and test(stored)
        return any(map(test, elements(stored)))

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        """The test of a single value."""
        raise NotImplementedError


class NegatedOperator(Operator):
    """The exact negation of another operator. Both engines evaluate the other one and negate it."""

    negates: ClassVar[Operator]

    def __init_subclass__(cls) -> None:
        cls.types, cls.operand_kind = cls.negates.types, cls.negates.operand_kind
        cls.is_array_operator, cls.takes_ignore_case = (
            cls.negates.is_array_operator,
            cls.negates.takes_ignore_case,
        )
        cls.is_time_dependent = cls.negates.is_time_dependent

    def next_changes(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        return self.negates.next_changes(stored, operand, now, until)


def elements(stored: object) -> Iterator[object]:
    """The values that an operator tests: the stored value itself, or the elements of an array.

    Null elements and nested arrays are left out.
    """
    if isinstance(stored, list):
        yield from (
            element for element in stored if element is not None and not isinstance(element, list)
        )
    elif stored is not None:
        yield stored


def range_query(path: str, low: Any, high: Any, operand: Operand, *, closed: bool) -> Query:
    """The predicate for a value between two bounds; None is unbounded.

    The lower bound is included; the upper bound is included if `closed`. In an array, one element
    must meet both bounds.
    """
    bounds: Query = {}
    if low is not None:
        bounds["$gte"] = low
    if high is not None:
        bounds["$lte" if closed else "$lt"] = high
    if len(bounds) < 2 or operand.scalar:
        return {path: bounds}
    no_element_in_range = {"$type": "array", "$not": {"$elemMatch": bounds}}
    # For an array, the bounds alone also match if two elements meet one bound each. They stay in
    # the predicate because an index serves them and they exclude most customers early.
    return {path: bounds, "$nor": [{path: no_element_in_range}]}
