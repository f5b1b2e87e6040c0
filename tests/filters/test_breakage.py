"""The judges are judged: a wrong MongoDB form of any operator is found out.

Each break is one that people make. It is patched in, and random filters of the operator must then
meet a customer on whom the engines differ.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo.errors import OperationFailure

from app.filters import Filter, Now, measuring, parse, predicates
from app.filters.aggregates import AGGREGATES, Aggregate
from app.filters.calendar import MILLISECOND
from app.filters.fields import AttributeType, Field, Group
from app.filters.operators import BY_NAME, OPERATORS, Operand, Operator, Query
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
from tests.filters import examples, places
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.judge import Judge
from tests.filters.wire import Filters, Wire

Form = Callable[[str, Operand, Now], Query]
Break = Callable[[Form], Form]

_MOST = 120
_MOMENTS = {AttributeType.DATE, AttributeType.DATETIME}
_DAYS = (CALENDAR_DAY, DAYS, PERIOD, YEARS)
_LEAP_DAY = datetime(2000, 2, 29, tzinfo=UTC)
_NOBODY: Query = {"$nor": [{}]}


@dataclass
class Case:
    """One filter with the right answer."""

    filter: Filter
    now: Now
    judge: Judge

    @cached_property
    def answer(self) -> set[Any]:
        return self.judge.held(self.filter, self.now)

    def found_out(self) -> bool:
        try:
            return self.judge.selected(self.filter, self.now) != self.answer
        except (OperationFailure, AssertionError):
            return True


class Bank:
    """Filters of one kind, drawn once."""

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
            @given(wires, st.sampled_from(NOWS))
            def draw(wire: Wire, now: Now) -> None:
                cases.append(Case(parse(wire, CATALOG), now, self._judge))

            draw()
        return self._cases[name]


@pytest.fixture(scope="module")
def bank(judge: Judge) -> Bank:
    return Bank(judge)


def _everything(_: Form) -> Form:
    return lambda path, operand, now: {}


def _nothing(_: Form) -> Form:
    return lambda path, operand, now: _NOBODY


def _opposite(right: Form) -> Form:
    return lambda *asked: {"$nor": [right(*asked)]}


def _arrays_forgotten(right: Form) -> Form:
    return lambda path, *more: {"$and": [right(path, *more), {path: {"$not": {"$type": "array"}}}]}


def _missing_taken(right: Form) -> Form:
    return lambda path, *more: {"$or": [right(path, *more), {path: None}]}


def _missing_forgotten(right: Form) -> Form:
    return lambda path, *more: {"$and": [right(path, *more), {path: {"$ne": None}}]}


def _one_other_element_will_do(right: Form) -> Form:
    return lambda path, *more: {"$or": [right(path, *more), {f"{path}.1": {"$exists": True}}]}


def _across_types(right: Form) -> Form:
    def wrong(path: str, operand: Operand, now: Now) -> Query:
        values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
        return {"$or": [right(path, operand, now), {path: {"$in": [*map(_mistaken, values)]}}]}

    return wrong


def _mistaken(value: object) -> object:
    """What looks like the value and is another."""
    match value:
        case bool():
            return int(value)
        case int() | float():
            return str(value)
        case "10" | "1":
            return int(value)
        case _:
            return None


def _case_lost(right: Form) -> Form:
    return lambda path, operand, now: right(path, replace(operand, ignore_case=False), now)


def _case_never_counts(right: Form) -> Form:
    def wrong(path: str, operand: Operand, now: Now) -> Query:
        has_case = operand.type in (None, AttributeType.STRING)
        return right(path, replace(operand, ignore_case=has_case), now)

    return wrong


def _unescaped(_: Form) -> Form:
    return lambda path, operand, now: {path: {"$regex": operand.value}}


def _at_the_line(right: Form) -> Form:
    """A dollar that also matches before a last newline."""
    return lambda *asked: _with(right(*asked), lambda _, v: _dollar(v))


def _dollar(value: Any) -> Any:
    return value.replace(r"\z", "$") if isinstance(value, str) else value


def _boundaries_moved(right: Form) -> Form:
    """Open for closed, and closed for open."""
    moved = {"$gt": "$gte", "$gte": "$gt", "$lt": "$lte", "$lte": "$lt"}
    return lambda *asked: _with(right(*asked), lambda key, v: v, moved)


def _with(query: Any, value: Callable[[str, Any], Any], keys: dict[str, str] | None = None) -> Any:
    """The query with its keys and its values replaced."""
    if isinstance(query, dict):
        return {
            (keys or {}).get(key, key): value(key, _with(inner, value, keys))
            for key, inner in query.items()
        }
    return [_with(inner, value, keys) for inner in query] if isinstance(query, list) else query


def _bounds_met_by_two(right: Form) -> Form:
    """A range whose ends two elements of an array may meet."""
    return lambda path, *more: {path: right(path, *more)[path]}


def _missing_has_no_size(right: Form) -> Form:
    return lambda path, *more: {"$and": [right(path, *more), {path: {"$type": "array"}}]}


def _one_element_more(right: Form) -> Form:
    def wrong(path: str, operand: Operand, now: Now) -> Query:
        return right(path, replace(operand, value=max(operand.value - 1, -1)), now)

    return wrong


def _a_scalar_will_do(right: Form) -> Form:
    return lambda path, operand, now: {
        "$or": [right(path, operand, now), BY_NAME["IN"].query(path, operand, now)]
    }


def _nested_arrays_count(right: Form) -> Form:
    return lambda path, *more: {
        "$or": [right(path, *more), {path: {"$elemMatch": {"$type": "array"}}}]
    }


def _clock_late(right: Form) -> Form:
    return lambda path, operand, now: right(path, operand, replace(now, at=now.at + MILLISECOND))


def _zone_forgotten(right: Form) -> Form:
    return lambda path, operand, now: right(path, operand, replace(now, calendar=NOWS[0].calendar))


def _week_start_forgotten(right: Form) -> Form:
    def wrong(path: str, operand: Operand, now: Now) -> Query:
        week_start = (now.calendar.week_start + 1) % 7
        calendar = replace(now.calendar, week_start=week_start)
        return right(path, operand, replace(now, calendar=calendar))

    return wrong


def _leap_day_forgotten(right: Form) -> Form:
    """Who was born on 29 February has to wait for 1 March."""
    return lambda path, *more: {"$and": [right(path, *more), {path: {"$nin": [_LEAP_DAY]}}]}


def _days_for_instants(right: Form) -> Form:
    swapped = {
        AttributeType.DATE: AttributeType.DATETIME,
        AttributeType.DATETIME: AttributeType.DATE,
    }
    return lambda path, operand, now: right(
        path, replace(operand, type=swapped.get(operand.type or AttributeType.STRING)), now
    )


def _breaks(operator: Operator) -> Iterator[Break]:
    """What can go wrong with the operator: for every one of them, and by what it takes."""
    yield from (_everything, _nothing, _opposite, _arrays_forgotten)
    if operator.negates is not None:
        yield from (_missing_forgotten, _one_other_element_will_do)
        return
    yield _missing_taken
    if operator.takes in (ONE_VALUE, LIST, ELEMENTS):
        yield _across_types
    if operator.takes_case:
        yield from (_case_lost, _case_never_counts)
    if operator.takes is NON_EMPTY_TEXT:
        yield _unescaped
    if operator.takes in (ONE_VALUE, LIST) or operator.name == "ENDS_WITH":
        yield _at_the_line
    if operator.name.startswith(("GREATER", "LESS")) or operator.types & _MOMENTS == operator.types:
        yield _boundaries_moved
    if operator.takes is RANGE:
        yield from (_boundaries_moved, _bounds_met_by_two)
    if operator.of_arrays and operator.takes is INTEGER:
        yield from (_missing_has_no_size, _one_element_more)
    elif operator.of_arrays:
        yield from (_a_scalar_will_do, _nested_arrays_count)
    if operator.takes is DURATION:
        yield _clock_late
    if operator.takes in (MOMENT, RANGE, *_DAYS):
        yield _zone_forgotten
    if operator.types >= _MOMENTS and operator.takes in (MOMENT, DURATION, RANGE, *_DAYS):
        yield _days_for_instants
    if operator.takes is PERIOD:
        yield _week_start_forgotten
    if operator.takes is YEARS or operator.name == "ANNIVERSARY_IN_PERIOD":
        yield _leap_day_forgotten
    if operator.takes is CIRCLE:
        yield from places.BREAKS


BREAKS = [(operator, break_) for operator in OPERATORS for break_ in _breaks(operator)]


def _put(patch: pytest.MonkeyPatch, operator: Operator, break_: Break) -> None:
    if operator.negates is None:
        patch.setattr(operator, "query", break_(operator.query))
        return
    asked = predicates._asked

    def wrong(field: Field, each: Operator, operand: Operand, now: Now) -> Query:
        def right(path: str, operand: Operand, now: Now) -> Query:
            return asked(field, each, operand, now)

        if each is operator:
            return break_(right)(field.address, operand, now)
        return right(field.address, operand, now)

    patch.setattr(predicates, "_asked", wrong)


@pytest.mark.parametrize(
    ("operator", "break_"), BREAKS, ids=[f"{o.name}-{b.__name__.strip('_')}" for o, b in BREAKS]
)
def test_a_break_is_found_out(
    operator: Operator,
    break_: Break,
    bank: Bank,
    filters: Filters,
    example_judge: Judge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = bank.cases(operator.name, filters.attributes([operator]))
    _put(monkeypatch, operator, break_)
    assert any(case.found_out() for case in cases) or _misses_an_example(operator, example_judge)


def _misses_an_example(operator: Operator, judge: Judge) -> bool:
    for number, (each, example) in enumerate(examples.QUESTIONS):
        if each is operator:
            ours = examples.of(judge, number)
            found = judge.selected(examples.asked(operator, example), examples.NOW)
            if found & ours != examples.answer(example, ours):
                return True
    return False


@pytest.mark.parametrize(
    "forgotten",
    [{"default": None}, {"group": Group.PROFILE}],
    ids=["defaults", "arrays_on_the_way"],
)
def test_what_a_field_adds_is_missed(
    forgotten: dict[str, Any], bank: Bank, filters: Filters, monkeypatch: pytest.MonkeyPatch
) -> None:
    positive = predicates._positive
    monkeypatch.setattr(
        predicates, "_positive", lambda field, *asked: positive(replace(field, **forgotten), *asked)
    )
    wires = filters.attributes([BY_NAME["IS"], BY_NAME["LESS_THAN"], BY_NAME["HAS_VALUE"]])
    cases = bank.cases("fields", wires)
    assert any(case.found_out() for case in cases)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
@pytest.mark.parametrize("part", ["accumulate", "finish", "of_none"])
def test_a_broken_aggregate_is_found_out(
    aggregate: Aggregate,
    part: str,
    bank: Bank,
    filters: Filters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong: dict[str, Any] = {
        "accumulate": lambda field: {"$last": f"${field.address}"},
        "finish": lambda accumulated: {"$ifNull": [None, 1]},
        "of_none": 0 if aggregate.of_none is None else None,
    }
    cases = bank.cases(aggregate.name, filters.events("aggregate", aggregates=[aggregate]))
    monkeypatch.setattr(aggregate, part, wrong[part])
    assert any(case.found_out() for case in cases)


@pytest.mark.parametrize("moved", [{"$gt": "$gte"}, {"$lte": "$lt"}, {"$gte": "$gt"}], ids=str)
def test_a_window_with_moved_edges_is_found_out(
    moved: dict[str, str], bank: Bank, filters: Filters, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = measuring._bounds
    monkeypatch.setattr(
        measuring, "_bounds", lambda *asked: _with(bounds(*asked), lambda _, v: v, moved)
    )
    # With an aggregate the rows are asked, and not the summary.
    cases = bank.cases("windows", filters.events("within", "aggregate"))
    assert any(case.found_out() for case in cases)
