"""Mutations of the MongoDB query of an operator: each is a plausible mistake."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.filters import Now
from app.filters.calendar import MILLISECOND
from app.filters.fields import AttributeType
from app.filters.operators import OPERATORS_BY_NAME, Operand, Operator, Query
from app.filters.values import (
    CALENDAR_DAY,
    CIRCLE,
    DAYS,
    DURATION,
    ELEMENTS,
    INTEGER,
    LIST,
    MOMENT,
    NON_EMPTY_TEXT,
    ONE_VALUE,
    PERIOD,
    RANGE,
    YEARS,
)
from tests.filters import points
from tests.filters.corpus import NOWS

QueryForm = Callable[[str, Operand, Now], Query]
BreakQuery = Callable[[QueryForm], QueryForm]
_INSTANT_TYPES = {AttributeType.DATE, AttributeType.DATETIME}
_DAYS = (CALENDAR_DAY, DAYS, PERIOD, YEARS)
_LEAP_DAY = datetime(2000, 2, 29, tzinfo=UTC)
_MATCH_NONE: Query = {"$nor": [{}]}


def _match_all(_: QueryForm) -> QueryForm:
    return lambda path, operand, now: {}


def _match_none(_: QueryForm) -> QueryForm:
    return lambda path, operand, now: _MATCH_NONE


def _negated(correct: QueryForm) -> QueryForm:
    return lambda *arguments: {"$nor": [correct(*arguments)]}


def _without_arrays(correct: QueryForm) -> QueryForm:
    return lambda path, *more: {
        "$and": [correct(path, *more), {path: {"$not": {"$type": "array"}}}]
    }


def _with_missing(correct: QueryForm) -> QueryForm:
    return lambda path, *more: {"$or": [correct(path, *more), {path: None}]}


def _without_missing(correct: QueryForm) -> QueryForm:
    return lambda path, *more: {"$and": [correct(path, *more), {path: {"$ne": None}}]}


def _with_any_second_element(correct: QueryForm) -> QueryForm:
    return lambda path, *more: {"$or": [correct(path, *more), {f"{path}.1": {"$exists": True}}]}


def _with_other_types(correct: QueryForm) -> QueryForm:
    def broken(path: str, operand: Operand, now: Now) -> Query:
        values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
        return {
            "$or": [correct(path, operand, now), {path: {"$in": [*map(_other_type_value, values)]}}]
        }

    return broken


def _other_type_value(value: object) -> object:
    """Returns a value that looks like the given one, but has another type."""
    match value:
        case bool():
            return int(value)
        case int() | float():
            return str(value)
        case "10" | "1":
            return int(value)
        case _:
            return None


def _case_sensitive_always(correct: QueryForm) -> QueryForm:
    return lambda path, operand, now: correct(path, replace(operand, ignore_case=False), now)


def _case_insensitive_always(correct: QueryForm) -> QueryForm:
    def broken(path: str, operand: Operand, now: Now) -> Query:
        has_case = operand.type in (None, AttributeType.STRING)
        return correct(path, replace(operand, ignore_case=has_case), now)

    return broken


def _unescaped_regex(_: QueryForm) -> QueryForm:
    return lambda path, operand, now: {path: {"$regex": operand.value}}


def _dollar_for_end(correct: QueryForm) -> QueryForm:
    """Replaces the end anchor by a dollar, which also matches before a final newline."""
    return lambda *arguments: replace_in_query(
        correct(*arguments), lambda _, v: _replace_end_anchor(v)
    )


def _replace_end_anchor(value: Any) -> Any:
    return value.replace(r"\z", "$") if isinstance(value, str) else value


def _swapped_bounds(correct: QueryForm) -> QueryForm:
    """Swaps open and closed bounds."""
    swapped = {"$gt": "$gte", "$gte": "$gt", "$lt": "$lte", "$lte": "$lt"}
    return lambda *arguments: replace_in_query(correct(*arguments), lambda key, v: v, swapped)


def replace_in_query(
    query: Any, replace_value: Callable[[str, Any], Any], renamed_keys: dict[str, str] | None = None
) -> Any:
    """Returns the query with keys and values replaced."""
    if isinstance(query, dict):
        return {
            (renamed_keys or {}).get(key, key): replace_value(
                key, replace_in_query(inner, replace_value, renamed_keys)
            )
            for key, inner in query.items()
        }
    return (
        [replace_in_query(inner, replace_value, renamed_keys) for inner in query]
        if isinstance(query, list)
        else query
    )


def _bounds_on_different_elements(correct: QueryForm) -> QueryForm:
    """Lets two elements of an array meet the two bounds of a range."""
    return lambda path, *more: {path: correct(path, *more)[path]}


def _size_requires_array(correct: QueryForm) -> QueryForm:
    return lambda path, *more: {"$and": [correct(path, *more), {path: {"$type": "array"}}]}


def _size_off_by_one(correct: QueryForm) -> QueryForm:
    def broken(path: str, operand: Operand, now: Now) -> Query:
        return correct(path, replace(operand, value=max(operand.value - 1, -1)), now)

    return broken


def _scalars_allowed(correct: QueryForm) -> QueryForm:
    return lambda path, operand, now: {
        "$or": [correct(path, operand, now), OPERATORS_BY_NAME["IN"].query(path, operand, now)]
    }


def _nested_arrays_allowed(correct: QueryForm) -> QueryForm:
    return lambda path, *more: {
        "$or": [correct(path, *more), {path: {"$elemMatch": {"$type": "array"}}}]
    }


def _late_clock(correct: QueryForm) -> QueryForm:
    return lambda path, operand, now: correct(path, operand, replace(now, at=now.at + MILLISECOND))


def _utc_for_zone(correct: QueryForm) -> QueryForm:
    return lambda path, operand, now: correct(
        path, operand, replace(now, calendar=NOWS[0].calendar)
    )


def _wrong_week_start(correct: QueryForm) -> QueryForm:
    def broken(path: str, operand: Operand, now: Now) -> Query:
        week_start = (now.calendar.week_start + 1) % 7
        calendar = replace(now.calendar, week_start=week_start)
        return correct(path, operand, replace(now, calendar=calendar))

    return broken


def _without_leap_day(correct: QueryForm) -> QueryForm:
    """Treats 29 February as 1 March in other years."""
    return lambda path, *more: {"$and": [correct(path, *more), {path: {"$nin": [_LEAP_DAY]}}]}


def _swapped_instant_types(correct: QueryForm) -> QueryForm:
    swapped_types = {
        AttributeType.DATE: AttributeType.DATETIME,
        AttributeType.DATETIME: AttributeType.DATE,
    }
    return lambda path, operand, now: correct(
        path, replace(operand, type=swapped_types.get(operand.type or AttributeType.STRING)), now
    )


def breaks_of_operator(operator: Operator) -> Iterator[BreakQuery]:
    """Returns the mutations of an operator: those for every operator, and those for its kind."""
    yield from (_match_all, _match_none, _negated, _without_arrays)
    if operator.negates is not None:
        yield from (_without_missing, _with_any_second_element)
        return
    yield _with_missing
    if operator.operand_kind in (ONE_VALUE, LIST, ELEMENTS):
        yield _with_other_types
    if operator.takes_ignore_case:
        yield from (_case_sensitive_always, _case_insensitive_always)
    if operator.operand_kind is NON_EMPTY_TEXT:
        yield _unescaped_regex
    if operator.operand_kind in (ONE_VALUE, LIST) or operator.name == "ENDS_WITH":
        yield _dollar_for_end
    if (
        operator.name.startswith(("GREATER", "LESS"))
        or operator.types & _INSTANT_TYPES == operator.types
    ):
        yield _swapped_bounds
    if operator.operand_kind is RANGE:
        yield from (_swapped_bounds, _bounds_on_different_elements)
    if operator.is_array_operator and operator.operand_kind is INTEGER:
        yield from (_size_requires_array, _size_off_by_one)
    elif operator.is_array_operator:
        yield from (_scalars_allowed, _nested_arrays_allowed)
    if operator.operand_kind is DURATION:
        yield _late_clock
    if operator.operand_kind in (MOMENT, RANGE, *_DAYS):
        yield _utc_for_zone
    if operator.types >= _INSTANT_TYPES and operator.operand_kind in (
        MOMENT,
        DURATION,
        RANGE,
        *_DAYS,
    ):
        yield _swapped_instant_types
    if operator.operand_kind is PERIOD:
        yield _wrong_week_start
    if operator.operand_kind is YEARS or operator.name == "ANNIVERSARY_IN_PERIOD":
        yield _without_leap_day
    if operator.operand_kind is CIRCLE:
        yield from points.DISTANCE_BREAKS
