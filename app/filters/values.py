"""What an operator takes: how a value of JSON is read, and what to say when it can't be."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.filters.calendar import LONGEST, Period, read_date, read_duration, read_moment
from app.filters.fields import AttributeType, is_number, is_storable

LONGEST_TEXT = 1_000
LONGEST_LIST = 10_000
MOST_YEARS = 1_000
SMALLEST_LONG, LARGEST_LONG = -(2**63), 2**63 - 1

_MOMENTS = (AttributeType.DATE, AttributeType.DATETIME)


class UnreadableError(ValueError):
    """A value of the wrong shape; `path` leads to the element of a list that is at fault."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def text(value: object) -> str:
    """A string that MongoDB can hold."""
    if not isinstance(value, str):
        raise UnreadableError("must be a string")
    if len(value) > LONGEST_TEXT:
        raise UnreadableError(f"must have at most {LONGEST_TEXT} characters")
    if not is_storable(value):
        raise UnreadableError("must not contain NUL or half a surrogate pair")
    return value


def number(value: object) -> int | float:
    """A 64-bit integer or a finite float."""
    if not is_number(value):
        raise UnreadableError("must be a number")
    assert isinstance(value, int | float)
    if isinstance(value, int) and not SMALLEST_LONG <= value <= LARGEST_LONG:
        raise UnreadableError("must fit into 64 bits")
    if not math.isfinite(value):
        raise UnreadableError("must be finite")
    return value


def _scalar(value: object, type_: AttributeType | None) -> Any:
    """One value of the type, or of its own type where the path has none."""
    match type_:
        case AttributeType.STRING:
            return text(value)
        case AttributeType.NUMBER:
            return number(value)
        case AttributeType.BOOLEAN:
            if not isinstance(value, bool):
                raise UnreadableError("must be true or false")
            return value
        case AttributeType.DATE | AttributeType.DATETIME:
            try:
                return read_moment(text(value))
            except UnreadableError:
                raise
            except ValueError as error:
                raise UnreadableError(str(error)) from None
        case _:
            if isinstance(value, bool):
                return value
            if isinstance(value, str):
                return text(value)
            if is_number(value):
                return number(value)
            raise UnreadableError("must be a string, a number, true or false")


@dataclass(frozen=True)
class Years:
    """A number of full years, between two bounds, both included; None is without one."""

    least: int | None
    most: int | None

    def __str__(self) -> str:
        if self.least == self.most:
            return _years(self.most)
        if self.most is None:
            return f"at least {_years(self.least)}"
        if self.least is None:
            return f"at most {_years(self.most)}"
        return f"{self.least:,} to {_years(self.most)}"


def _years(count: int | None) -> str:
    return "1 full year" if count == 1 else f"{count:,} full years"


@dataclass(frozen=True)
class Circle:
    """All that lies within so many meters of a place."""

    lat: int | float
    lon: int | float
    meters: int | float

    def __str__(self) -> str:
        kilometers = self.meters >= 1_000 and self.meters % 100 == 0
        length = f"{_plain(self.meters / 1_000)} km" if kilometers else f"{_plain(self.meters)} m"
        return f"{length} of {_plain(self.lat)}, {_plain(self.lon)}"


def _plain(number: int | float) -> str:
    return f"{number:,}".removesuffix(".0")


@dataclass(frozen=True)
class Takes:
    """What an operator takes: words for people, and the reader."""

    words: str
    read: Callable[[object, AttributeType | None], Any]


def _nothing(value: object, _: AttributeType | None) -> None:
    if value is not None:
        raise UnreadableError("must be left out: the operator takes no value")


def _non_empty_text(value: object, _: AttributeType | None) -> str:
    if not text(value):
        raise UnreadableError("must not be empty")
    return text(value)


def _elements(value: object, type_: AttributeType | None) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UnreadableError("must be a list")
    if not 1 <= len(value) <= LONGEST_LIST:
        raise UnreadableError(f"must be a list of 1 to {LONGEST_LIST:,} values")
    read: list[Any] = []
    for index, element in enumerate(value):
        try:
            read.append(_scalar(element, type_))
        except UnreadableError as error:
            raise _in_list(index, str(error)) from None
    return tuple(read)


def _list(value: object, type_: AttributeType | None) -> tuple[Any, ...]:
    read = _elements(value, type_)
    for index, element in enumerate(read):
        if isinstance(element, bool):
            raise _in_list(index, "must not be true or false")
    return read


def _in_list(index: int, message: str) -> UnreadableError:
    return UnreadableError(f"element {index} {message}", str(index))


def _integer(value: object, _: AttributeType | None) -> int:
    read = number(value)
    if not isinstance(read, int):
        raise UnreadableError("must be an integer")
    return read


def _range(value: object, type_: AttributeType | None) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise UnreadableError("must be a list of two values, the lower one first")
    low, high = _list(value, type_)
    if type_ not in _MOMENTS:
        number(low), number(high)
    # Moments of different kinds are put in order only once the zone is known: an empty range holds
    # for nobody.
    if type(low) is type(high) or type_ is AttributeType.NUMBER:
        aware = getattr(low, "tzinfo", None) is None, getattr(high, "tzinfo", None) is None
        if aware[0] == aware[1] and low > high:
            raise UnreadableError("must be a list of two values, the lower one first")
    return low, high


def _day(value: object, _: AttributeType | None) -> Any:
    try:
        return read_date(text(value))
    except UnreadableError:
        raise
    except ValueError as error:
        raise UnreadableError(str(error)) from None


def _duration(value: object, _: AttributeType | None) -> Any:
    try:
        return read_duration(text(value))
    except UnreadableError:
        raise
    except ValueError as error:
        raise UnreadableError(str(error)) from None


def _whole(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError("must be an integer")
    if not 0 <= value <= most:
        raise UnreadableError(f"must lie between 0 and {most:,}")
    return value


def _days(value: object, _: AttributeType | None) -> timedelta:
    return timedelta(_whole(value, LONGEST.days))


def _period(value: object, _: AttributeType | None) -> Period:
    if not isinstance(value, str) or value not in Period.__members__:
        raise UnreadableError("must be the name of a period")
    return Period[value]


def _years_between(value: object, _: AttributeType | None) -> Years:
    if not isinstance(value, list | tuple):
        years = _whole(value, MOST_YEARS)
        return Years(years, years)
    if len(value) != 2 or all(bound is None for bound in value):
        raise UnreadableError("must be a list of two integers, of which one may be null")
    bounds: list[int | None] = []
    for index, bound in enumerate(value):
        try:
            bounds.append(None if bound is None else _whole(bound, MOST_YEARS))
        except UnreadableError as error:
            raise UnreadableError(f"element {index} {error}", str(index)) from None
    least, most = bounds
    if least is not None and most is not None and least > most:
        raise UnreadableError("must be a list of two integers, the lower one first")
    return Years(least, most)


_MOST = {"lat": (-90, 90), "lon": (-180, 180), "meters": (0, None)}


def _circle(value: object, _: AttributeType | None) -> Circle:
    if not isinstance(value, Mapping):
        raise UnreadableError("must be an object")
    for key in value:
        if key not in _MOST:
            raise UnreadableError(f"has no room for {str(key)[:60]!r}; take it out", str(key))
    read = {}
    for key, (least, most) in _MOST.items():
        if key not in value:
            raise UnreadableError(f"lacks {key!r}", key)
        try:
            read[key] = number(value[key])
        except UnreadableError as error:
            raise UnreadableError(f"has a {key!r} that {error}", key) from None
        if read[key] < least or (most is not None and read[key] > most):
            bounds = "be negative" if most is None else f"lie beyond {least} and {most}"
            raise UnreadableError(f"has a {key!r} that must not {bounds}", key)
    return Circle(**read)


NOTHING = Takes("no value", _nothing)
ONE_VALUE = Takes("one value", _scalar)
LIST = Takes(f"a list of 1 to {LONGEST_LIST:,} values", _list)
ELEMENTS = Takes(f"a list of 1 to {LONGEST_LIST:,} values", _elements)
NON_EMPTY_TEXT = Takes("a non-empty string, taken literally", _non_empty_text)
NUMBER = Takes("a number", lambda value, _: number(value))
INTEGER = Takes("an integer", _integer)
RANGE = Takes("a list of two values, in order, both ends included", _range)
MOMENT = Takes("a date or a datetime", _scalar)
DURATION = Takes("an ISO 8601 duration, like P30D or PT90M", _duration)
CALENDAR_DAY = Takes("a date, like 2026-03-29", _day)
DAYS = Takes(f"an integer of 0 to {LONGEST.days:,}", _days)
PERIOD = Takes(f"one of {', '.join(Period.__members__)}", _period)
YEARS = Takes(
    f"an integer of 0 to {MOST_YEARS:,}, or a list of the least and the most, either of them null",
    _years_between,
)
CIRCLE = Takes(
    'an object of "lat" and "lon", in degrees, and "meters", like'
    ' {"lat": 52.23, "lon": 21.01, "meters": 5000}',
    _circle,
)
