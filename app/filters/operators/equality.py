"""The same value, or one of several."""

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from app.filters.calendar import Now
from app.filters.fields import AttributeType
from app.filters.folding import any_of
from app.filters.operators.operator import (
    MOMENTS,
    SCALARS,
    Complement,
    ElementOperator,
    Example,
    Operand,
    Query,
    Test,
)
from app.filters.values import LIST, ONE_VALUE

# So many letters go into one regular expression: a longer one may meet the database's limit.
_LETTERS_A_PATTERN = 1_000


def _stored(values: Iterable[Any], operand: Operand, now: Now) -> list[Any]:
    """The values as they would be stored at the path."""
    if operand.type in MOMENTS:
        line = operand.line(now)
        return [point for value in values for point in line.points(value)]
    return list(values)


def same_query(path: str, values: Iterable[Any], operand: Operand, now: Now) -> Query:
    """The predicate of one of the values; of a single value it is one condition on the path."""
    wanted = _stored(values, operand, now)
    if not operand.ignore_case:
        return {path: {"$eq": wanted[0]} if len(wanted) == 1 else {"$in": wanted}}
    texts = sorted({operand.folded(value) for value in wanted if isinstance(value, str)})
    others = [value for value in wanted if not isinstance(value, str)]
    asked: list[Query] = [{path: {"$regex": pattern}} for pattern in _patterns(texts)]
    if others:
        asked.append({path: {"$in": others}})
    return asked[0] if len(asked) == 1 else {"$or": asked}


def _patterns(texts: Iterable[str]) -> Iterator[str]:
    """Regular expressions that together match just these texts, in any case; they are sorted."""
    chunk: list[str] = []
    letters = 0
    for text in texts:
        if chunk and letters + len(text) > _LETTERS_A_PATTERN:
            yield f"^{any_of(chunk)}\\z"
            chunk, letters = [], 0
        chunk.append(text)
        letters += len(text)
    if chunk:
        yield f"^{any_of(chunk)}\\z"


def same_as_any(values: Iterable[Any], operand: Operand, now: Now) -> Test:
    """Whether a single value is one of these."""
    if values is operand.value and operand.type not in MOMENTS:
        wanted = operand.keys
    else:
        wanted = frozenset(map(operand.key, _stored(values, operand, now)))

    def same(element: object) -> bool:
        # What can't be hashed, an object for one, is equal to no scalar.
        return isinstance(element, Hashable) and operand.key(element) in wanted

    return same


class Is(ElementOperator):
    """The same value. Of dates and datetimes: the same moment."""

    name = "IS"
    label = "is"
    phrase = "is {value}"
    types = SCALARS
    takes = ONE_VALUE
    takes_case = True
    examples = (
        Example("Berlin", "Berlin", True),
        Example("berlin", "Berlin", False),
        Example("berlin", "Berlin", True, ignore_case=True),
        Example("STRASSE", "straße", False, ignore_case=True),
        Example("STRAẞE", "straße", True, ignore_case=True),
        Example("10", 10, False),
        Example(10, "10", False),
        Example(10.0, 10, True),
        Example(True, 1, False),
        Example(1, True, False),
        Example(True, True, True),
        Example(["a", "b"], "b", True),
        Example([["b"]], "b", False),
        Example([None, 0], 0, True),
        Example("", "", True),
        Example(None, "", False),
        Example("a\n", "a", False, ignore_case=True),
        Example("2026-03-29", "2026-03-29", True, AttributeType.DATE),
        Example("2026-03-29T00:00:00Z", "2026-03-29", True, AttributeType.DATETIME),
        Example("2026-03-29T00:00:00Z", "2026-03-29T02:00:00+02:00", True, AttributeType.DATETIME),
        Example("2026-03-29T00:00:00.001Z", "2026-03-29", False, AttributeType.DATETIME),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return same_query(path, [operand.value], operand, now)

    def test(self, operand: Operand, now: Now) -> Test:
        return same_as_any([operand.value], operand, now)


IS = Is()


class IsNot(Complement):
    """Not the same value, or none at all."""

    negates = IS
    name = "IS_NOT"
    label = "is not"
    phrase = "is not {value}"
    examples = (
        Example("Berlin", "Berlin", False),
        Example("Paris", "Berlin", True),
        Example(None, "Berlin", True),
        Example(["a", "b"], "b", False),
        Example(5, "5", True),
    )


IS_NOT = IsNot()


class In(ElementOperator):
    """One of the values of a list, each compared by its own type."""

    name = "IN"
    label = "is one of"
    phrase = "is one of {value}"
    types = SCALARS - {AttributeType.BOOLEAN}
    takes = LIST
    takes_case = True
    examples = (
        Example("b", ["a", "b"], True),
        Example("c", ["a", "b"], False),
        Example("B", ["a", "b"], True, ignore_case=True),
        Example("b\n", ["a", "b"], False, ignore_case=True),
        Example(2, ["1", 2], True),
        Example(1, ["1", 2], False),
        Example(True, [1], False),
        Example(["x", "b"], ["a", "b"], True),
        Example(None, ["a"], False),
        Example([], ["a"], False),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return same_query(path, operand.value, operand, now)

    def test(self, operand: Operand, now: Now) -> Test:
        return same_as_any(operand.value, operand, now)


IN = In()


class NotIn(Complement):
    """None of the values of a list, or no value at all."""

    negates = IN
    name = "NOT_IN"
    label = "is none of"
    phrase = "is none of {value}"
    examples = (
        Example("c", ["a", "b"], True),
        Example("a", ["a", "b"], False),
        Example(None, ["a"], True),
    )


NOT_IN = NotIn()
