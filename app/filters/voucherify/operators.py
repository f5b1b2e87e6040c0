"""The operators of Voucherify: their translations, and the operators that are not supported.

Several values of an operator mean "one of these"; for a negative operator, "none of these".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.errors import InputError, UserErrorCode, input_error
from app.filters.calendar import Period
from app.filters.fields import TEMPORAL_TYPES
from app.filters.voucherify.operator_call import FilterJson, OperatorCall, all_of, any_of
from app.filters.voucherify.values import (
    is_date,
    is_flag_set,
    to_days,
    to_duration,
    to_integer,
    to_list,
    to_number,
    to_text,
    to_type,
)

ArgumentReader = Callable[[Any], Any]
"""Converts an argument to a value for a filter of this API. May raise InputError."""

# Every date has an anniversary within this number of days.
_DAYS_IN_LEAP_YEAR = 366
_YEAR_PERIODS = (Period.THIS_YEAR, Period.LAST_YEAR, Period.NEXT_YEAR)


@dataclass(frozen=True)
class Translation:
    """The translation of a Voucherify operator: a description for the reference, and a function
    that builds the filter."""

    description: str
    build: Callable[[OperatorCall], FilterJson]


def _no_argument(operator: str, value: str | None = None) -> Translation:
    """The translation of a Voucherify operator that takes no argument except true."""

    def build(call: OperatorCall) -> FilterJson:
        if not all(map(is_flag_set, call.arguments)):
            message = "The operator takes no value except true; otherwise leave the operator out."
            raise input_error(UserErrorCode.INVALID_VALUE, message)
        return call.build_condition(operator, value)

    return Translation(f"{operator} {value or ''}".strip(), build)


def _period_translation(period: Period) -> Translation:
    """The translation of a calendar period.

    On `birthdate`, periods shorter than a year apply to the birthday: no adult was born this week.
    """
    calendar_period = _no_argument("IN_PERIOD", period.name)
    birthday_period = _anniversary_period(period)
    if period in _YEAR_PERIODS:
        return calendar_period

    def build(call: OperatorCall) -> FilterJson:
        return (birthday_period if call.field.path == "birthdate" else calendar_period).build(call)

    return Translation(
        f"{calendar_period.description}; on birthdate {birthday_period.description}", build
    )


def _anniversary_period(period: Period) -> Translation:
    return _no_argument("ANNIVERSARY_IN_PERIOD", period.name)


def _single_argument(operator: str, reader: ArgumentReader) -> Translation:
    return Translation(
        operator,
        lambda call: call.build_condition(operator, reader(call.require_single_argument())),
    )


def _any_argument(operator: str, reader: ArgumentReader) -> Translation:
    def build(call: OperatorCall) -> FilterJson:
        return any_of(
            [call.build_condition(operator, reader(value)) for value in call.require_arguments()]
        )

    return Translation(operator, build)


def _argument_list(operator: str) -> Translation:
    def build(call: OperatorCall) -> FilterJson:
        values = [to_type(value, call.field.type) for value in call.require_arguments()]
        return call.build_condition(operator, values)

    return Translation(operator, build)


def _typed_argument(operator: str) -> Translation:
    def build(call: OperatorCall) -> FilterJson:
        return call.build_condition(
            operator, to_type(call.require_single_argument(), call.field.type)
        )

    return Translation(operator, build)


def _comparison(operator: str, days_operator: str) -> Translation:
    """A comparison of numbers. On a date or datetime it compares the number of days ago."""
    number_translation = _single_argument(operator, to_number)
    days_translation = _single_argument(days_operator, to_duration)

    def build(call: OperatorCall) -> FilterJson:
        is_temporal = call.field.type in TEMPORAL_TYPES
        return (days_translation if is_temporal else number_translation).build(call)

    return Translation(f"{operator}; on dates {days_operator}", build)


def _equality_conditions(call: OperatorCall) -> list[FilterJson]:
    """Conditions of which one must match, as few as the types allow."""
    values = [to_type(value, call.field.type) for value in call.require_arguments()]
    if call.field.type in TEMPORAL_TYPES:
        return [call.build_condition("ON" if is_date(value) else "IS", value) for value in values]
    # The list of IN cannot contain booleans.
    single_values = [value for value in values if isinstance(value, bool)]
    list_values = [value for value in values if not isinstance(value, bool)]
    if len(list_values) == 1:
        single_values, list_values = [*single_values, *list_values], []
    parts = [call.build_condition("IS", value) for value in single_values]
    return [*parts, call.build_condition("IN", list_values)] if list_values else parts


def _build_is(call: OperatorCall) -> FilterJson:
    return any_of(_equality_conditions(call))


def _build_is_not(call: OperatorCall) -> FilterJson:
    return _negate(_equality_conditions(call))


def _build_not_contains(call: OperatorCall) -> FilterJson:
    return _negate(
        [call.build_condition("CONTAINS", to_text(value)) for value in call.require_arguments()]
    )


_NEGATIONS = {"IS": "IS_NOT", "IN": "NOT_IN", "CONTAINS": "NOT_CONTAINS"}


def _negate(parts: list[FilterJson]) -> FilterJson:
    condition = parts[0]["attribute"]
    if len(parts) == 1 and condition["operator"] in _NEGATIONS:
        return {"attribute": {**condition, "operator": _NEGATIONS[condition["operator"]]}}
    return {"none": parts}


def _anniversary_beyond_days(within_operator: str) -> Translation:
    """The field has an anniversary, but none within the given number of days."""

    def build(call: OperatorCall) -> FilterJson:
        within_condition = call.build_condition(
            within_operator, to_days(call.require_single_argument())
        )
        return all_of(
            [
                call.build_condition(within_operator, _DAYS_IN_LEAP_YEAR),
                {"none": [within_condition]},
            ]
        )

    return Translation(
        f"{within_operator} {_DAYS_IN_LEAP_YEAR}, and not {within_operator} of the value", build
    )


def _build_is_year(call: OperatorCall) -> FilterJson:
    years = [f"{to_integer(value):04}" for value in call.require_arguments()]
    return any_of(
        [call.build_condition("BETWEEN", [f"{year}-01-01", f"{year}-12-31"]) for year in years]
    )


def _build_years_ago(call: OperatorCall) -> FilterJson:
    """The number of full years ago.

    Together with an anniversary in the future, as in "turns 60 in 3 days", the years are complete
    on that anniversary. Today one year less is complete.
    """
    year_correction = 1 if _is_anniversary_ahead(call) else 0
    return any_of(
        [
            call.build_condition("YEARS_AGO", to_integer(argument) - year_correction)
            for argument in call.require_arguments()
        ]
    )


def _is_anniversary_ahead(call: OperatorCall) -> bool:
    """Whether the field also has $is_days_in_future_md, with days after today."""
    try:
        are_ahead = {
            to_days(argument) > 0
            for argument in to_list(call.field_operators.get("$is_days_in_future_md", []))
        }
    except InputError:
        # The translation of that operator reports the problem.
        return False
    if len(are_ahead) > 1:
        message = (
            "Together with $is_years_ago, the days of $is_days_in_future_md cannot be both 0"
            " and more than 0; use a separate filter for 0."
        )
        raise input_error(UserErrorCode.INVALID_VALUE, message)
    return are_ahead == {True}


TRANSLATIONS: dict[str, Translation] = {
    "$is": Translation("IS, or IN for several values; on dates IS, or ON for a day", _build_is),
    "$is_not": Translation(
        "IS_NOT, or NOT_IN for several values; on dates no IS, or no ON for a day", _build_is_not
    ),
    "$in": Translation("the same as $is", _build_is),
    "$not_in": Translation("the same as $is_not", _build_is_not),
    "$has_value": _no_argument("HAS_VALUE"),
    "$is_unknown": _no_argument("HAS_NO_VALUE"),
    "$starts_with": _any_argument("STARTS_WITH", to_text),
    "$ends_with": _any_argument("ENDS_WITH", to_text),
    "$contains": _any_argument("CONTAINS", to_text),
    "$not_contain": Translation("NOT_CONTAINS", _build_not_contains),
    "$more_than": _comparison("GREATER_THAN", "MORE_THAN_AGO"),
    "$less_than": _comparison("LESS_THAN", "WITHIN_LAST"),
    "$more_than_equal": _single_argument("GREATER_THAN_OR_EQUAL", to_number),
    "$less_than_equal": _single_argument("LESS_THAN_OR_EQUAL", to_number),
    "$more_than_or_equal": _single_argument("GREATER_THAN_OR_EQUAL", to_number),
    "$less_than_or_equal": _single_argument("LESS_THAN_OR_EQUAL", to_number),
    "$after": _typed_argument("AFTER"),
    "$before": _typed_argument("BEFORE"),
    "$after_equal": _typed_argument("ON_OR_AFTER"),
    "$before_equal": _typed_argument("ON_OR_BEFORE"),
    "$more_than_ago": _single_argument("MORE_THAN_AGO", to_duration),
    "$less_than_ago": _single_argument("WITHIN_LAST", to_duration),
    "$is_days_ago": _any_argument("DAYS_AGO", to_days),
    "$more_than_future": _single_argument("MORE_THAN_AHEAD", to_duration),
    "$less_than_future": _single_argument("WITHIN_NEXT", to_duration),
    "$is_days_in_future": _any_argument("DAYS_AHEAD", to_days),
    **{f"${period.name.lower()}": _period_translation(period) for period in Period},
    **{
        f"${period.name.lower()}_md": _anniversary_period(period)
        for period in Period
        if period not in _YEAR_PERIODS
    },
    "$is_days_ago_md": _any_argument("ANNIVERSARY_DAYS_AGO", to_days),
    "$is_days_in_future_md": _any_argument("ANNIVERSARY_DAYS_AHEAD", to_days),
    "$is_less_days_ago_md": _single_argument("ANNIVERSARY_WITHIN_LAST_DAYS", to_days),
    "$is_less_days_in_future_md": _single_argument("ANNIVERSARY_WITHIN_NEXT_DAYS", to_days),
    "$is_more_days_ago_md": _anniversary_beyond_days("ANNIVERSARY_WITHIN_LAST_DAYS"),
    "$is_more_days_in_future_md": _anniversary_beyond_days("ANNIVERSARY_WITHIN_NEXT_DAYS"),
    "$is_years_ago": Translation(
        "YEARS_AGO; together with $is_days_in_future_md one year less", _build_years_ago
    ),
    "$is_year": Translation("BETWEEN the first and the last day of the year", _build_is_year),
    "$count": _any_argument("SIZE_IS", to_integer),
    "$count_more": _single_argument("SIZE_GREATER_THAN", to_integer),
    "$count_less": _single_argument("SIZE_LESS_THAN", to_integer),
    "$includes": _argument_list("CONTAINS_ALL"),
    "$intersects": _argument_list("CONTAINS_ANY"),
    "$not_intersect": _argument_list("CONTAINS_NONE"),
}

_STATUS_ADVICE = (
    "The operator asks for the state of a voucher or a campaign, which a customer does not have;"
    " leave the operator out."
)
_DATE_PART_ADVICE = "A filter cannot ask for a part of a date; "
_LOCATION_ADVICE = (
    "Locations are not stored; use WITHIN_RADIUS or NOT_WITHIN_RADIUS with the center of the"
    " location and its radius in meters."
)

UNSUPPORTED_OPERATORS: dict[str, str] = {
    "$is_day": f"{_DATE_PART_ADVICE}for a whole day, use $is with the date.",
    "$is_month": (
        f"{_DATE_PART_ADVICE}for anniversaries, use $this_month_md, $last_month_md or"
        " $next_month_md."
    ),
    "$is_day_of_month": (
        f"{_DATE_PART_ADVICE}store the day in a metadata key and filter by that key."
    ),
    "$in_location": _LOCATION_ADVICE,
    "$not_in_location": _LOCATION_ADVICE,
    "$not_differ": "Arrays cannot be compared as a whole; use $includes together with $count.",
    **dict.fromkeys(
        (
            *("$active", "$failed", "$in_progress", "$expired", "$before_start"),
            *("$enabled", "$disabled", "$redeemed", "$redeemable"),
        ),
        _STATUS_ADVICE,
    ),
}
"""What to do instead of each Voucherify operator that is not supported."""
