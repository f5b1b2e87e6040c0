"""Operators that compare for equality, with one value or with a list of values."""

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import Any

from app.filters.calendar import Now
from app.filters.case_folding import any_literal_regex
from app.filters.fields import TEMPORAL_TYPES, AttributeType
from app.filters.operators.operator import (
    SCALAR_TYPES,
    BoundTests,
    ElementOperator,
    ElementTest,
    Example,
    NegatedOperator,
    Operand,
    Query,
)
from app.filters.operators.spans import (
    any_span_query,
    any_span_test,
    equal_spans,
    span_bound_tests,
)
from app.filters.values import LIST, ONE_VALUE

# MongoDB limits the length of a regular expression; longer lists are split into several.
_MAX_PATTERN_CHARACTERS = 1_000


def equality_query(path: str, values: Iterable[Any], operand: Operand, now: Now) -> Query:
    """The predicate for a value that equals one of `values`.

    For a single value and a path that is scalar, the predicate is one condition on the path and has
    no other keys.
    """
    values = tuple(values)
    if operand.type in TEMPORAL_TYPES:
        spans = equal_spans(values, operand.ordering_class, now.calendar)
        return any_span_query(path, spans, operand)
    if not operand.ignore_case:
        return {path: {"$eq": values[0]} if len(values) == 1 else {"$in": list(values)}}
    texts = sorted({operand.fold_case(value) for value in values if isinstance(value, str)})
    others = [value for value in values if not isinstance(value, str)]
    queries: list[Query] = [{path: {"$regex": pattern}} for pattern in _text_patterns(texts)]
    if others:
        queries.append({path: {"$in": others}})
    return queries[0] if len(queries) == 1 else {"$or": queries}


def _text_patterns(texts: Iterable[str]) -> Iterator[str]:
    """Regular expressions that together match exactly the given sorted texts, ignoring case."""
    chunk: list[str] = []
    character_count = 0
    for text in texts:
        if chunk and character_count + len(text) > _MAX_PATTERN_CHARACTERS:
            yield f"^{any_literal_regex(chunk)}\\z"
            chunk, character_count = [], 0
        chunk.append(text)
        character_count += len(text)
    if chunk:
        yield f"^{any_literal_regex(chunk)}\\z"


def equality_test(values: Iterable[Any], operand: Operand, now: Now) -> ElementTest:
    """A test of whether a single value equals one of `values`."""
    if operand.type in TEMPORAL_TYPES:
        return any_span_test(equal_spans(tuple(values), operand.ordering_class, now.calendar))
    if values is operand.value:
        accepted_keys = operand.equality_keys
    else:
        accepted_keys = frozenset(map(operand.equality_key, values))

    def is_accepted(element: object) -> bool:
        # An unhashable value, such as an object, equals no scalar.
        return isinstance(element, Hashable) and operand.equality_key(element) in accepted_keys

    return is_accepted


class Is(ElementOperator):
    """The value equals the given value.

    Datetimes are equal if they are the same instant. A datetime equals a date if it falls on that
    day in the project's time zone. A stored date equals a datetime that is its midnight.
    """

    name = "IS"
    label = "is"
    phrase = "is {value}"
    day_phrase = "is on {value}"
    types = SCALAR_TYPES
    operand_kind = ONE_VALUE
    takes_ignore_case = True
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
        Example("2026-03-29T23:59:59.999Z", "2026-03-29", True, AttributeType.DATETIME),
        Example("2026-03-30T00:00:00Z", "2026-03-29", False, AttributeType.DATETIME),
        Example(
            ["2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"],
            "2026-03-29",
            False,
            AttributeType.DATETIME,
        ),
        Example("2026-03-29T00:00:00Z", "2026-03-29T02:00:00+02:00", True, AttributeType.DATETIME),
        Example("2026-03-29T00:00:00.001Z", "2026-03-29T00:00:00Z", False, AttributeType.DATETIME),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return equality_query(path, [operand.value], operand, now)

    def required_substring(self, operand: Operand) -> str:
        return str(operand.value) if operand.ignore_case else ""

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        return equality_test([operand.value], operand, now)

    def bound_tests(self, operand: Operand, now: Now) -> BoundTests | None:
        if operand.type not in TEMPORAL_TYPES or isinstance(operand.value, datetime):
            return None
        return span_bound_tests(*operand.ordering(now).span(operand.value, operand.value))


IS = Is()


class IsNot(NegatedOperator):
    """The value does not equal the given value, or is missing.

    In an array, no element may equal the given value.
    """

    negates = IS
    name = "IS_NOT"
    label = "is not"
    phrase = "is not {value}"
    day_phrase = "is not on {value}"
    examples = (
        Example("Berlin", "Berlin", False),
        Example("Paris", "Berlin", True),
        Example(None, "Berlin", True),
        Example(["a", "b"], "b", False),
        Example(5, "5", True),
    )


IS_NOT = IsNot()


class In(ElementOperator):
    """The value equals one of the values in the list. Values of different types are never equal.

    A datetime equals a date if it falls on that day in the project's time zone.
    """

    name = "IN"
    label = "is one of"
    phrase = "is one of {value}"
    types = SCALAR_TYPES - {AttributeType.BOOLEAN}
    operand_kind = LIST
    takes_ignore_case = True
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
        Example(
            "2026-03-29T23:59:59.999Z",
            ["2026-03-27", "2026-03-29"],
            True,
            AttributeType.DATETIME,
        ),
        Example(
            "2026-03-28T12:00:00Z", ["2026-03-27", "2026-03-29"], False, AttributeType.DATETIME
        ),
        Example(
            "2026-03-29T12:00:00Z",
            ["2026-03-29", "2026-03-29T06:00:00Z"],
            True,
            AttributeType.DATETIME,
        ),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return equality_query(path, operand.value, operand, now)

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        return equality_test(operand.value, operand, now)


IN = In()


class NotIn(NegatedOperator):
    """The value equals none of the values in the list, or is missing.

    In an array, no element may equal one of the values in the list.
    """

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
