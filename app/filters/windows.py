"""Parses the window of an event condition, the time in which events count."""

from datetime import datetime

from app.errors import InputError, InputPath, Problem, UserErrorCode, input_error
from app.filters.calendar import parse_datetime, parse_duration, truncate_to_milliseconds
from app.filters.filter_json import FilterJson
from app.filters.tree import FixedWindow, SlidingWindow, Window


def parse_window(window_json: FilterJson, path: InputPath) -> Window:
    """Returns the window. Raises InputError, whose paths begin with `path`, if it is invalid."""
    kind, value = next((kind, value) for kind, value in window_json.items() if value is not None)
    path = (*path, kind)
    match kind:
        case "last":
            return _parse_last(value, path)
        case "ago":
            return _parse_ago(value, path)
        case _:
            return _parse_between(value, path)


def _parse_last(duration: str, path: InputPath) -> SlidingWindow:
    try:
        return SlidingWindow(parse_duration(duration))
    except ValueError as error:
        raise input_error(UserErrorCode.INVALID_VALUE, f"The window {error}.", *path) from None


def _parse_ago(range_json: FilterJson, path: InputPath) -> SlidingWindow:
    durations, problems = [], []
    for key in ("from", "to"):
        try:
            durations.append(parse_duration(range_json[key]))
        except ValueError as error:
            message = f"The window's {key!r} {error}."
            problems.append(Problem(UserErrorCode.INVALID_VALUE, message, (*path, key)))
    if problems:
        raise InputError(problems)
    start_ago, end_ago = durations
    if start_ago <= end_ago:
        message = (
            "The window's 'from' must be longer than its 'to': from 60 to 30 days ago is"
            " {from: P60D, to: P30D}."
        )
        raise input_error(UserErrorCode.INVALID_VALUE, message, *path)
    return SlidingWindow(start_ago, end_ago)


def _parse_between(range_json: FilterJson, path: InputPath) -> FixedWindow:
    try:
        start, end = _parse_instant(range_json["from"]), _parse_instant(range_json["to"])
    except ValueError as error:
        raise input_error(UserErrorCode.INVALID_VALUE, f"The window {error}.", *path) from None
    if start > end:
        message = "The window ends before it starts; swap from and to."
        raise input_error(UserErrorCode.INVALID_VALUE, message, *path)
    return FixedWindow(start, end)


def _parse_instant(value: str | datetime) -> datetime:
    instant = value if isinstance(value, datetime) else parse_datetime(value)
    if instant.tzinfo is None:
        raise ValueError("must have an offset, like Z")
    return truncate_to_milliseconds(instant)
