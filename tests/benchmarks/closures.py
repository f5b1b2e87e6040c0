"""The matcher's baseline: each filter a Python closure, compiled once."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.filters import Facts, Filter, Now
from app.filters.evaluate import Evaluation, asked
from app.filters.fields import Field, is_number
from app.filters.operators import equality, moments, numbers
from app.filters.operators.operator import MOMENTS
from app.filters.tree import AllOf, AnyOf, AttributeCondition, EventCondition, Last, NoneOf


class Asked:
    """A customer with the events by their name, at an instant."""

    def __init__(self, facts: Facts, now: Now) -> None:
        self.document, self.now = facts.document, now
        self.evaluation = Evaluation(facts, now)
        self.rows: defaultdict[str, list[Any]] = defaultdict(list)
        for row in facts.rows.get("events", ()):
            self.rows[row["name"]].append(row)


Held = Callable[[Asked], bool]


def compiled(filter_: Filter) -> Held:
    """The filter as a function of the customer."""
    match filter_:
        case AllOf(branches):
            return _all([compiled(branch) for branch in branches])
        case AnyOf(branches):
            return _any([compiled(branch) for branch in branches])
        case NoneOf(branches):
            one = _any([compiled(branch) for branch in branches])
            return lambda asked: not one(asked)
        case AttributeCondition():
            return _attribute(filter_)
        case EventCondition():
            return _event(filter_)
        case _:
            return lambda asked: asked.evaluation.holds(filter_)


def _all(parts: list[Held]) -> Held:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda asked: first(asked) and second(asked)
    if len(parts) == 3:
        first, second, third = parts
        return lambda asked: first(asked) and second(asked) and third(asked)
    return lambda asked: all(part(asked) for part in parts)


def _any(parts: list[Held]) -> Held:
    if len(parts) == 2:
        first, second = parts
        return lambda asked: first(asked) or second(asked)
    return lambda asked: any(part(asked) for part in parts)


def _read(field: Field) -> Callable[[Any], Any]:
    """The value at the field, by as few steps as can be."""
    if field.default is None and len(field.stored) == 1:
        (only,) = field.stored
        return lambda document: document.get(only)
    if field.default is None and len(field.stored) == 2:
        group, key = field.stored

        def read(document: Any) -> Any:
            inner = document.get(group)
            return inner.get(key) if isinstance(inner, dict) else None

        return read
    return field.read


def _attribute(condition: AttributeCondition) -> Held:
    field, operator, operand = condition.field, condition.operator, condition.operand
    read, value = _read(field), operand.value

    def other(asked_: Asked, stored: Any) -> bool:
        return asked(operator, stored, operand, asked_.now)

    if isinstance(operator, numbers._Comparison):
        compare = type(operator).compare

        def compared(asked: Asked) -> bool:
            stored = read(asked.document)
            if stored.__class__ is int or stored.__class__ is float:
                return compare(stored, value)
            return other(asked, stored)

        return compared
    if operator in (equality.IS, equality.IN) and operand.type not in MOMENTS:
        values = value if isinstance(value, tuple) else (value,)
        if all(isinstance(each, str) for each in values) and not operand.ignore_case:
            texts = frozenset(values)

            def same(asked: Asked) -> bool:
                stored = read(asked.document)
                return stored in texts if stored.__class__ is str else other(asked, stored)

            return same
    if isinstance(operator, moments.WithinLast | moments.MoreThanAgo):
        within = isinstance(operator, moments.WithinLast)

        def lately(asked: Asked) -> bool:
            stored = read(asked.document)
            if stored.__class__ is not datetime:
                return other(asked, stored)
            now = asked.now.at
            return bool(now - value <= stored <= now if within else stored < now - value)

        return lately
    return lambda asked: other(asked, read(asked.document))


def _event(condition: EventCondition) -> Held:
    measure, operator, operand = condition.measure, condition.operator, condition.operand
    name, window, aggregate = measure.source.name, measure.window, measure.aggregate
    assert not measure.where
    assert window is None or isinstance(window, Last)

    def measured(asked_: Asked) -> bool:
        rows = asked_.rows.get(name, ())
        if rows and window is not None:
            now = asked_.now.at
            since = now - window.length
            rows = [row for row in rows if since < row["at"] <= now]
        value: Any = len(rows)
        if aggregate is not None and measure.property is not None:
            read = measure.property.read
            value = aggregate.of([read(row) for row in rows])
        if operator is numbers.GREATER_THAN_OR_EQUAL and is_number(value):
            return bool(value >= operand.value)
        return asked(operator, value, operand, asked_.now)

    return measured
