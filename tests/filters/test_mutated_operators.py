"""The tests detect a wrong MongoDB query of any operator.

Each mutation is a plausible mistake. With the mutation in place, pipeline and evaluator must
disagree about some customer for some random filter of the operator.
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

from app.filters import Filter, Now, measure_stages, parse, predicates
from app.filters.aggregates import AGGREGATES, Aggregate
from app.filters.calendar import MILLISECOND
from app.filters.fields import AttributeType, Field, FieldGroup
from app.filters.operators import OPERATORS, OPERATORS_BY_NAME, Operand, Operator, Query
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
from tests.filters import operator_examples, points
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies, Wire

QueryForm = Callable[[str, Operand, Now], Query]
BreakQuery = Callable[[QueryForm], QueryForm]

MAX_CASES = 120
_INSTANT_TYPES = {AttributeType.DATE, AttributeType.DATETIME}
_DAYS = (CALENDAR_DAY, DAYS, PERIOD, YEARS)
_LEAP_DAY = datetime(2000, 2, 29, tzinfo=UTC)
_MATCH_NONE: Query = {"$nor": [{}]}


@dataclass
class FilterCase:
    """A filter with the correct members."""

    filter: Filter
    now: Now
    dual_evaluator: DualEvaluator

    @cached_property
    def expected_customers(self) -> set[Any]:
        return self.dual_evaluator.select_by_evaluator(self.filter, self.now)

    def is_detected(self) -> bool:
        try:
            return (
                self.dual_evaluator.select_by_pipeline(self.filter, self.now)
                != self.expected_customers
            )
        except (OperationFailure, AssertionError):
            return True


class CaseBank:
    """Filters of one kind, drawn once with the unmodified code."""

    def __init__(self, dual_evaluator: DualEvaluator) -> None:
        self._judge = dual_evaluator
        self._cases: dict[str, list[FilterCase]] = {}

    def draw_cases(self, name: str, wires: st.SearchStrategy[Wire]) -> list[FilterCase]:
        if name not in self._cases:
            cases = self._cases[name] = []

            @settings(
                max_examples=MAX_CASES,
                phases=[Phase.generate],
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=[*HealthCheck],
            )
            @given(wires, st.sampled_from(NOWS))
            def add_case(wire: Wire, now: Now) -> None:
                cases.append(FilterCase(parse(wire, CATALOG), now, self._judge))

            add_case()
        return self._cases[name]


@pytest.fixture(scope="module")
def case_bank(dual_evaluator: DualEvaluator) -> CaseBank:
    return CaseBank(dual_evaluator)


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
    return lambda *arguments: _replace_in_query(
        correct(*arguments), lambda _, v: _replace_end_anchor(v)
    )


def _replace_end_anchor(value: Any) -> Any:
    return value.replace(r"\z", "$") if isinstance(value, str) else value


def _swapped_bounds(correct: QueryForm) -> QueryForm:
    """Swaps open and closed bounds."""
    swapped = {"$gt": "$gte", "$gte": "$gt", "$lt": "$lte", "$lte": "$lt"}
    return lambda *arguments: _replace_in_query(correct(*arguments), lambda key, v: v, swapped)


def _replace_in_query(
    query: Any, replace_value: Callable[[str, Any], Any], renamed_keys: dict[str, str] | None = None
) -> Any:
    """Returns the query with keys and values replaced."""
    if isinstance(query, dict):
        return {
            (renamed_keys or {}).get(key, key): replace_value(
                key, _replace_in_query(inner, replace_value, renamed_keys)
            )
            for key, inner in query.items()
        }
    return (
        [_replace_in_query(inner, replace_value, renamed_keys) for inner in query]
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


OPERATOR_BREAKS = [
    (operator, break_) for operator in OPERATORS for break_ in breaks_of_operator(operator)
]


def _apply_break(
    monkeypatch: pytest.MonkeyPatch, operator: Operator, break_query: BreakQuery
) -> None:
    if operator.negates is None:
        monkeypatch.setattr(operator, "query", break_query(operator.query))
        return
    original = predicates._operator_query

    def broken_query(field: Field, other: Operator, operand: Operand, now: Now) -> Query:
        def correct(path: str, operand: Operand, now: Now) -> Query:
            return original(field, other, operand, now)

        if other is operator:
            return break_query(correct)(field.mongo_path, operand, now)
        return correct(field.mongo_path, operand, now)

    monkeypatch.setattr(predicates, "_operator_query", broken_query)


@pytest.mark.parametrize(
    ("operator", "break_"),
    OPERATOR_BREAKS,
    ids=[f"{o.name}-{b.__name__.strip('_')}" for o, b in OPERATOR_BREAKS],
)
def test_a_mutation_is_detected(
    operator: Operator,
    break_: BreakQuery,
    case_bank: CaseBank,
    filter_strategies: FilterStrategies,
    example_evaluator: DualEvaluator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = case_bank.draw_cases(operator.name, filter_strategies.attributes([operator]))
    _apply_break(monkeypatch, operator, break_)
    assert any(case.is_detected() for case in cases) or _fails_an_example(
        operator, example_evaluator
    )


def _fails_an_example(operator: Operator, dual_evaluator: DualEvaluator) -> bool:
    for number, (example_operator, example) in enumerate(operator_examples.OPERATOR_EXAMPLES):
        if example_operator is operator:
            expected_ids = operator_examples.customers_of_example(dual_evaluator, number)
            selected = dual_evaluator.select_by_pipeline(
                operator_examples.example_filter(operator, example), operator_examples.NOW
            )
            if selected & expected_ids != operator_examples.expected_customers(
                example, expected_ids
            ):
                return True
    return False


@pytest.mark.parametrize(
    "reset_fields",
    [{"default": None}, {"group": FieldGroup.PROFILE}],
    ids=["defaults", "arrays_on_the_way"],
)
def test_a_missing_part_of_a_field_is_detected(
    reset_fields: dict[str, Any],
    case_bank: CaseBank,
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    positive = predicates._positive_query
    monkeypatch.setattr(
        predicates,
        "_positive_query",
        lambda field, *arguments: positive(replace(field, **reset_fields), *arguments),
    )
    wires = filter_strategies.attributes(
        [OPERATORS_BY_NAME["IS"], OPERATORS_BY_NAME["LESS_THAN"], OPERATORS_BY_NAME["HAS_VALUE"]]
    )
    cases = case_bank.draw_cases("fields", wires)
    assert any(case.is_detected() for case in cases)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
@pytest.mark.parametrize("part", ["accumulate", "finalize", "empty_value"])
def test_a_broken_aggregate_is_detected(
    aggregate: Aggregate,
    part: str,
    case_bank: CaseBank,
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong: dict[str, Any] = {
        "accumulate": lambda field: {"$last": f"${field.mongo_path}"},
        "finalize": lambda accumulated: {"$ifNull": [None, 1]},
        "empty_value": 0 if aggregate.empty_value is None else None,
    }
    cases = case_bank.draw_cases(
        aggregate.name, filter_strategies.events("aggregate", aggregates=[aggregate])
    )
    monkeypatch.setattr(aggregate, part, wrong[part])
    assert any(case.is_detected() for case in cases)


@pytest.mark.parametrize("moved", [{"$gt": "$gte"}, {"$lte": "$lt"}, {"$gte": "$gt"}], ids=str)
def test_a_window_with_moved_edges_is_detected(
    moved: dict[str, str],
    case_bank: CaseBank,
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounds = measure_stages._window_bounds
    monkeypatch.setattr(
        measure_stages,
        "_window_bounds",
        lambda *arguments: _replace_in_query(bounds(*arguments), lambda _, v: v, moved),
    )
    # With an aggregate the pipeline reads the rows, not the summary.
    cases = case_bank.draw_cases("windows", filter_strategies.events("within", "aggregate"))
    assert any(case.is_detected() for case in cases)
