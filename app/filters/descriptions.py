"""Describes a filter as one English sentence."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import assert_never

from app.filters.operators import Operand, Operator
from app.filters.sources import ORDER_EVENT_NAME, ORDER_ITEM_EVENT_NAME
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NoneOf,
    SegmentCondition,
    SlidingWindow,
    StaticMemberCondition,
    Window,
)

_MAX_FULLY_LISTED_VALUES = 5
# Of a longer list only this many values are written out.
_LISTED_VALUES_OF_LONGER_LISTS = 3
_MAX_TEXT_LENGTH = 80
_UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
    ("millisecond", timedelta(milliseconds=1)),
)
# "90 minutes" is readable; "129600 seconds" is not.
_MAX_READABLE_COUNT = 100
# How often somebody bought an item, by operator.
_FREQUENCY_PHRASES = {
    "IS": "exactly {value}",
    "IS_NOT": "not exactly {value}",
    "GREATER_THAN": "more than {value}",
    "GREATER_THAN_OR_EQUAL": "at least {value}",
    "LESS_THAN": "less than {value}",
    "LESS_THAN_OR_EQUAL": "at most {value}",
    "BETWEEN": "between {low} and {high} times",
}


def describe(filter_: Filter) -> str:
    """The filter in words, on one line."""
    match filter_:
        case AllOf((branch,)) | AnyOf((branch,)):
            return describe(branch)
        case AllOf(branches):
            # The last branch needs no brackets: no text follows that could belong to it.
            return " and ".join([*map(_describe_branch, branches[:-1]), describe(branches[-1])])
        case AnyOf(branches):
            return f"any of: {'; '.join(map(_describe_branch, branches))}"
        case NoneOf(branches):
            return f"none of: {'; '.join(map(_describe_branch, branches))}"
        case AttributeCondition(field, operator, operand):
            return f"{_describe_path(field.path)} {_describe_operator(operator, operand)}"
        case EventCondition(measure, operator, operand) if _is_item_count(measure):
            return _describe_purchase(measure, operator, operand)
        case EventCondition(measure, operator, operand):
            return f"{_describe_measure(measure)} {_describe_operator(operator, operand)}"
        case StaticMemberCondition():
            return "is in the list"
        case SegmentCondition(segment, member):
            return f"{'is' if member else 'is not'} in the segment {_quote(segment.name)}"
        case _:
            assert_never(filter_)


def _describe_branch(filter_: Filter) -> str:
    """A branch inside a longer sentence: groups in brackets."""
    match filter_:
        case AllOf((branch,)) | AnyOf((branch,)):
            return _describe_branch(branch)
        case AllOf() | AnyOf() | NoneOf():
            return f"({describe(filter_)})"
        case _:
            return describe(filter_)


def _describe_operator(operator: Operator, operand: Operand) -> str:
    values = {"value": describe_value(operand.value)}
    if isinstance(operand.value, tuple) and len(operand.value) == 2:
        values["low"], values["high"] = map(describe_value, operand.value)
    phrase = operator.phrase.format(**values)
    return f"{phrase} (ignoring case)" if operand.ignore_case else phrase


def _is_item_count(measure: Measure) -> bool:
    return measure.source.name == ORDER_ITEM_EVENT_NAME and measure.aggregate is None


def _describe_purchase(measure: Measure, operator: Operator, operand: Operand) -> str:
    """For example: bought an item whose category is "shoes" at least twice within the last 90
    days."""
    match operand.value:
        case (low, high):
            values = {"low": describe_value(low), "high": describe_value(high)}
        case count:
            values = {"value": _describe_frequency(count)}
    frequency = _FREQUENCY_PHRASES[operator.name].format(**values)
    description = f"bought an item{_describe_where(measure, ' whose ')} {frequency}"
    return (
        description
        if measure.window is None
        else f"{description} {_describe_window(measure.window)}"
    )


def _describe_frequency(count: int | float) -> str:
    words: dict[int | float, str] = {1: "once", 2: "twice"}
    return words.get(count) or f"{describe_value(count)} times"


def _describe_where(measure: Measure, introduction: str) -> str:
    if not measure.where:
        return ""
    return f"{introduction}{' and '.join(map(describe, measure.where))}"


def _describe_measure(measure: Measure) -> str:
    """For example: the number of "purchase" events where … within the last 30 days."""
    names = {ORDER_EVENT_NAME: "orders", ORDER_ITEM_EVENT_NAME: "bought items"}
    events = names.get(measure.source.name) or f"{_quote(measure.source.name)} events"
    if measure.aggregate is None or measure.property is None:
        description = f"the number of {events}"
    else:
        property_name = _describe_path(measure.property.path)
        description = f"{measure.aggregate.phrase.format(property=property_name)} over {events}"
    description += _describe_where(measure, " where ")
    return (
        description
        if measure.window is None
        else f"{description} {_describe_window(measure.window)}"
    )


def _describe_window(window: Window) -> str:
    if isinstance(window, SlidingWindow):
        return f"within the last {describe_duration(window.length)}"
    return f"from {describe_value(window.start)} to {describe_value(window.end)}"


def describe_value(value: object) -> str:
    """A value in words; a long list is abbreviated."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value).removesuffix(".0")
        case str():
            return _quote(value)
        case timedelta():
            return describe_duration(value)
        case datetime():
            return _describe_instant(value)
        case date():
            return value.isoformat()
        case tuple():
            return _describe_list(value)
        case _:
            return str(value)


def describe_duration(duration: timedelta) -> str:
    """The duration in the largest unit that divides it, or in several units."""
    for unit, unit_length in _UNITS:
        count, rest = divmod(duration, unit_length)
        if not rest and (count < _MAX_READABLE_COUNT or unit == "day"):
            return _pluralize(count, unit)
    parts = []
    for unit, unit_length in _UNITS:
        count, duration = divmod(duration, unit_length)
        if count:
            parts.append(_pluralize(count, unit))
    return " ".join(parts)


def _pluralize(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _describe_instant(instant: datetime) -> str:
    """The instant to the minute, or to the second or millisecond if those are not zero.

    Without a zone it is local time.
    """
    precision = (
        "milliseconds" if instant.microsecond else "seconds" if instant.second else "minutes"
    )
    formatted = instant.replace(tzinfo=None).isoformat(" ", precision)
    return formatted if instant.tzinfo is None else f"{formatted} UTC"


def _describe_list(values: Sequence[object]) -> str:
    if len(values) > _MAX_FULLY_LISTED_VALUES:
        listed_values = values[:_LISTED_VALUES_OF_LONGER_LISTS]
        last_part = f"{len(values) - len(listed_values):,} more"
    else:
        listed_values, last_part = values[:-1], describe_value(values[-1])
    listed_text = ", ".join(map(describe_value, listed_values))
    return f"{listed_text} and {last_part}" if listed_text else last_part


def _quote(text: str) -> str:
    if len(text) > _MAX_TEXT_LENGTH:
        text = text[:_MAX_TEXT_LENGTH] + "…"
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else json.dumps(text)


def _describe_path(path: str) -> str:
    """The path; in quotes if it has spaces or unprintable characters."""
    return path if path.isprintable() and " " not in path else _quote(path)
