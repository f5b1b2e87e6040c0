"""Tells whether the passing of time alone may ever change an answer about a customer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.filters.calendar import Now
from app.filters.evaluate import CustomerFacts, matching_rows
from app.filters.operators.operator import elements
from app.filters.tree import AttributeCondition, EventCondition, Filter, Measure, SlidingWindow
from app.filters.walk import Condition, conditions


def is_time_dependent(filter_: Filter) -> bool:
    """Whether time may change the filter's answer for any customer."""
    return any(map(_is_condition_time_dependent, conditions(filter_)))


def _is_condition_time_dependent(condition: Condition) -> bool:
    match condition:
        case AttributeCondition(operator=operator):
            return operator.is_time_dependent
        case EventCondition(measure):
            return measure.without_time_dependence is not measure
        case _:
            return False


def may_change(filter_: Filter, facts: CustomerFacts, now: Now) -> bool:
    """Whether time may change the filter's answer for this customer, however far in the future."""
    return any(_may_condition_change(condition, facts, now) for condition in conditions(filter_))


def _may_condition_change(condition: Condition, facts: CustomerFacts, now: Now) -> bool:
    match condition:
        case AttributeCondition():
            return _has_time_values(condition, facts.document)
        case EventCondition(measure):
            return may_measure_change(measure, facts, now)
        case _:
            return False


def may_measure_change(measure: Measure, facts: CustomerFacts, now: Now) -> bool:
    """Whether time may change the measure for this customer, however far in the future."""
    if measure.without_time_dependence is measure:
        return False
    history = facts.history(measure, now)
    if history is not None and history.scanned_rows(measure) is None:
        return history.may_change(measure, now)
    rows = matching_rows(measure.without_time_dependence, facts, now)
    window = measure.window
    if isinstance(window, SlidingWindow):
        rows = [row for row in rows if row["at"] > now.at - window.start_ago]
        return bool(rows)
    return any(_has_time_values(condition, row) for condition in measure.where for row in rows)


def _has_time_values(condition: AttributeCondition, document: Mapping[str, Any]) -> bool:
    stored = condition.field.read(document)
    return condition.operator.is_time_dependent and any(
        isinstance(element, datetime) for element in elements(stored)
    )
