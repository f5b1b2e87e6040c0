"""The next change by time alone: the result changes at this instant, and not before."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import Calendar, CustomerFacts, Now, find_next_change, holds, parse
from app.filters.calendar import MILLISECOND, utc_midnight
from app.filters.operators import OPERATORS
from tests.filters.corpus import CATALOG
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies, Wire
from tests.filters.next_change_cases import NOWS_NEAR_CLOCK_CHANGES, sample_cases
from tests.instants import utc
from tests.random_cases import RANDOM_GENERATORS, repeatable

CLOCK_OPERATORS = [operator for operator in OPERATORS if operator.is_time_dependent]
FILTERS = 100
CHANGES_PER_CUSTOMER = 3


def clock_filter_trees(filter_strategies: FilterStrategies) -> st.SearchStrategy[Wire]:
    """Draws filters whose conditions mostly depend on time."""
    leaves = st.one_of(
        *[filter_strategies.attributes(CLOCK_OPERATORS)] * 5,
        filter_strategies.attributes(),
        *[filter_strategies.events("within")] * 2,
        filter_strategies.events("where", operators=CLOCK_OPERATORS),
        filter_strategies.segments(),
    )
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, branches: {kind: branches},
            st.sampled_from(("all", "any", "none")),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )


def test_it_changes_then_and_not_before(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    """From each change to the next one."""
    seen: Counter[str] = Counter()

    @repeatable(FILTERS)
    @given(
        clock_filter_trees(filter_strategies),
        NOWS_NEAR_CLOCK_CHANGES,
        RANDOM_GENERATORS,
    )
    def right(wire: Wire, now: Now, random: Random) -> None:
        for case in sample_cases(random, parse(wire, CATALOG), now, dual_evaluator):
            for _ in range(CHANGES_PER_CUSTOMER):
                assert list(case.find_errors()) == [], (wire, case.facts, case.now)
                change = find_next_change(case.filter, case.facts, case.now)
                seen["a change" if change else "none"] += 1
                if change is None:
                    break
                case = replace(case, now=replace(now, at=change))

    right()
    print(seen)
    assert seen["a change"] >= 100
    assert seen["none"] >= 100


def test_the_pipeline_changes_at_the_same_instant(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    changes = 0

    @repeatable(FILTERS)
    @given(
        clock_filter_trees(filter_strategies),
        NOWS_NEAR_CLOCK_CHANGES,
        RANDOM_GENERATORS,
    )
    def agree(wire: Wire, now: Now, random: Random) -> None:
        nonlocal changes
        tree = parse(wire, CATALOG)
        for case in sample_cases(random, tree, now, dual_evaluator)[:1]:
            change = find_next_change(tree, case.facts, now)
            if change is not None:
                changes += 1
                id_ = case.facts.document["_id"]
                instants = [replace(now, at=at) for at in (now.at, change - MILLISECOND, change)]
                first, before, at = (
                    id_ in dual_evaluator.select_by_pipeline(tree, instant) for instant in instants
                )
                assert (first, at) == (before, not before), (wire, id_, now, change)

    agree()
    assert changes >= FILTERS // 8


def test_the_events_that_are_read_suffice(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    """Other events can't change the result without a write."""
    changes = 0

    @repeatable(2 * FILTERS)
    @given(
        st.one_of(
            filter_strategies.events("within"),
            filter_strategies.events("where", operators=CLOCK_OPERATORS),
        ),
        NOWS_NEAR_CLOCK_CHANGES,
    )
    def enough(wire: Wire, now: Now) -> None:
        nonlocal changes
        tree = parse(wire, CATALOG)
        for id_, facts in dual_evaluator.customers_with_read_rows(tree, now).items():
            whole = dual_evaluator.customers[id_]
            change = find_next_change(tree, facts, now)
            assert change == find_next_change(tree, whole, now), (wire, id_, now)
            assert holds(tree, facts, now) == holds(tree, whole, now)
            changes += change is not None

    enough()
    assert changes >= 2 * FILTERS


def _day(text: str) -> datetime:
    return utc_midnight(utc(text).date())


@pytest.mark.parametrize(
    ("path", "stored", "operator", "value", "at"),
    [
        # An instant enters the window at once, and leaves it right after its length.
        ("metadata.at", utc("2026-01-10T12:00"), "WITHIN_LAST", "P7D", "2026-01-17T12:00:00.001"),
        ("metadata.at", utc("2026-01-20T12:00"), "WITHIN_LAST", "P7D", "2026-01-20T12:00"),
        (
            "metadata.at",
            utc("2026-01-10T12:00"),
            "MORE_THAN_AGO",
            "P7D",
            "2026-01-17T12:00:00.001",
        ),
        ("metadata.at", utc("2026-01-20T12:00"), "MORE_THAN_AHEAD", "P1D", "2026-01-19T12:00"),
        ("metadata.at", utc("2026-01-20T12:00"), "WITHIN_NEXT", "P1D", "2026-01-19T12:00"),
        # A day stands at its midnight in Warsaw.
        ("metadata.day", _day("2026-01-20"), "WITHIN_NEXT", "P1D", "2026-01-18T23:00"),
        ("metadata.day", _day("2026-01-20"), "DAYS_AHEAD", 2, "2026-01-17T23:00"),
        ("metadata.at", utc("2026-01-20T22:59"), "DAYS_AHEAD", 2, "2026-01-17T23:00"),
        ("metadata.at", utc("2026-01-20T23:00"), "DAYS_AHEAD", 2, "2026-01-18T23:00"),
        # In summer midnight comes an hour earlier.
        ("metadata.day", _day("2026-04-01"), "IN_PERIOD", "TODAY", "2026-03-31T22:00"),
        ("metadata.day", _day("2026-01-15"), "IN_PERIOD", "THIS_WEEK", "2026-01-18T23:00"),
        ("metadata.day", _day("2026-04-01"), "IN_PERIOD", "NEXT_MONTH", "2026-02-28T23:00"),
        ("birthdate", _day("2000-02-29"), "YEARS_AGO", 26, "2026-02-27T23:00"),
        ("birthdate", _day("2008-01-16"), "YEARS_AGO", [18, None], "2026-01-15T23:00"),
        ("birthdate", _day("2000-02-29"), "ANNIVERSARY_IN_PERIOD", "TODAY", "2026-02-27T23:00"),
        ("birthdate", _day("1990-01-14"), "ANNIVERSARY_DAYS_AGO", 0, "2027-01-13T23:00"),
        ("birthdate", _day("1990-01-10"), "ANNIVERSARY_WITHIN_NEXT_DAYS", 9, "2026-12-31T23:00"),
        # Any element, until the last one has left.
        (
            *("metadata.visits", [utc("2026-01-12T12:00"), utc("2026-01-10T12:00")]),
            *("WITHIN_LAST", "P7D", "2026-01-19T12:00:00.001"),
        ),
        # The last instant within the horizon, and one beyond.
        (
            "metadata.at",
            utc("2036-01-15T12:00"),
            "MORE_THAN_AHEAD",
            "PT0.001S",
            "2036-01-15T11:59:59.999",
        ),
        ("metadata.at", utc("2036-01-15T12:00"), "WITHIN_LAST", "P1D", "2036-01-15T12:00"),
        ("metadata.at", utc("2036-01-15T12:00:00.001"), "WITHIN_LAST", "P1D", None),
        # Conditions that do not depend on time.
        ("metadata.at", utc("2026-01-20T12:00"), "ON", "2026-01-20", None),
        ("metadata.at", utc("2026-01-20T12:00"), "BEFORE", "2026-01-20", None),
        ("metadata.at", "2026-01-20T12:00", "WITHIN_LAST", "P7D", None),
        ("metadata.at", None, "WITHIN_LAST", "P7D", None),
    ],
)
def test_the_instant(path: str, stored: Any, operator: str, value: Any, at: str | None) -> None:
    """Evaluated on Thursday 2026-01-15 at 12:00 UTC, in Warsaw."""
    now = Now(utc("2026-01-15T12:00"), Calendar(ZoneInfo("Europe/Warsaw")))
    group, _, key = path.rpartition(".")
    facts = CustomerFacts({group: {key: stored}} if group else {key: stored})
    wire = {"attribute": {"path": path, "operator": operator, "value": value}}

    expected = None if at is None else utc(at)
    assert find_next_change(parse(wire, CATALOG), facts, now) == expected
    assert find_next_change(parse({"none": [wire]}, CATALOG), facts, now) == expected


def test_a_change_of_a_branch_is_not_always_a_change_of_the_filter() -> None:
    now = Now(utc("2026-01-15T12:00"), Calendar(ZoneInfo("UTC")))
    facts = CustomerFacts({"metadata": {"at": utc("2026-01-15T00:00")}})

    def asked(kind: str, *about: str) -> datetime | None:
        conditions = (["metadata.at", *each.split()] for each in about)
        keys = ("path", "operator", "value")
        branches = [{"attribute": dict(zip(keys, c, strict=True))} for c in conditions]
        return find_next_change(parse({kind: branches}, CATALOG), facts, now)

    # One condition begins to hold at the millisecond at which the other ends.
    assert asked("any", "WITHIN_LAST P1D", "MORE_THAN_AGO P1D") is None
    assert asked("all", "WITHIN_LAST P1D", "MORE_THAN_AGO P1D") is None
    assert asked("all", "WITHIN_LAST P2D", "WITHIN_LAST P1D") == utc("2026-01-16T00:00:00.001")
    assert asked("any", "WITHIN_LAST P2D", "WITHIN_LAST P1D") == utc("2026-01-17T00:00:00.001")
    assert asked("none", "WITHIN_LAST P2D", "WITHIN_LAST P1D") == utc("2026-01-17T00:00:00.001")


@pytest.mark.parametrize("operator", CLOCK_OPERATORS, ids=lambda operator: operator.name)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Manila"])
def test_the_furthest_instants_change_nothing_within_ten_years(operator: Any, zone: str) -> None:
    """A direct write can store instants that the filter language can't express."""
    now = Now(utc("2026-01-15T12:00"), Calendar(ZoneInfo(zone)))
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    stored = [*ends, utc("0001-01-02T12:00"), utc("9999-12-30T12:00")]
    for path, example in itertools.product(("metadata.days", "metadata.visits"), operator.examples):
        wire = {"path": path, "operator": operator.name, "value": example.value}
        tree = parse({"attribute": wire}, CATALOG)
        key = path.removeprefix("metadata.")
        assert find_next_change(tree, CustomerFacts({"metadata": {key: stored}}), now) is None
