"""A wrong instant of any operator, or of any measure, is found out.

Each break is one that people make. It is patched in, and some filter that is asked of some customer
must then be seen to change at another instant than it says.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.filters import Calendar, Now, parse
from app.filters.calendar import DAY, MILLISECOND
from app.filters.flips import Course, Search
from app.filters.operators import OPERATORS, Operand, Operator, anniversaries
from app.filters.running import _RUNNING
from app.filters.values import PERIOD
from tests.filters.changing import MOMENTS, Case, drawn
from tests.filters.corpus import CATALOG
from tests.filters.judge import Judge
from tests.filters.wire import Filters, Wire

Form = Callable[[object, Operand, Now, datetime], Iterator[datetime]]
Break = Callable[[Operator, Form], Form]

_MOST = 60


class Bank:
    """Cases of one kind, drawn once while nothing is broken."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._cases: dict[str, list[Case]] = {}

    def cases(self, name: str, wires: st.SearchStrategy[Wire]) -> list[Case]:
        if name not in self._cases:
            cases = self._cases[name] = []

            @settings(
                max_examples=_MOST,
                phases=[Phase.generate],
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=[*HealthCheck],
            )
            @given(wires, MOMENTS, st.randoms(use_true_random=False))
            def draw(wire: Wire, now: Now, random: Random) -> None:
                cases.extend(drawn(random, parse(wire, CATALOG), now, self._judge))

            draw()
        return self._cases[name]


@pytest.fixture(scope="module")
def bank(judge: Judge) -> Bank:
    return Bank(judge)


def found_out(cases: list[Case]) -> bool:
    return any(True for case in cases for _ in case.mistakes())


def _shifted(distance: timedelta) -> Break:
    return lambda _, right: lambda *asked: (at + distance for at in right(*asked))


def _never(_: Operator, right: Form) -> Form:
    return lambda *asked: iter(())


def _another_element_forgotten(_: Operator, right: Form) -> Form:
    return lambda stored, *more: right(stored[:1] if isinstance(stored, list) else stored, *more)


def _one_end(begins: bool) -> Break:
    """Only the one end of what holds is seen coming."""

    def break_(operator: Operator, right: Form) -> Form:
        def wrong(stored: object, operand: Operand, now: Now, until: datetime) -> Any:
            for at in right(stored, operand, now, until):
                if operator.holds(stored, operand, replace(now, at=at)) == begins:
                    yield at

        return wrong

    return break_


def _in_utc(_: Operator, right: Form) -> Form:
    def wrong(stored: object, operand: Operand, now: Now, until: datetime) -> Iterator[datetime]:
        calendar = Calendar(ZoneInfo("UTC"), now.calendar.week_start)
        return right(stored, operand, replace(now, calendar=calendar), until)

    return wrong


def _week_start_forgotten(_: Operator, right: Form) -> Form:
    def wrong(stored: object, operand: Operand, now: Now, until: datetime) -> Iterator[datetime]:
        calendar = Calendar(now.calendar.zone, (now.calendar.week_start + 1) % 7)
        return right(stored, operand, replace(now, calendar=calendar), until)

    return wrong


def _in_this_year_only(_: Operator, right: Form) -> Form:
    def wrong(stored: object, operand: Operand, now: Now, until: datetime) -> Iterator[datetime]:
        return (at for at in right(stored, operand, now, until) if at.year == now.at.year)

    return wrong


def _leap_day_forgotten(_: Operator, right: Form) -> Form:
    """Who was born on 29 February has to wait for 1 March."""

    def wrong(*asked: Any) -> Iterator[datetime]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(anniversaries, "anniversary", anniversaries._same_day)
            yield from right(*asked)

    return wrong


_BREAKS: dict[str, Break] = {
    "late": _shifted(MILLISECOND),
    "early": _shifted(-MILLISECOND),
    "a_day_late": _shifted(DAY),
    "never": _never,
    "another_element_forgotten": _another_element_forgotten,
    "in_utc": _in_utc,
    "in_this_year_only": _in_this_year_only,
}


def _breaks() -> Iterator[tuple[Operator, str, Break]]:
    for operator in OPERATORS:
        if operator.follows_clock:
            yield from ((operator, name, break_) for name, break_ in _BREAKS.items())
            # What is far ahead was so before, and what is long ago stays so.
            if operator.name != "MORE_THAN_AHEAD":
                yield operator, "beginning_forgotten", _one_end(begins=False)
            if operator.name != "MORE_THAN_AGO":
                yield operator, "end_forgotten", _one_end(begins=True)
            if operator.name == "ANNIVERSARY_IN_PERIOD":
                yield operator, "leap_day_forgotten", _leap_day_forgotten
            if operator.takes is PERIOD:
                yield operator, "week_start_forgotten", _week_start_forgotten


# Where some of the breaks show best.
_ARRAYS, _DATES = ("metadata.days", "metadata.visits"), ("metadata.day", "birthdate")
_PATHS = {
    "another_element_forgotten": _ARRAYS,
    "in_utc": _DATES,
    "leap_day_forgotten": ("birthdate",),
}


def _on(wire: Wire, path: str) -> Wire:
    return {"attribute": {**wire["attribute"], "path": path}}


@pytest.mark.parametrize(
    ("operator", "name", "break_"),
    [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in _breaks()],
)
def test_a_wrong_instant_is_found_out(
    operator: Operator,
    name: str,
    break_: Break,
    bank: Bank,
    filters: Filters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wires, paths = filters.attributes([operator]), _PATHS.get(name, ())
    if paths:
        wires = st.builds(_on, wires, st.sampled_from(paths))
    cases = bank.cases(" ".join((operator.name, *paths)), wires)
    monkeypatch.setattr(operator, "flips", break_(operator, operator.flips))
    assert found_out(cases)


CLOCK = [operator for operator in OPERATORS if operator.follows_clock]


def _leaves_late(steps: list[Any]) -> list[Any]:
    return sorted((at + (step > 0) * MILLISECOND, place, step) for at, place, step in steps)


def _never_enters(steps: list[Any]) -> list[Any]:
    return [each for each in steps if each[2] > 0]


def _never_leaves(steps: list[Any]) -> list[Any]:
    return [each for each in steps if each[2] < 0]


def _in_no_order(steps: list[Any]) -> list[Any]:
    return sorted(steps, reverse=True)


@pytest.mark.parametrize("wrong", [_leaves_late, _never_enters, _never_leaves, _in_no_order])
def test_a_wrong_passage_through_a_window_is_found_out(
    wrong: Callable[[Any], Any], bank: Bank, filters: Filters, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = bank.cases("windows", filters.events("within"))
    right = Search._passage
    monkeypatch.setattr(Search, "_passage", lambda *asked: wrong(right(*asked)))
    assert found_out(cases)


def _conditions_are_steady(search: Search, *about: Any) -> Course:
    return Course(_ATTRIBUTE(search, *about).holds, iter(()))


_ATTRIBUTE = Search._attribute


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("app.filters.flips.Search._attribute", _conditions_are_steady),
        (
            "app.filters.tree.Measure.steady",
            property(lambda measure: replace(measure, window=None)),
        ),
    ],
    ids=["conditions_are_steady", "those_to_come_forgotten"],
)
def test_a_condition_on_events_that_follows_the_clock_is_missed(
    place: str, wrong: Any, bank: Bank, filters: Filters, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = bank.cases("where", filters.events("where", operators=CLOCK).map(_of_any_shape))
    monkeypatch.setattr(place, wrong)
    assert found_out(cases)


@pytest.mark.parametrize("kind", [*_RUNNING], ids=lambda kind: kind.name if kind else "COUNT")
def test_what_is_not_taken_back_is_found_out(
    kind: Any, bank: Bank, filters: Filters, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = {"last": "P7D"}
    wires = (
        filters.events("within", "aggregate", aggregates=[kind])
        if kind
        else filters.events("within").map(_counted)
    ).map(lambda wire: {"event": {**wire["event"], "within": last}})
    cases = bank.cases(kind.name if kind else "COUNT", wires)
    monkeypatch.setattr(_RUNNING[kind], "remove", lambda self, value: None)
    assert found_out(cases)


def _of_any_shape(wire: Wire) -> Wire:
    """Asked of the property that most often is a moment, and of nothing else."""
    where, *_ = wire["event"]["where"]
    return {"event": {"name": wire["event"]["name"], "where": [{**where, "path": "a"}]}}


def _counted(wire: Wire) -> Wire:
    return {"event": {key: said for key, said in wire["event"].items() if key != "aggregate"}}
