"""An incremental aggregate equals the aggregate of its rows after each added or removed row."""

from datetime import timedelta
from itertools import compress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InputError
from app.filters import Catalog, CustomerFacts, find_next_change, incremental_aggregates, parse
from app.filters.aggregates import AGGREGATES, SUM, Aggregate
from app.filters.evaluate import operator_holds
from app.filters.incremental_aggregates import IncrementalMeasure
from app.filters.sources import event_source
from app.filters.tree import Measure
from tests.filters.corpus import NOWS
from tests.filters.measure_values import are_equal
from tests.random_cases import repeatable

EVENTS = 100_000

_PAID = event_source("paid")
_NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1, 0.2, -0.3, 1e308, -1e308, 1e100, 5e-324, -0.0, 2**53 + 1]),
    st.sampled_from([float("nan"), float("inf"), float("-inf")]),
)
_NON_NUMBERS = st.sampled_from([None, [], "5", True, {"a": 1}, {"a": 1.0}, [1], [1.0], [None]])
_VALUES = st.lists(st.one_of(*[_NUMBERS] * 4, _NON_NUMBERS), min_size=1, max_size=8)
_ROW_CHANGES = st.lists(st.integers(0, 7), max_size=20)


def _measure(aggregate: Aggregate) -> Measure:
    return Measure(_PAID, aggregate=aggregate, property=_PAID.find_property("amount"))


def _rows(values: list[Any]) -> list[dict[str, Any]]:
    return [{"properties": {"amount": value}} for value in values]


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
@repeatable(400)
@example([0.1] * 8, [*range(8)])
@example([2**63 - 1, 1, 1.0, -(2**63)], [0, 2, 1, 3])
@example([1e308, 1e308, -1e308], [2, 0, 1])
@example([1.7976931348623157e308, 1e292, -1e308], [1, 2, 0])
@given(_VALUES, _ROW_CHANGES)
def test_it_equals_the_aggregate_of_the_rows_in_the_window(
    aggregate: Aggregate, values: list[Any], turns: list[int]
) -> None:
    are_in = [True] * len(values)
    tally = IncrementalMeasure(_measure(aggregate), _rows(values), are_in)
    for turn in turns:
        assert are_equal(tally.value, aggregate.compute(compress(values, are_in)))
        place = turn % len(values)
        are_in[place] = not are_in[place]
        tally.toggle(place)
    assert are_equal(tally.value, aggregate.compute(compress(values, are_in)))


def test_a_year_of_events_is_not_summed_again_for_each_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The aggregate adds and removes each row once, compares once per removal, and sums once."""
    now, minute = NOWS[0], timedelta(minutes=1)
    rows = [
        {"name": "paid", "at": now.at - n * minute, "properties": {"amount": n * 0.01}}
        for n in range(EVENTS)
    ]
    of_all = {
        "name": "paid",
        "within": {"last": "P365D"},
        "aggregate": {"function": "SUM", "property": "amount"},
        "operator": "GREATER_THAN",
        "value": 0,
    }
    tree = parse({"event": of_all}, Catalog())
    taken, compared, summed = 0, 0, 0
    take, sum_of = incremental_aggregates._Sum._update_number, SUM.compute

    def count_taken(self: Any, number: float, by: int) -> None:
        nonlocal taken
        taken += 1
        take(self, number, by)

    def count_compared(*about: Any) -> bool:
        nonlocal compared
        compared += 1
        return operator_holds(*about)

    def count_summed(*about: Any) -> Any:
        nonlocal summed
        summed += 1
        return sum_of(*about)

    monkeypatch.setattr(incremental_aggregates._Sum, "_update_number", count_taken)
    monkeypatch.setattr("app.filters.next_change.operator_holds", count_compared)
    monkeypatch.setattr(SUM, "compute", count_summed)

    # The latest event has the amount 0.
    assert find_next_change(tree, CustomerFacts({}, {"events": rows}), now) == (
        now.at - minute + timedelta(days=365)
    )
    assert taken <= 2 * EVENTS
    assert compared <= EVENTS + 1
    assert summed == 1


def test_too_many_recomputations_are_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incremental_aggregates, "MAX_RECOMPUTED_VALUES", 10)
    tally = IncrementalMeasure(_measure(SUM), _rows([1e308, 1e308, -1e308]), [True, True, True])
    for _ in range(3):
        assert tally.value == float("inf")
    with pytest.raises(InputError, match="smaller amounts"):
        _ = tally.value
