"""A matcher that is wrong is found out."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from app.filters import Facts
from app.filters.calendar import MILLISECOND
from app.filters.fields import is_number
from app.filters.matcher.columns import Column, NumbersColumn
from app.filters.matcher.rows import Events
from app.filters.matcher.shapes import Shape
from app.filters.matcher.singles import ClockAttribute
from app.filters.matcher.thresholds import Interval, Thresholds
from app.filters.matcher.waits import Waits
from app.filters.operators.operator import elements
from tests.filters.corpus import NOWS
from tests.filters.crowds import at_slots, customer, far, near
from tests.filters.test_matcher import Crowd, crowd_of
from tests.filters.wire import Filters, Wire

_CROWDS, _PEOPLE, _WAKINGS = 400, 2, 2


@pytest.fixture(scope="module")
def wires(filters: Filters) -> list[Wire]:
    random = Random(12)
    return [*far(filters, 100), *(near(random) for _ in range(200))]


def _mistakes(wires: list[Wire], crowds: int = _CROWDS) -> Iterator[str]:
    """Of small crowds, from one waking to the next."""
    random = Random(11)
    for _ in range(crowds):
        crowd = crowd_of(at_slots(random, random.sample(wires, 12)))
        for _ in range(_PEOPLE):
            yield from _of_one(crowd, customer(random), random)


def _of_one(crowd: Crowd, facts: Facts, random: Random) -> Iterator[str]:
    now = random.choice(NOWS)
    for _ in range(_WAKINGS):
        yield from crowd.mistakes(facts, now)
        wakes_at = crowd.matcher.match(facts, now).wakes_at
        if wakes_at is None:
            return
        now = replace(now, at=wakes_at)


def test_what_is_right_is_not(wires: list[Wire]) -> None:
    assert [*_mistakes(wires, 60)] == []


def _never_at_a_threshold(self: Thresholds, value: Any) -> int:
    return 2 * bisect_left(self.values, value)


def _always_at_one(self: Thresholds, value: Any) -> int:
    return 2 * min(bisect_left(self.values, value), len(self.values) - 1) + 1


def _nan_is_least(self: NumbersColumn, value: Any, now: Any = None) -> int:
    return self._line.at(self._line.place(value)) if is_number(value) else self._unturned


def _first_element(self: Column, stored: Any, now: Any) -> int:
    if isinstance(stored, list):
        stored = next(elements(stored), None)
    return self.left_of(stored, now)


def _all_branches(self: Shape, branches: int, width: int) -> int:
    held = self._row
    while width:
        held &= branches
        branches >>= self.many
        width -= self.many
    return held


def _kept_for_good(self: ClockAttribute, document: Any, now: Any) -> Any:
    stored = self.part.field.read(document)
    key = str(stored)
    if key not in self._kept:
        self._kept[key] = self._found(stored, now)
    return self._kept[key]


_FOR_COLUMN: Any = Waits.for_column
_FOR_SINGLE: Any = Waits.for_single
_FOR_MEASURE: Any = Waits.for_measure
_EVENTS, _PASSED = Events.__init__, Thresholds.passed


def _all_left_of_nothing(self: Events, wanted: Any, everyone: int) -> None:
    _EVENTS(self, wanted, everyone)
    self.left_of_nothing = everyone


_M = "app.filters.matcher."


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("thresholds.Thresholds.place", _never_at_a_threshold),
        ("thresholds.Thresholds.place", _always_at_one),
        ("thresholds.Thresholds.passed", lambda *_: None),
        ("columns.NumbersColumn.left_of", _nan_is_least),
        ("columns.is_number", lambda value: isinstance(value, int | float)),
        ("columns.Column.left", _first_element),
        ("columns.MILLISECOND", 2 * MILLISECOND),
        ("columns.InstantLine", lambda calendar: _Line()),
        ("columns.distance", lambda _: Interval(None, (timedelta(), False))),
        ("columns.moments", lambda *_: []),
        ("shapes.Shape._any", _all_branches),
        ("shapes.Shape.lost", lambda self, left: self._all << self.start),
        ("singles.ClockAttribute._answer", _kept_for_good),
        ("singles.ClockAttribute.turns_at", lambda *_: None),
        ("singles.Whole.turns_at", lambda *_: None),
        ("rows.Asked.turns_at", lambda *_: None),
        ("rows.Events.__init__", _all_left_of_nothing),
        ("matcher.by_kind", lambda facts, calendar: {}),
        ("matcher.passing", lambda measure, rows, now: rows),
        ("waits.Waits.for_column", lambda *a: _FOR_COLUMN(*a[:-1], 0)),
        ("waits.Waits.for_single", lambda *a: _FOR_SINGLE(*a[:-1], 0)),
        ("waits.Waits.for_measure", lambda *a: _FOR_MEASURE(*a[:-1], 0)),
    ],
    ids=str,
)
def test_what_is_wrong_is_found_out(
    place: str, wrong: Any, wires: list[Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_M + place, wrong)
    assert next(_mistakes(wires), None)


class _Line:
    """Instants that are all late."""

    def instant(self, stored: Any) -> Any:
        return stored + MILLISECOND
