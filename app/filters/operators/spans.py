"""Spans of time: ranges of stored dates or datetimes, for both engines."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.filters.calendar import MILLISECOND, Calendar, DateOrDatetime, OrderingClass
from app.filters.operators.operator import BoundTests, ElementTest, Operand, Query, range_query

Span = tuple[datetime | None, datetime | None]
"""A range of stored values: the first is included, the second is not; None is unbounded."""

ClosedSpan = tuple[datetime, datetime]
"""A span with two bounds."""

# MongoDB compares a value with one range after the other. A binary search over more ranges than
# these costs less, but no index serves it.
_MAX_UNINDEXED_RANGES = 10


def span_query(path: str, span: Span, operand: Operand) -> Query:
    """The predicate for a stored value inside the span."""
    return range_query(path, *span, operand, closed=False)


def span_test(span: Span) -> ElementTest:
    """A test of whether a single value is a datetime inside the span."""
    low, high = span

    def is_inside(element: object) -> bool:
        return (
            isinstance(element, datetime)
            and (low is None or low <= element)
            and (high is None or element < high)
        )

    return is_inside


def span_bound_tests(low: datetime, high: datetime) -> BoundTests:
    """One test for each bound of the span."""
    return span_test((low, None)), span_test((None, high))


# A list may have 10,000 dates, and the spans are the same for all customers.
@lru_cache(maxsize=16)
def equal_spans(
    values: tuple[DateOrDatetime, ...], ordering_class: OrderingClass, calendar: Calendar
) -> Sequence[ClosedSpan]:
    """The spans of the stored values that equal one of `values`, in order and disjoint."""
    ordering = ordering_class(calendar)
    merged: list[ClosedSpan] = []
    for start, end in sorted(ordering.span(value, value) for value in values):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif start < end:
            merged.append((start, end))
    return merged


def any_span_query(path: str, spans: Sequence[ClosedSpan], operand: Operand) -> Query:
    """The predicate for a stored value inside one of the spans, which are in order and disjoint.

    A span of a single instant is compared by equality. If no index serves the path, many other
    spans become a binary search.
    """
    instants = [start for start, end in spans if end - start <= MILLISECOND]
    ranges = [span for span in spans if span[1] - span[0] > MILLISECOND]
    if operand.indexed or len(ranges) <= _MAX_UNINDEXED_RANGES:
        queries = [span_query(path, span, operand) for span in ranges]
    else:
        queries = [_search_query(path, ranges)]
    if instants or not queries:
        queries.append({path: {"$eq": instants[0]} if len(instants) == 1 else {"$in": instants}})
    return queries[0] if len(queries) == 1 else {"$or": queries}


def _search_query(path: str, spans: Sequence[ClosedSpan]) -> Query:
    field_reference = f"${path}"
    values = {"$cond": [{"$isArray": [field_reference]}, field_reference, [field_reference]]}
    is_datetime = {"$eq": [{"$type": "$$value"}, "date"]}
    matches = {"$and": [is_datetime, _search_expression(spans)]}
    return {
        "$expr": {"$anyElementTrue": [{"$map": {"input": values, "as": "value", "in": matches}}]}
    }


def _search_expression(spans: Sequence[ClosedSpan]) -> dict[str, Any]:
    """The expression that is true if the datetime `$$value` lies in one of the spans."""
    if len(spans) == 1:
        start, end = spans[0]
        return {"$and": [{"$gte": ["$$value", start]}, {"$lt": ["$$value", end]}]}
    middle = len(spans) // 2
    is_before_middle = {"$lt": ["$$value", spans[middle][0]]}
    halves = spans[:middle], spans[middle:]
    return {"$cond": [is_before_middle, *map(_search_expression, halves)]}


def any_span_test(spans: Sequence[ClosedSpan]) -> ElementTest:
    """A test of whether a single value is a datetime inside one of the spans.

    The spans must be in order and disjoint.
    """
    starts = [start for start, _ in spans]

    def is_inside(element: object) -> bool:
        if not isinstance(element, datetime):
            return False
        index = bisect_right(starts, element) - 1
        return index >= 0 and element < spans[index][1]

    return is_inside
