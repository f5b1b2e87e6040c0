"""What an operator is: one question, said once for both engines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from app.filters.calendar import DayOrdering, InstantOrdering, Now, Ordering
from app.filters.case_folding import fold_case
from app.filters.fields import AttributeType, Field, is_number
from app.filters.values import OperandKind

Query = dict[str, Any]
ElementTest = Callable[[object], bool]
BoundTests = tuple[ElementTest, ElementTest]

STRING_TYPES = frozenset({AttributeType.STRING})
NUMBER_TYPES = frozenset({AttributeType.NUMBER})
TEMPORAL_TYPES = frozenset({AttributeType.DATE, AttributeType.DATETIME})
SCALAR_TYPES = STRING_TYPES | NUMBER_TYPES | TEMPORAL_TYPES | {AttributeType.BOOLEAN}


@dataclass(frozen=True)
class Operand:
    """What a condition compares with: the value as read, and how it is to be taken.

    `type` is the path's; None where the path has none and the value decides. At a `scalar` path
    no array is ever stored; one that is `indexed` is asked so that an index serves it.
    """

    value: Any = None
    type: AttributeType | None = None
    ignore_case: bool = False
    scalar: bool = False
    indexed: bool = False
    # Python takes true for 1; of two operands it must not.
    _booleans: tuple[bool, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        booleans = tuple(isinstance(value, bool) for value in values)
        object.__setattr__(self, "_booleans", booleans if any(booleans) else ())

    def ordering(self, now: Now) -> Ordering:
        """How moments lie among the values of the path."""
        return (DayOrdering if self.type is AttributeType.DATE else InstantOrdering)(now.calendar)

    def fold_case(self, text: str) -> str:
        return fold_case(text) if self.ignore_case else text

    def equality_key(self, value: Any) -> tuple[object, Any]:
        """What is the same for values that are: integers and floats are one type, booleans
        another."""
        if isinstance(value, str):
            return str, self.fold_case(value)
        return float if is_number(value) else value.__class__, value

    @cached_property
    def equality_keys(self) -> frozenset[tuple[object, Any]]:
        """Those of a list's values, of which there may be many, worked out once."""
        return frozenset(map(self.equality_key, self.value))


@dataclass(frozen=True)
class Example:
    """A question with its answer: a line of the reference, and a test of both engines.

    `stored` None is a missing value. `type` None is a metadata key without a definition.
    """

    stored: Any
    value: Any
    holds: bool
    type: AttributeType | None = None
    ignore_case: bool = False


class Operator:
    """A question that can be asked of a path.

    The docstring is its description. `query` and `holds` are the two engines' forms of it, and
    must agree: a positive operator is false on a missing value and on one of another type.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    phrase: ClassVar[str]
    types: ClassVar[frozenset[AttributeType]]
    # Whether it asks about an array as a whole; `types` are then those of the elements.
    is_array_operator: ClassVar[bool] = False
    operand_kind: ClassVar[OperandKind]
    takes_ignore_case: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]]
    # The operator whose exact negation this one is. It then has no logic of its own.
    negates: ClassVar["Operator | None"] = None
    # Whether the passing of time alone may change an answer.
    is_time_dependent: ClassVar[bool] = False

    def is_applicable_to(self, field: Field) -> bool:
        """Whether it can be asked of the field; of one without a type everything can."""
        if field.type is None:
            return True
        return field.type in self.types and (field.is_array or not self.is_array_operator)

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        """The MongoDB predicate: of the query language, which compares within one type."""
        raise NotImplementedError

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        """Whether it holds for what is stored; None where nothing is."""
        raise NotImplementedError

    def bound_tests(self, operand: Operand, now: Now) -> BoundTests | None:
        """Where it asks for what lies between two ends, what each end by itself asks of a value."""
        return None

    def next_changes(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        """The instants after `now`, in order and until `until`, at which `holds` changes for what
        is stored: each is the first millisecond of the new answer."""
        return iter(())


class ElementOperator(Operator):
    """An operator that holds of an array when it holds of one of its elements."""

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        test = self.element_test(operand, now)
        if not isinstance(stored, list):
            return stored is not None and test(stored)
        return any(map(test, elements(stored)))

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        """The question put to a single value."""
        raise NotImplementedError


class NegatedOperator(Operator):
    """The exact negation of another operator; both engines turn to that one."""

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
    """What an operator may hold of: a value, or the first level of an array."""
    if isinstance(stored, list):
        yield from (
            element for element in stored if element is not None and not isinstance(element, list)
        )
    elif stored is not None:
        yield stored


def range_query(path: str, low: Any, high: Any, operand: Operand, *, closed: bool) -> Query:
    """A range that one and the same value must meet, in an array too."""
    bounds: Query = {}
    if low is not None:
        bounds["$gte"] = low
    if high is not None:
        bounds["$lte" if closed else "$lt"] = high
    if len(bounds) < 2 or operand.scalar:
        return {path: bounds}
    no_element_in_range = {"$type": "array", "$not": {"$elemMatch": bounds}}
    # The bounds themselves say more than is so of an array, but an index serves them, and most are
    # refused by them at once.
    return {path: bounds, "$nor": [{path: no_element_in_range}]}
