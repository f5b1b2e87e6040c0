"""The tests detect a wrong next change of any operator and of any measure.

Each mutation is a plausible mistake. With the mutation in place, some filter must change for some
customer at another instant than the next change says.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from app.filters import Calendar, Now, parse
from app.filters.calendar import DAY, MILLISECOND
from app.filters.incremental_aggregates import _INCREMENTAL_AGGREGATES
from app.filters.next_change import AnswerTimeline, ChangeSearch
from app.filters.operators import OPERATORS, Operand, Operator, anniversaries
from app.filters.values import PERIOD
from tests.filters.case_bank import CaseBank, Wires
from tests.filters.corpus import CATALOG
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies, Wire
from tests.filters.next_change_cases import NOWS_NEAR_CLOCK_CHANGES, NextChangeCase, sample_cases
from tests.random_cases import RANDOM_GENERATORS

NextChangeForm = Callable[[object, Operand, Now, datetime], Iterator[datetime]]
BreakNextChange = Callable[[Operator, NextChangeForm], NextChangeForm]

MAX_FILTERS = 60


@pytest.fixture(scope="module")
def case_bank(dual_evaluator: DualEvaluator) -> CaseBank[NextChangeCase]:
    def cases_of(wires: Wires) -> st.SearchStrategy[list[NextChangeCase]]:
        return st.builds(
            lambda wire, now, random: [
                *sample_cases(random, parse(wire, CATALOG), now, dual_evaluator)
            ],
            wires,
            NOWS_NEAR_CLOCK_CHANGES,
            RANDOM_GENERATORS,
        )

    return CaseBank(MAX_FILTERS, cases_of)


def are_errors_detected(cases: list[NextChangeCase]) -> bool:
    return any(True for case in cases for _ in case.find_errors())


def _shifted_by(offset: timedelta) -> BreakNextChange:
    return lambda _, correct: lambda *arguments: (at + offset for at in correct(*arguments))


def _no_changes(_: Operator, correct: NextChangeForm) -> NextChangeForm:
    return lambda *arguments: iter(())


def _first_element_only(_: Operator, correct: NextChangeForm) -> NextChangeForm:
    return lambda stored, *more: correct(stored[:1] if isinstance(stored, list) else stored, *more)


def _one_boundary_only(starts_only: bool) -> BreakNextChange:
    """Returns only the instants at which the operator begins to hold, or only those at which it
    ends."""

    def break_next_change(operator: Operator, correct: NextChangeForm) -> NextChangeForm:
        def broken(stored: object, operand: Operand, now: Now, until: datetime) -> Any:
            for at in correct(stored, operand, now, until):
                if operator.holds(stored, operand, replace(now, at=at)) == starts_only:
                    yield at

        return broken

    return break_next_change


def _in_utc(_: Operator, correct: NextChangeForm) -> NextChangeForm:
    def broken(stored: object, operand: Operand, now: Now, until: datetime) -> Iterator[datetime]:
        calendar = Calendar(ZoneInfo("UTC"), now.calendar.week_start)
        return correct(stored, operand, replace(now, calendar=calendar), until)

    return broken


def _wrong_week_start(_: Operator, correct: NextChangeForm) -> NextChangeForm:
    def broken(stored: object, operand: Operand, now: Now, until: datetime) -> Iterator[datetime]:
        calendar = Calendar(now.calendar.time_zone, (now.calendar.week_start + 1) % 7)
        return correct(stored, operand, replace(now, calendar=calendar), until)

    return broken


def _in_this_year_only(_: Operator, correct: NextChangeForm) -> NextChangeForm:
    def broken(stored: object, operand: Operand, now: Now, until: datetime) -> Iterator[datetime]:
        return (at for at in correct(stored, operand, now, until) if at.year == now.at.year)

    return broken


def _without_leap_day(_: Operator, correct: NextChangeForm) -> NextChangeForm:
    """Treats 29 February as 1 March in other years."""

    def broken(*arguments: Any) -> Iterator[datetime]:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(anniversaries, "anniversary", anniversaries._date_in_year)
            yield from correct(*arguments)

    return broken


_BREAKS: dict[str, BreakNextChange] = {
    "late": _shifted_by(MILLISECOND),
    "early": _shifted_by(-MILLISECOND),
    "a_day_late": _shifted_by(DAY),
    "never": _no_changes,
    "another_element_forgotten": _first_element_only,
    "in_utc": _in_utc,
    "in_this_year_only": _in_this_year_only,
}


def _breaks_of_operators() -> Iterator[tuple[Operator, str, BreakNextChange]]:
    for operator in OPERATORS:
        if operator.is_time_dependent:
            yield from ((operator, name, break_) for name, break_ in _BREAKS.items())
            # What is far ahead was so before, and what is long ago stays so.
            if operator.name != "MORE_THAN_AHEAD":
                yield operator, "beginning_forgotten", _one_boundary_only(starts_only=False)
            if operator.name != "MORE_THAN_AGO":
                yield operator, "end_forgotten", _one_boundary_only(starts_only=True)
            if operator.name == "ANNIVERSARY_IN_PERIOD":
                yield operator, "leap_day_forgotten", _without_leap_day
            if operator.operand_kind is PERIOD:
                yield operator, "week_start_forgotten", _wrong_week_start


# Paths where some of the mutations show best.
_ARRAYS = ("metadata.days", "metadata.visits")
_DATES = ("metadata.day", "birthdate")
_PATHS = {
    "another_element_forgotten": _ARRAYS,
    "in_utc": _DATES,
    "leap_day_forgotten": ("birthdate",),
}


def _with_path(wire: Wire, path: str) -> Wire:
    return {"attribute": {**wire["attribute"], "path": path}}


def _is_about_weeks(wire: Wire) -> bool:
    return "WEEK" in str(wire)


@pytest.mark.parametrize(
    ("operator", "name", "break_"),
    [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in _breaks_of_operators()],
)
def test_a_wrong_instant_is_detected(
    operator: Operator,
    name: str,
    break_: BreakNextChange,
    case_bank: CaseBank[NextChangeCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wires, paths = filter_strategies.attributes([operator]), _PATHS.get(name, ())
    kind = " ".join((operator.name, *paths))
    if paths:
        wires = st.builds(_with_path, wires, st.sampled_from(paths))
    if name == "week_start_forgotten":
        wires, kind = wires.filter(_is_about_weeks), f"{kind} weeks"
    cases = case_bank.draw_cases(kind, wires)
    monkeypatch.setattr(operator, "next_changes", break_(operator, operator.next_changes))
    assert are_errors_detected(cases)


CLOCK_OPERATORS = [operator for operator in OPERATORS if operator.is_time_dependent]


def _late_exits(window_changes: list[Any]) -> list[Any]:
    return sorted(
        (at + (step > 0) * MILLISECOND, place, step) for at, place, step in window_changes
    )


def _without_entries(window_changes: list[Any]) -> list[Any]:
    return [window_change for window_change in window_changes if window_change[2] > 0]


def _without_exits(window_changes: list[Any]) -> list[Any]:
    return [window_change for window_change in window_changes if window_change[2] < 0]


def _reversed(window_changes: list[Any]) -> list[Any]:
    return sorted(window_changes, reverse=True)


@pytest.mark.parametrize("mutation", [_late_exits, _without_entries, _without_exits, _reversed])
def test_a_wrong_passage_through_a_window_is_detected(
    mutation: Callable[[Any], Any],
    case_bank: CaseBank[NextChangeCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = case_bank.draw_cases("windows", filter_strategies.events("within"))
    correct = ChangeSearch._window_unmet_changes
    monkeypatch.setattr(
        ChangeSearch, "_window_unmet_changes", lambda *arguments: mutation(correct(*arguments))
    )
    assert are_errors_detected(cases)


def _constant_condition(search: ChangeSearch, *arguments: Any) -> AnswerTimeline:
    return AnswerTimeline(_ORIGINAL_ATTRIBUTE(search, *arguments).holds_now, iter(()))


_ORIGINAL_ATTRIBUTE = ChangeSearch._attribute_timeline


@pytest.mark.parametrize(
    ("target", "mutation"),
    [
        ("app.filters.next_change.ChangeSearch._attribute_timeline", _constant_condition),
        (
            "app.filters.tree.Measure.without_time_dependence",
            property(lambda measure: replace(measure, window=None)),
        ),
    ],
    ids=["conditions_are_steady", "those_to_come_forgotten"],
)
def test_a_missing_change_of_a_condition_on_events_is_detected(
    target: str,
    mutation: Any,
    case_bank: CaseBank[NextChangeCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = case_bank.draw_cases(
        "where",
        filter_strategies.events("where", operators=CLOCK_OPERATORS).map(_on_mixed_property),
    )
    monkeypatch.setattr(target, mutation)
    assert are_errors_detected(cases)


@pytest.mark.parametrize(
    "kind", [*_INCREMENTAL_AGGREGATES], ids=lambda kind: kind.name if kind else "COUNT"
)
def test_an_aggregate_without_removal_is_detected(
    kind: Any,
    case_bank: CaseBank[NextChangeCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = {"last": "P7D"}
    wires = (
        filter_strategies.events("within", "aggregate", aggregates=[kind])
        if kind
        else filter_strategies.events("within").map(_without_aggregate)
    ).map(lambda wire: {"event": {**wire["event"], "within": last}})
    cases = case_bank.draw_cases(kind.name if kind else "COUNT", wires)
    monkeypatch.setattr(_INCREMENTAL_AGGREGATES[kind], "remove", lambda self, value: None)
    assert are_errors_detected(cases)


def _on_mixed_property(wire: Wire) -> Wire:
    """Returns a condition on the property that most often is an instant."""
    where, *_ = wire["event"]["where"]
    return {"event": {"name": wire["event"]["name"], "where": [{**where, "path": "a"}]}}


def _without_aggregate(wire: Wire) -> Wire:
    return {"event": {key: value for key, value in wire["event"].items() if key != "aggregate"}}
