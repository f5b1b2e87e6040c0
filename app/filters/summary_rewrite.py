"""Rewrites event conditions to conditions on the summaries in the customer's document.

A summary has the count of the events of one name, and the instants of the first and the last. With
it many conditions need no rows. It does not know the events between the first and the last: if the
last event is dated after `now`, the summary cannot tell whether an earlier one lies in the window.
Such customers are uncertain; a supplementary pipeline evaluates the original filter on them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from app.filters.calendar import Now
from app.filters.evaluate import CustomerFacts, holds
from app.filters.fields import AttributeType
from app.filters.operators import OPERATORS_BY_NAME, Operand
from app.filters.sources import RowSource
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    SlidingWindow,
    StaticMemberCondition,
)
from app.filters.values import MAX_INT64


@dataclass(frozen=True)
class SummaryRewrite:
    """A filter that reads summaries instead of rows where possible.

    Every customer who meets `definite_filter` meets the original filter. A customer who meets only
    the original has rows of one of the `uncertain_sources` dated after `now`.
    """

    definite_filter: Filter
    uncertain_sources: tuple[RowSource, ...]


def rewrite_with_summaries(filter_: Filter, now: Now) -> SummaryRewrite:
    """Rewrites the conditions on counts of all events and on events in a sliding window."""
    rewriter = _SummaryRewriter(now)
    definite_filter = rewriter.rewrite(filter_, is_positive=True)
    return SummaryRewrite(definite_filter, tuple(rewriter.uncertain_sources))


def summary_prefilters(condition: EventCondition, now: Now) -> list[Filter]:
    """Conditions on the summary that every customer who meets the event condition meets.

    The list is empty if the condition may hold without any events.
    """
    if _holds_for_count(condition, 0, now):
        return []
    source, window = condition.measure.source, condition.measure.window
    if window is None:
        at_least_one = Operand(1, AttributeType.NUMBER, scalar=True, indexed=True)
        return [
            AttributeCondition(
                source.summary_field("count"),
                OPERATORS_BY_NAME["GREATER_THAN_OR_EQUAL"],
                at_least_one,
            )
        ]
    if isinstance(window, SlidingWindow):
        return [_summary_date_condition(source, "lastAt", "AFTER", now.at - window.length)]
    return [
        _summary_date_condition(source, "lastAt", "ON_OR_AFTER", window.start),
        _summary_date_condition(source, "firstAt", "ON_OR_BEFORE", window.end),
    ]


def rewrite_counts(filter_: Filter) -> Filter:
    """The filter with counts of all events of a name read from the summaries.

    The result is exact if document and rows belong to one committed state of the customer.
    """
    return _CountRewriter().rewrite(filter_)


class _CountRewriter:
    def __init__(self) -> None:
        self._rewritten_segments: dict[NestedSegment, NestedSegment] = {}

    def rewrite(self, filter_: Filter) -> Filter:
        match filter_:
            case AllOf(branches):
                return AllOf(tuple(map(self.rewrite, branches)))
            case AnyOf(branches):
                return AnyOf(tuple(map(self.rewrite, branches)))
            case NoneOf(branches):
                return NoneOf(tuple(map(self.rewrite, branches)))
            case EventCondition(measure):
                return _count_condition(filter_) if measure.is_count_of_all else filter_
            case SegmentCondition(segment, is_member):
                return SegmentCondition(self._rewrite_segment(segment), is_member)
            case AttributeCondition() | StaticMemberCondition():
                return filter_
            case _:
                assert_never(filter_)

    def _rewrite_segment(self, segment: NestedSegment) -> NestedSegment:
        if segment not in self._rewritten_segments:
            self._rewritten_segments[segment] = NestedSegment(
                segment.id, segment.name, self.rewrite(segment.tree)
            )
        return self._rewritten_segments[segment]


class _SummaryRewriter:
    def __init__(self, now: Now) -> None:
        self._now = now
        self._rewritten_segments: dict[tuple[NestedSegment, bool], NestedSegment] = {}
        self.uncertain_sources: dict[RowSource, None] = {}

    def rewrite(self, filter_: Filter, *, is_positive: bool) -> Filter:
        """Rewrites a filter or a part of it.

        With `is_positive` the result implies the original. Without it (the part stands below an
        odd number of negations) the original implies the result.
        """
        match filter_:
            case AllOf(branches):
                return AllOf(
                    tuple(self.rewrite(branch, is_positive=is_positive) for branch in branches)
                )
            case AnyOf(branches):
                return AnyOf(
                    tuple(self.rewrite(branch, is_positive=is_positive) for branch in branches)
                )
            case NoneOf(branches):
                return NoneOf(
                    tuple(self.rewrite(branch, is_positive=not is_positive) for branch in branches)
                )
            case EventCondition():
                return self._rewrite_event(filter_, is_positive)
            case SegmentCondition(segment, is_member):
                return SegmentCondition(
                    self._rewrite_segment(segment, is_positive is is_member), is_member
                )
            case AttributeCondition() | StaticMemberCondition():
                return filter_
            case _:
                assert_never(filter_)

    def _rewrite_segment(self, segment: NestedSegment, is_positive: bool) -> NestedSegment:
        key = (segment, is_positive)
        if key not in self._rewritten_segments:
            tree = self.rewrite(segment.tree, is_positive=is_positive)
            self._rewritten_segments[key] = NestedSegment(segment.id, segment.name, tree)
        return self._rewritten_segments[key]

    def _rewrite_event(self, condition: EventCondition, is_positive: bool) -> Filter:
        measure = condition.measure
        if measure.is_count_of_all:
            return _count_condition(condition)
        if measure.where or measure.aggregate or not measure.source.has_exact_instants:
            return condition
        if not isinstance(measure.window, SlidingWindow) or not _is_existence_check(
            condition, self._now
        ):
            return condition
        self.uncertain_sources[measure.source] = None
        after_start = _summary_date_condition(
            measure.source, "lastAt", "AFTER", self._now.at - measure.window.length
        )
        not_after_now = _summary_date_condition(
            measure.source, "lastAt", "ON_OR_BEFORE", self._now.at
        )
        if _holds_for_count(condition, 0, self._now):
            return NoneOf((after_start if is_positive else AllOf((after_start, not_after_now)),))
        return AllOf((after_start, not_after_now)) if is_positive else after_start


def _count_condition(condition: EventCondition) -> Filter:
    """The condition on the number of all events as a condition on the summary's count."""
    operand = condition.operand
    count_operand = Operand(operand.value, operand.type, scalar=True, indexed=True)
    count_field = condition.measure.source.summary_field("count")
    return AttributeCondition(count_field, condition.operator, count_operand)


def _is_existence_check(condition: EventCondition, now: Now) -> bool:
    """Whether the answer is the same for all counts from one on, and another for zero."""
    holds_for_zero = _holds_for_count(condition, 0, now)
    return all(
        _holds_for_count(condition, event_count, now) is not holds_for_zero
        for event_count in _boundary_counts(condition)
    )


def _boundary_counts(condition: EventCondition) -> Iterator[int]:
    """Counts from one on, at least one from each range in which the answer is constant."""
    value = condition.operand.value
    yield from (1, MAX_INT64)
    for bound in value if isinstance(value, tuple) else (value,):
        floor = math.floor(bound)
        yield from (count for count in (floor - 1, floor, floor + 1) if count >= 1)


def _holds_for_count(condition: EventCondition, event_count: int, now: Now) -> bool:
    """Whether the condition holds for a number of events; for zero, with any aggregate."""
    if not event_count:
        return holds(condition, CustomerFacts({}), now)
    count_field = condition.measure.source.summary_field("count")
    count_condition = AttributeCondition(count_field, condition.operator, condition.operand)
    document: dict[str, object] = {count_field.document_keys[-1]: event_count}
    for key in reversed(count_field.document_keys[:-1]):
        document = {key: document}
    return holds(count_condition, CustomerFacts(document), now)


def _summary_date_condition(
    source: RowSource, summary_key: str, operator: str, instant: datetime
) -> Filter:
    operand = Operand(instant, AttributeType.DATETIME, scalar=True, indexed=True)
    return AttributeCondition(
        source.summary_field(summary_key), OPERATORS_BY_NAME[operator], operand
    )
