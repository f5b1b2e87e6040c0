"""Ages and anniversaries against their definition, year by year and day by day."""

from datetime import UTC, date, datetime, time
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from app.filters import AttributeType, Calendar, Now, parse
from app.filters.calendar import DAY, FIRST_DAY, LAST_DAY, MILLISECOND, utc_midnight
from app.filters.operators import OPERATORS_BY_NAME, Operand
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.dual_evaluator import open_dual_evaluator
from tests.random_cases import repeatable

ZONES = ("UTC", "Europe/Warsaw", "America/Sao_Paulo", "Pacific/Kiritimati")
TODAYS = st.one_of(
    st.dates(date(2020, 1, 1), date(2032, 12, 31)),
    st.builds(date, st.integers(2020, 2032), st.just(2), st.just(28)),
    st.sampled_from([date(2024, 2, 29), date(2028, 2, 29), date(2025, 3, 1), date(2024, 12, 31)]),
)
DATES = st.one_of(
    st.dates(date(1990, 1, 1), date(2034, 12, 31)),
    st.builds(date, st.sampled_from(range(1988, 2036, 4)), st.just(2), st.just(29)),
)


def _anniversaries(day: date, until: date) -> list[date]:
    """Returns the anniversaries, beginning with the date itself."""
    days = [_in_year(day, year) for year in range(day.year, until.year + 1)]
    return [anniversary for anniversary in days if anniversary <= until]


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _holds(name: str, value: object, day: date, today: date, zone: str) -> bool:
    """Whether the operator holds for the date; asserts the same for an instant at the end of the
    day."""
    calendar = Calendar(ZoneInfo(zone))
    now = Now(datetime.combine(today, time(12), ZoneInfo(zone)), calendar)
    operator = OPERATORS_BY_NAME[name]
    read = operator.operand_kind.parse(value, None)
    end_of_day = datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).astimezone(UTC)
    date_holds, instant_holds = (
        operator.holds(stored, Operand(read, type_), now)
        for stored, type_ in (
            (utc_midnight(day), AttributeType.DATE),
            (end_of_day, AttributeType.DATETIME),
        )
    )
    assert date_holds == instant_holds
    return date_holds


@repeatable(400)
@given(DATES, TODAYS, st.integers(0, 45), st.sampled_from(ZONES))
def test_an_age_is_the_number_of_anniversaries(
    day: date, today: date, years: int, zone: str
) -> None:
    age = len(_anniversaries(day, today)) - 1
    assert _holds("YEARS_AGO", years, day, today, zone) == (age == years)
    assert _holds("YEARS_AGO", [years, None], day, today, zone) == (age >= years)
    assert _holds("YEARS_AGO", [None, years], day, today, zone) == (0 <= age <= years)
    if age >= 0:
        assert _holds("YEARS_AGO", age, day, today, zone)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("ANNIVERSARY_WITHIN_LAST_DAYS", -1, 0),
        ("ANNIVERSARY_WITHIN_NEXT_DAYS", 0, 1),
        ("ANNIVERSARY_DAYS_AGO", -1, -1),
        ("ANNIVERSARY_DAYS_AHEAD", 1, 1),
    ],
)
@repeatable(400)
@given(data=st.data())
def test_an_anniversary_falls_among_the_days(
    name: str, first: int, last: int, data: st.DataObject
) -> None:
    day, today, zone = data.draw(DATES), data.draw(TODAYS), data.draw(st.sampled_from(ZONES))
    # As often as not, the number of days that leads to an anniversary.
    near = {
        abs((anniversary_day - today).days)
        for anniversary_day in _anniversaries(day, today + 800 * DAY)
    }
    days = data.draw(st.one_of(st.integers(0, 800), st.sampled_from(sorted(near | {0}))))
    start, end = today + first * days * DAY, today + last * days * DAY
    expected = any(start <= anniversary_day <= end for anniversary_day in _anniversaries(day, end))
    assert _holds(name, days, day, today, zone) == expected


def test_pipeline_and_evaluator_agree_on_anniversaries_of_every_century(
    mongo_client: MongoClient[dict[str, Any]],
) -> None:
    random = Random(20260329)
    days = [FIRST_DAY, LAST_DAY, date(1, 12, 31), date(2, 1, 1)]
    days += [
        now.calendar.day_of(now.at).replace(year=random.randint(2, 2030), day=random.randint(1, 28))
        for now in NOWS
        for _ in range(40)
    ]
    customers = [
        {"metadata": {"day": utc_midnight(day), "at": now.calendar.midnight_of(day) - edge}}
        for day in days
        for now in random.sample(NOWS, 1)
        for edge in (0 * MILLISECOND, MILLISECOND)
    ]
    asked = [
        {"path": path, "operator": name, "value": value}
        for path in ("metadata.day", "metadata.at")
        for name, value in (
            ("ANNIVERSARY_IN_PERIOD", "THIS_MONTH"),
            ("ANNIVERSARY_IN_PERIOD", "LAST_YEAR"),
            ("ANNIVERSARY_WITHIN_LAST_DAYS", 70),
            ("ANNIVERSARY_WITHIN_NEXT_DAYS", 70),
            ("ANNIVERSARY_WITHIN_NEXT_DAYS", 36_525),
        )
    ]
    answers = 0
    with open_dual_evaluator(mongo_client, {"customers": customers}) as evaluator:
        for now in NOWS:
            for wire in asked:
                tree = parse({"attribute": wire}, CATALOG)
                selected = evaluator.select_by_pipeline(tree, now)
                assert selected == evaluator.select_by_evaluator(tree, now), (wire, now)
                answers += len(selected)
    assert answers > len(customers)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Apia"])
@pytest.mark.parametrize("today", ["2024-02-27", "2025-02-27", "2025-12-30", "2024-12-31"])
def test_pipeline_and_evaluator_agree_on_anniversaries_of_every_day(
    mongo_client: MongoClient[dict[str, Any]], today: str, zone: str
) -> None:
    calendar = Calendar(ZoneInfo(zone))
    days = [date(year, 1, 1) + n * DAY for year in (1999, 2000) for n in range(366)]
    customers = [
        {"metadata": {"day": utc_midnight(day), "at": calendar.midnight_of(day) - edge}}
        for day in days
        for edge in (0 * MILLISECOND, MILLISECOND)
    ]
    now = Now(calendar.midnight_of(date.fromisoformat(today)), calendar)
    with open_dual_evaluator(mongo_client, {"customers": customers}) as evaluator:
        for path in ("metadata.day", "metadata.at"):
            for name in ("ANNIVERSARY_WITHIN_NEXT_DAYS", "ANNIVERSARY_WITHIN_LAST_DAYS"):
                for days_away in (0, 2, 350):
                    wire = {"path": path, "operator": name, "value": days_away}
                    tree = parse({"attribute": wire}, CATALOG)
                    selected = evaluator.select_by_pipeline(tree, now)
                    assert selected == evaluator.select_by_evaluator(tree, now) != set(), wire
