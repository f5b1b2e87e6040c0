"""A filter as one readable English sentence."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import assert_never

from app.filters.operators import Operand, Operator
from app.filters.sources import ORDER
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Last,
    Listed,
    Measure,
    Member,
    NoneOf,
    Window,
)

# A list up to so long is told in full; of a longer one the first few are.
_TOLD, _FEW = 5, 3
_LONGEST_TEXT = 80
_UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
    ("millisecond", timedelta(milliseconds=1)),
)
# "90 minutes" is understood at a glance; "129600 seconds" is not.
_AT_A_GLANCE = 100


def text(filter_: Filter) -> str:
    """The filter in words, on one line."""
    match filter_:
        case AllOf((only,)) | AnyOf((only,)):
            return text(only)
        case AllOf(branches):
            # What stands last needs no brackets: nothing follows that it could swallow.
            return " and ".join([*map(_part, branches[:-1]), text(branches[-1])])
        case AnyOf(branches):
            return f"any of: {'; '.join(map(_part, branches))}"
        case NoneOf(branches):
            return f"none of: {'; '.join(map(_part, branches))}"
        case AttributeCondition(field, operator, operand):
            return f"{_name(field.path)} {_asked(operator, operand)}"
        case EventCondition(measure, operator, operand):
            return f"{_measure(measure)} {_asked(operator, operand)}"
        case Listed():
            return "is in the list"
        case Member(segment, member):
            return f"{'is' if member else 'is not'} in the segment {_quoted(segment.name)}"
        case _:
            assert_never(filter_)


def _part(filter_: Filter) -> str:
    """A branch within a longer sentence."""
    match filter_:
        case AllOf((only,)) | AnyOf((only,)):
            return _part(only)
        case AllOf() | AnyOf() | NoneOf():
            return f"({text(filter_)})"
        case _:
            return text(filter_)


def _asked(operator: Operator, operand: Operand) -> str:
    values = {"value": value(operand.value)}
    if isinstance(operand.value, tuple) and len(operand.value) == 2:
        values["low"], values["high"] = map(value, operand.value)
    phrase = operator.phrase.format(**values)
    return f"{phrase} (ignoring case)" if operand.ignore_case else phrase


def _measure(measure: Measure) -> str:
    """What is measured: "the number of "purchase" events where … within the last 30 days"."""
    name = measure.source.name
    events = "orders" if name == ORDER else f"{_quoted(name)} events"
    if measure.aggregate is None or measure.property is None:
        said = f"the number of {events}"
    else:
        property_ = _name(measure.property.path)
        said = f"{measure.aggregate.phrase.format(property=property_)} over {events}"
    if measure.where:
        said += f" where {' and '.join(map(text, measure.where))}"
    return said if measure.window is None else f"{said} {_window(measure.window)}"


def _window(window: Window) -> str:
    if isinstance(window, Last):
        return f"within the last {duration(window.length)}"
    return f"from {value(window.start)} to {value(window.end)}"


def value(said: object) -> str:
    """A value in words; several of them as a list that ends in sight."""
    match said:
        case bool():
            return "true" if said else "false"
        case float():
            return repr(said).removesuffix(".0")
        case str():
            return _quoted(said)
        case timedelta():
            return duration(said)
        case datetime():
            return _moment(said)
        case date():
            return said.isoformat()
        case tuple():
            return _list(said)
        case _:
            return str(said)


def duration(length: timedelta) -> str:
    """The length in the largest unit that is exact, or in several of them."""
    for unit, one in _UNITS:
        count, rest = divmod(length, one)
        if not rest and (count < _AT_A_GLANCE or unit == "day"):
            return _counted(count, unit)
    told = []
    for unit, one in _UNITS:
        count, length = divmod(length, one)
        if count:
            told.append(_counted(count, unit))
    return " ".join(told)


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _moment(moment: datetime) -> str:
    """To the minute, or as fine as it is; what has no zone is local time."""
    fine = "milliseconds" if moment.microsecond else "seconds" if moment.second else "minutes"
    told = moment.replace(tzinfo=None).isoformat(" ", fine)
    return told if moment.tzinfo is None else f"{told} UTC"


def _list(values: Sequence[object]) -> str:
    if len(values) > _TOLD:
        told, rest = values[:_FEW], f"{len(values) - _FEW:,} more"
    else:
        told, rest = values[:-1], value(values[-1])
    first = ", ".join(map(value, told))
    return f"{first} and {rest}" if first else rest


def _quoted(words: str) -> str:
    if len(words) > _LONGEST_TEXT:
        words = words[:_LONGEST_TEXT] + "…"
    return json.dumps(words, ensure_ascii=False) if words.isprintable() else json.dumps(words)


def _name(path: str) -> str:
    """A path as it stands where that is plain to read."""
    return path if path.isprintable() and " " not in path else _quoted(path)
