"""Whether the passing of time alone may ever change an answer about a customer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.filters.calendar import Now
from app.filters.evaluate import Facts, rows_of
from app.filters.operators.operator import elements
from app.filters.tree import AttributeCondition, EventCondition, Filter, Last, Measure
from app.filters.walk import Condition, conditions


def follows_clock(part: Filter) -> bool:
    """Whether time may change the answer about some customer."""
    return any(map(_follows, conditions(part)))


def _follows(condition: Condition) -> bool:
    match condition:
        case AttributeCondition(operator=operator):
            return operator.follows_clock
        case EventCondition(measure):
            return measure.steady is not measure
        case _:
            return False


def may_turn(part: Filter, facts: Facts, now: Now) -> bool:
    """Whether time may change the answer about this customer, at whatever time."""
    return any(_may_turn(condition, facts, now) for condition in conditions(part))


def _may_turn(condition: Condition, facts: Facts, now: Now) -> bool:
    match condition:
        case AttributeCondition():
            return _asks_of_moments(condition, facts.document)
        case EventCondition(measure):
            return measure_may_turn(measure, facts, now)
        case _:
            return False


def measure_may_turn(measure: Measure, facts: Facts, now: Now) -> bool:
    """The same of what a measure comes to."""
    if measure.steady is measure:
        return False
    history = facts.history(measure, now)
    if history is not None and history.rows(measure) is None:
        return history.may_change(measure, now)
    rows = rows_of(measure.steady, facts, now)
    window = measure.window
    if isinstance(window, Last):
        rows = [row for row in rows if row["at"] > now.at - window.length]
        return bool(rows)
    return any(_asks_of_moments(where, row) for where in measure.where for row in rows)


def _asks_of_moments(condition: AttributeCondition, document: Mapping[str, Any]) -> bool:
    stored = condition.field.read(document)
    return condition.operator.follows_clock and any(
        isinstance(element, datetime) for element in elements(stored)
    )
