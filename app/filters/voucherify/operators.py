"""What their operators are here, and which have no counterpart.

Several values of an operator mean either of them, and those of a negative one none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.errors import Code, Refused, refuse
from app.filters.calendar import Period
from app.filters.fields import AttributeType
from app.filters.voucherify.asked import Asked, Wire, either, every
from app.filters.voucherify.values import (
    MOMENTS,
    days,
    duration,
    is_day,
    is_set,
    listed,
    number,
    of_type,
    text,
    whole,
)

Read = Callable[[Any], Any]
# So many days hold an anniversary of every date that has had one, or will.
_A_YEAR = 366
_YEARS = (Period.THIS_YEAR, Period.LAST_YEAR, Period.NEXT_YEAR)


@dataclass(frozen=True)
class Translation:
    """How an operator of theirs is said here, in words for people and as a filter."""

    ours: str
    make: Callable[[Asked], Wire]


def _flag(operator: str, value: str | None = None) -> Translation:
    """An operator that takes no value of theirs."""

    def make(asked: Asked) -> Wire:
        if not all(map(is_set, asked.values)):
            message = "The operator takes no value but true; leave it out where it is not meant."
            raise refuse(Code.INVALID_VALUE, message)
        return asked.condition(operator, value)

    return Translation(f"{operator} {value or ''}".strip(), make)


def _period(period: Period) -> Translation:
    """A period of the calendar; of a birthdate, in which nobody of age would be, the birthday's."""
    plain, birthday = _flag("IN_PERIOD", period.name), _anniversary(period)
    if period in _YEARS:
        return plain

    def make(asked: Asked) -> Wire:
        return (birthday if asked.field.path == "birthdate" else plain).make(asked)

    return Translation(f"{plain.ours}; on birthdate {birthday.ours}", make)


def _anniversary(period: Period) -> Translation:
    return _flag("ANNIVERSARY_IN_PERIOD", period.name)


def _one(operator: str, read: Read) -> Translation:
    return Translation(operator, lambda asked: asked.condition(operator, read(asked.only())))


def _each(operator: str, read: Read) -> Translation:
    def make(asked: Asked) -> Wire:
        return either([asked.condition(operator, read(value)) for value in asked.some()])

    return Translation(operator, make)


def _all_at_once(operator: str) -> Translation:
    def make(asked: Asked) -> Wire:
        values = [of_type(value, asked.field.type) for value in asked.some()]
        return asked.condition(operator, values)

    return Translation(operator, make)


def _moment(operator: str) -> Translation:
    def make(asked: Asked) -> Wire:
        return asked.condition(operator, of_type(asked.only(), asked.field.type))

    return Translation(operator, make)


def _compared(operator: str, of_days: str) -> Translation:
    """A comparison of numbers, which on dates compares how many days ago they are."""
    by_number, by_days = _one(operator, number), _one(of_days, duration)

    def make(asked: Asked) -> Wire:
        return (by_days if asked.field.type in MOMENTS else by_number).make(asked)

    return Translation(f"{operator}; on dates {of_days}", make)


def _same(asked: Asked) -> list[Wire]:
    """One of the values: in as few conditions as types allow."""
    values = [of_type(value, asked.field.type) for value in asked.some()]
    if asked.field.type in MOMENTS:
        return [asked.condition("ON" if is_day(value) else "IS", value) for value in values]
    # A list of ours holds no booleans.
    alone = [value for value in values if isinstance(value, bool)]
    others = [value for value in values if not isinstance(value, bool)]
    if len(others) == 1:
        alone, others = [*alone, *others], []
    parts = [asked.condition("IS", value) for value in alone]
    return [*parts, asked.condition("IN", others)] if others else parts


def _is(asked: Asked) -> Wire:
    return either(_same(asked))


def _is_not(asked: Asked) -> Wire:
    return _none_of(_same(asked))


def _not_contain(asked: Asked) -> Wire:
    return _none_of([asked.condition("CONTAINS", text(value)) for value in asked.some()])


_NEGATIONS = {"IS": "IS_NOT", "IN": "NOT_IN", "CONTAINS": "NOT_CONTAINS"}


def _none_of(parts: list[Wire]) -> Wire:
    inner = parts[0]["attribute"]
    if len(parts) == 1 and inner["operator"] in _NEGATIONS:
        return {"attribute": {**inner, "operator": _NEGATIONS[inner["operator"]]}}
    return {"none": parts}


def _more_days_away(within: str) -> Translation:
    """With an anniversary, and none within so many days."""

    def make(asked: Asked) -> Wire:
        near = asked.condition(within, days(asked.only()))
        return every([asked.condition(within, _A_YEAR), {"none": [near]}])

    return Translation(f"{within} {_A_YEAR}, and none of {within}", make)


def _is_year(asked: Asked) -> Wire:
    first, last = "01-01", "12-31"
    if asked.field.type is not AttributeType.DATE:
        first, last = f"{first}T00:00:00", f"{last}T23:59:59.999"
    years = [f"{whole(value):04}" for value in asked.some()]
    return either([asked.condition("BETWEEN", [f"{y}-{first}", f"{y}-{last}"]) for y in years])


def _is_years_ago(asked: Asked) -> Wire:
    """Full years. Beside an anniversary that is so many days ahead, the years are those of that
    anniversary ("turns 60 in 3 days"): today one of them is not full yet."""
    not_full = 1 if _anniversary_is_ahead(asked) else 0
    return either([asked.condition("YEARS_AGO", whole(v) - not_full) for v in asked.some()])


def _anniversary_is_ahead(asked: Asked) -> bool:
    try:
        ahead = {days(v) > 0 for v in listed(asked.beside.get("$is_days_in_future_md", []))}
    except Refused:
        # That operator names its own problem.
        return False
    if len(ahead) > 1:
        message = "Beside days ahead the years are those of that day; ask for today on its own."
        raise refuse(Code.INVALID_VALUE, message)
    return ahead == {True}


TRANSLATIONS: dict[str, Translation] = {
    "$is": Translation("IS, of several IN; on dates IS, of a day ON", _is),
    "$is_not": Translation("IS_NOT, of several NOT_IN; on dates none of IS, ON", _is_not),
    "$in": Translation("as with $is", _is),
    "$not_in": Translation("as with $is_not", _is_not),
    "$has_value": _flag("HAS_VALUE"),
    "$is_unknown": _flag("HAS_NO_VALUE"),
    "$starts_with": _each("STARTS_WITH", text),
    "$ends_with": _each("ENDS_WITH", text),
    "$contains": _each("CONTAINS", text),
    "$not_contain": Translation("NOT_CONTAINS", _not_contain),
    "$more_than": _compared("GREATER_THAN", "MORE_THAN_AGO"),
    "$less_than": _compared("LESS_THAN", "WITHIN_LAST"),
    "$more_than_equal": _one("GREATER_THAN_OR_EQUAL", number),
    "$less_than_equal": _one("LESS_THAN_OR_EQUAL", number),
    "$more_than_or_equal": _one("GREATER_THAN_OR_EQUAL", number),
    "$less_than_or_equal": _one("LESS_THAN_OR_EQUAL", number),
    "$after": _moment("AFTER"),
    "$before": _moment("BEFORE"),
    "$after_equal": _moment("ON_OR_AFTER"),
    "$before_equal": _moment("ON_OR_BEFORE"),
    "$more_than_ago": _one("MORE_THAN_AGO", duration),
    "$less_than_ago": _one("WITHIN_LAST", duration),
    "$is_days_ago": _each("DAYS_AGO", days),
    "$more_than_future": _one("MORE_THAN_AHEAD", duration),
    "$less_than_future": _one("WITHIN_NEXT", duration),
    "$is_days_in_future": _each("DAYS_AHEAD", days),
    **{f"${period.name.lower()}": _period(period) for period in Period},
    **{
        f"${period.name.lower()}_md": _anniversary(period)
        for period in Period
        if period not in _YEARS
    },
    "$is_days_ago_md": _each("ANNIVERSARY_DAYS_AGO", days),
    "$is_days_in_future_md": _each("ANNIVERSARY_DAYS_AHEAD", days),
    "$is_less_days_ago_md": _one("ANNIVERSARY_WITHIN_LAST_DAYS", days),
    "$is_less_days_in_future_md": _one("ANNIVERSARY_WITHIN_NEXT_DAYS", days),
    "$is_more_days_ago_md": _more_days_away("ANNIVERSARY_WITHIN_LAST_DAYS"),
    "$is_more_days_in_future_md": _more_days_away("ANNIVERSARY_WITHIN_NEXT_DAYS"),
    "$is_years_ago": Translation(
        "YEARS_AGO; beside $is_days_in_future_md one year less", _is_years_ago
    ),
    "$is_year": Translation("BETWEEN its first and its last day", _is_year),
    "$count": _each("SIZE_IS", whole),
    "$count_more": _one("SIZE_GREATER_THAN", whole),
    "$count_less": _one("SIZE_LESS_THAN", whole),
    "$includes": _all_at_once("CONTAINS_ALL"),
    "$intersects": _all_at_once("CONTAINS_ANY"),
    "$not_intersect": _all_at_once("CONTAINS_NONE"),
}

_STATUS = "It asks for the state of a voucher or a campaign, and customers have none; leave it out."
_PART = "A part of a date can not be asked for here; "
_PLACE = (
    "Locations are not kept here; ask with WITHIN_RADIUS or NOT_WITHIN_RADIUS for the centre of"
    " the location, and its radius in meters."
)

WITHOUT: dict[str, str] = {
    "$is_day": f"{_PART}a whole day can, with $is and its date.",
    "$is_month": f"{_PART}anniversaries in a month can, with $this_month_md and its like.",
    "$is_day_of_month": f"{_PART}write it into a key of metadata, and ask for that.",
    "$in_location": _PLACE,
    "$not_in_location": _PLACE,
    "$not_differ": "Arrays are not compared as a whole here; use $includes, and $count with it.",
    **dict.fromkeys(
        (
            *("$active", "$failed", "$in_progress", "$expired", "$before_start"),
            *("$enabled", "$disabled", "$redeemed", "$redeemable"),
        ),
        _STATUS,
    ),
}
"""Their operators without a counterpart, and what to do instead."""
