"""Operand kinds: how the JSON value of a condition is parsed and validated."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.filters.calendar import (
    MAX_DURATION,
    Period,
    parse_date,
    parse_date_or_datetime,
    parse_duration,
)
from app.filters.fields import TEMPORAL_TYPES, AttributeType, is_number, is_storable

MAX_STRING_LENGTH = 1_000
MAX_LIST_LENGTH = 10_000
MAX_YEARS = 1_000
MIN_INT64 = -(2**63)
MAX_INT64 = 2**63 - 1


class InvalidOperandError(ValueError):
    """The value does not fit the operator; `path` leads to the faulty part of the value."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def parse_string(value: object) -> str:
    """Returns the value if it is a string that MongoDB can store; raises InvalidOperandError."""
    if not isinstance(value, str):
        raise InvalidOperandError("must be a string")
    if len(value) > MAX_STRING_LENGTH:
        raise InvalidOperandError(f"must have at most {MAX_STRING_LENGTH} characters")
    if not is_storable(value):
        raise InvalidOperandError("must not contain NUL or a lone surrogate")
    return value


def parse_number(value: object) -> int | float:
    """Returns the value if it is a 64-bit integer or a finite float; raises InvalidOperandError."""
    if not is_number(value):
        raise InvalidOperandError("must be a number")
    assert isinstance(value, int | float)
    if isinstance(value, int) and not MIN_INT64 <= value <= MAX_INT64:
        raise InvalidOperandError("must fit into 64 bits")
    if not math.isfinite(value):
        raise InvalidOperandError("must be finite")
    return value


def _parse_scalar(value: object, type_: AttributeType | None) -> Any:
    """Parses one value of the attribute's type; without a type, of the value's own."""
    match type_:
        case AttributeType.STRING:
            return parse_string(value)
        case AttributeType.NUMBER:
            return parse_number(value)
        case AttributeType.BOOLEAN:
            if not isinstance(value, bool):
                raise InvalidOperandError("must be true or false")
            return value
        case AttributeType.DATE | AttributeType.DATETIME:
            try:
                return parse_date_or_datetime(parse_string(value))
            except InvalidOperandError:
                raise
            except ValueError as error:
                raise InvalidOperandError(str(error)) from None
        case _:
            if isinstance(value, bool):
                return value
            if isinstance(value, str):
                return parse_string(value)
            if is_number(value):
                return parse_number(value)
            raise InvalidOperandError("must be a string, a number, true or false")


@dataclass(frozen=True)
class YearRange:
    """A number of full years between two inclusive bounds; None is unbounded."""

    minimum: int | None
    maximum: int | None

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return _format_years(self.maximum)
        if self.maximum is None:
            return f"at least {_format_years(self.minimum)}"
        if self.minimum is None:
            return f"at most {_format_years(self.maximum)}"
        return f"{self.minimum:,} to {_format_years(self.maximum)}"


def _format_years(count: int | None) -> str:
    return "1 full year" if count == 1 else f"{count:,} full years"


@dataclass(frozen=True)
class Circle:
    """The points within a distance in meters of a center in degrees."""

    lat: int | float
    lon: int | float
    meters: int | float

    def __str__(self) -> str:
        in_kilometers = self.meters >= 1_000 and self.meters % 100 == 0
        radius = (
            f"{_format_number(self.meters / 1_000)} km"
            if in_kilometers
            else f"{_format_number(self.meters)} m"
        )
        return f"{radius} of {_format_number(self.lat)}, {_format_number(self.lon)}"


def _format_number(number: int | float) -> str:
    return f"{number:,}".removesuffix(".0")


@dataclass(frozen=True)
class OperandKind:
    """The kind of value that an operator takes: its name in the API, its description and its
    parser."""

    name: str
    description: str
    parse: Callable[[object, AttributeType | None], Any]


def _parse_nothing(value: object, _: AttributeType | None) -> None:
    if value is not None:
        raise InvalidOperandError("must be absent: the operator takes no value")


def _parse_non_empty_string(value: object, _: AttributeType | None) -> str:
    if not parse_string(value):
        raise InvalidOperandError("must not be empty")
    return parse_string(value)


def _parse_elements(value: object, type_: AttributeType | None) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidOperandError("must be a list")
    if not 1 <= len(value) <= MAX_LIST_LENGTH:
        raise InvalidOperandError(f"must be a list of 1 to {MAX_LIST_LENGTH:,} values")
    parsed: list[Any] = []
    for index, element in enumerate(value):
        try:
            parsed.append(_parse_scalar(element, type_))
        except InvalidOperandError as error:
            raise _element_error(index, str(error)) from None
    return tuple(parsed)


def _parse_list(value: object, type_: AttributeType | None) -> tuple[Any, ...]:
    parsed = _parse_elements(value, type_)
    for index, element in enumerate(parsed):
        if isinstance(element, bool):
            raise _element_error(index, "must not be true or false")
    return parsed


def _element_error(index: int, message: str) -> InvalidOperandError:
    return InvalidOperandError(f"element {index} {message}", str(index))


def _parse_integer(value: object, _: AttributeType | None) -> int:
    parsed = parse_number(value)
    if not isinstance(parsed, int):
        raise InvalidOperandError("must be an integer")
    return parsed


def _parse_range(value: object, type_: AttributeType | None) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InvalidOperandError("must be a list of two values, the lower one first")
    low, high = _parse_list(value, type_)
    if type_ not in TEMPORAL_TYPES:
        parse_number(low), parse_number(high)
    # Days, instants and local times compare only in a time zone, which the parser does not know.
    # A range that turns out to be empty holds for no customer.
    if type(low) is type(high) or type_ is AttributeType.NUMBER:
        are_naive = getattr(low, "tzinfo", None) is None, getattr(high, "tzinfo", None) is None
        if are_naive[0] == are_naive[1] and low > high:
            raise InvalidOperandError("must be a list of two values, the lower one first")
    return low, high


def _parse_day(value: object, _: AttributeType | None) -> Any:
    try:
        return parse_date(parse_string(value))
    except InvalidOperandError:
        raise
    except ValueError as error:
        raise InvalidOperandError(str(error)) from None


def _parse_duration(value: object, _: AttributeType | None) -> Any:
    try:
        return parse_duration(parse_string(value))
    except InvalidOperandError:
        raise
    except ValueError as error:
        raise InvalidOperandError(str(error)) from None


def _parse_bounded_integer(value: object, maximum: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidOperandError("must be an integer")
    if not 0 <= value <= maximum:
        raise InvalidOperandError(f"must lie between 0 and {maximum:,}")
    return value


def _parse_days(value: object, _: AttributeType | None) -> timedelta:
    return timedelta(_parse_bounded_integer(value, MAX_DURATION.days))


def _parse_period(value: object, _: AttributeType | None) -> Period:
    if not isinstance(value, str) or value not in Period.__members__:
        raise InvalidOperandError("must be the name of a period")
    return Period[value]


def _parse_year_range(value: object, _: AttributeType | None) -> YearRange:
    if not isinstance(value, list | tuple):
        years = _parse_bounded_integer(value, MAX_YEARS)
        return YearRange(years, years)
    if len(value) != 2 or all(bound is None for bound in value):
        raise InvalidOperandError("must be a list of two integers, of which one may be null")
    bounds: list[int | None] = []
    for index, bound in enumerate(value):
        try:
            bounds.append(None if bound is None else _parse_bounded_integer(bound, MAX_YEARS))
        except InvalidOperandError as error:
            raise InvalidOperandError(f"element {index} {error}", str(index)) from None
    minimum, maximum = bounds
    if minimum is not None and maximum is not None and minimum > maximum:
        raise InvalidOperandError("must be a list of two integers, the lower one first")
    return YearRange(minimum, maximum)


_CIRCLE_LIMITS = {"lat": (-90, 90), "lon": (-180, 180), "meters": (0, None)}


def _parse_circle(value: object, _: AttributeType | None) -> Circle:
    if not isinstance(value, Mapping):
        raise InvalidOperandError("must be an object")
    for key in value:
        if key not in _CIRCLE_LIMITS:
            raise InvalidOperandError(f"has an unknown key {str(key)[:60]!r}; remove it", str(key))
    parsed = {}
    for key, (minimum, maximum) in _CIRCLE_LIMITS.items():
        if key not in value:
            raise InvalidOperandError(f"must have the key {key!r}", key)
        try:
            parsed[key] = parse_number(value[key])
        except InvalidOperandError as error:
            raise InvalidOperandError(f"has a {key!r} that {error}", key) from None
        if parsed[key] < minimum or (maximum is not None and parsed[key] > maximum):
            limits = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            raise InvalidOperandError(f"has a {key!r} that must be {limits}", key)
    return Circle(**parsed)


NOTHING = OperandKind("NOTHING", "no value", _parse_nothing)
ONE_VALUE = OperandKind("ONE_VALUE", "one value", _parse_scalar)
LIST = OperandKind("LIST", f"a list of 1 to {MAX_LIST_LENGTH:,} values", _parse_list)
ELEMENTS = OperandKind("ELEMENTS", f"a list of 1 to {MAX_LIST_LENGTH:,} values", _parse_elements)
NON_EMPTY_TEXT = OperandKind(
    "NON_EMPTY_TEXT", "a non-empty string, taken literally", _parse_non_empty_string
)
NUMBER = OperandKind("NUMBER", "a number", lambda value, _: parse_number(value))
INTEGER = OperandKind("INTEGER", "an integer", _parse_integer)
RANGE = OperandKind(
    "RANGE", "a list of two values, the lower one first, both inclusive", _parse_range
)
MOMENT = OperandKind("MOMENT", "a date or a datetime", _parse_scalar)
DURATION = OperandKind("DURATION", "an ISO 8601 duration, like P30D or PT90M", _parse_duration)
CALENDAR_DAY = OperandKind("CALENDAR_DAY", "a date, like 2026-03-29", _parse_day)
DAYS = OperandKind("DAYS", f"an integer of 0 to {MAX_DURATION.days:,}", _parse_days)
PERIOD = OperandKind("PERIOD", f"one of {', '.join(Period.__members__)}", _parse_period)
YEARS = OperandKind(
    "YEARS",
    f"an integer of 0 to {MAX_YEARS:,}, or a list of the minimum and the maximum,"
    " of which one may be null",
    _parse_year_range,
)
CIRCLE = OperandKind(
    "CIRCLE",
    'an object of "lat" and "lon", in degrees, and "meters", like'
    ' {"lat": 52.23, "lon": 21.01, "meters": 5000}',
    _parse_circle,
)

OPERAND_KINDS = (
    *(NOTHING, ONE_VALUE, LIST, ELEMENTS, NON_EMPTY_TEXT),
    *(NUMBER, INTEGER, RANGE, MOMENT, DURATION),
    *(CALENDAR_DAY, DAYS, PERIOD, YEARS, CIRCLE),
)
