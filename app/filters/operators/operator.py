"""What an operator is: one question, said once for both engines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from app.filters.calendar import DayLine, InstantLine, Line, Now
from app.filters.fields import AttributeType, Field, is_number
from app.filters.folding import fold
from app.filters.values import Takes

Query = dict[str, Any]
Test = Callable[[object], bool]
Halves = tuple[Test, Test]

STRINGS = frozenset({AttributeType.STRING})
NUMBERS = frozenset({AttributeType.NUMBER})
MOMENTS = frozenset({AttributeType.DATE, AttributeType.DATETIME})
SCALARS = STRINGS | NUMBERS | MOMENTS | {AttributeType.BOOLEAN}


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

    def line(self, now: Now) -> Line:
        """How moments lie among the values of the path."""
        return (DayLine if self.type is AttributeType.DATE else InstantLine)(now.calendar)

    def folded(self, text: str) -> str:
        return fold(text) if self.ignore_case else text

    def key(self, value: Any) -> tuple[object, Any]:
        """What is the same for values that are: integers and floats are one type, booleans
        another."""
        if isinstance(value, str):
            return str, self.folded(value)
        return float if is_number(value) else value.__class__, value

    @cached_property
    def keys(self) -> frozenset[tuple[object, Any]]:
        """Those of a list's values, of which there may be many, worked out once."""
        return frozenset(map(self.key, self.value))


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
    of_arrays: ClassVar[bool] = False
    takes: ClassVar[Takes]
    takes_case: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]]
    # The operator whose exact negation this one is. It then has no logic of its own.
    negates: ClassVar["Operator | None"] = None
    # Whether the passing of time alone may change an answer.
    follows_clock: ClassVar[bool] = False

    def fits(self, field: Field) -> bool:
        """Whether it can be asked of the field; of one without a type everything can."""
        if field.type is None:
            return True
        return field.type in self.types and (field.is_array or not self.of_arrays)

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        """The MongoDB predicate: of the query language, which compares within one type."""
        raise NotImplementedError

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        """Whether it holds for what is stored; None where nothing is."""
        raise NotImplementedError

    def halves(self, operand: Operand, now: Now) -> Halves | None:
        """Where it asks for what lies between two ends, what each end by itself asks of a value."""
        return None

    def flips(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        """The instants after `now`, in order and until `until`, at which `holds` changes for what
        is stored: each is the first millisecond of the new answer."""
        return iter(())


class ElementOperator(Operator):
    """An operator that holds of an array when it holds of one of its elements."""

    def holds(self, stored: object, operand: Operand, now: Now) -> bool:
        test = self.test(operand, now)
        if not isinstance(stored, list):
            return stored is not None and test(stored)
        return any(map(test, elements(stored)))

    def test(self, operand: Operand, now: Now) -> Test:
        """The question put to a single value."""
        raise NotImplementedError


class Complement(Operator):
    """The exact negation of another operator; both engines turn to that one."""

    negates: ClassVar[Operator]

    def __init_subclass__(cls) -> None:
        cls.types, cls.takes = cls.negates.types, cls.negates.takes
        cls.of_arrays, cls.takes_case = cls.negates.of_arrays, cls.negates.takes_case
        cls.follows_clock = cls.negates.follows_clock

    def flips(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        return self.negates.flips(stored, operand, now, until)


def elements(stored: object) -> Iterator[object]:
    """What an operator may hold of: a value, or the first level of an array."""
    if isinstance(stored, list):
        yield from (e for e in stored if e is not None and not isinstance(e, list))
    elif stored is not None:
        yield stored


def between(path: str, low: Any, high: Any, operand: Operand, *, closed: bool) -> Query:
    """A range that one and the same value must meet, in an array too."""
    bounds: Query = {}
    if low is not None:
        bounds["$gte"] = low
    if high is not None:
        bounds["$lte" if closed else "$lt"] = high
    if len(bounds) < 2 or operand.scalar:
        return {path: bounds}
    none_of_them = {"$type": "array", "$not": {"$elemMatch": bounds}}
    # The bounds themselves say more than is so of an array, but an index serves them, and most are
    # refused by them at once.
    return {path: bounds, "$nor": [{path: none_of_them}]}
