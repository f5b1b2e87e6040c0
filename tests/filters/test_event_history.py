"""An event history gives at each instant the result of an evaluation of all rows."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import CustomerFacts, Now, parse
from app.filters.calendar import MILLISECOND
from app.filters.evaluate import compute_measure, matching_rows
from app.filters.event_history import Columns, EventHistory, HistoryLayout, to_epoch_milliseconds
from app.filters.matcher import Matcher
from app.filters.tree import EventCondition, Filter, Measure
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.measure_values import are_equal
from tests.random_cases import repeatable

Row = dict[str, Any]

START = NOWS[0]
_WINDOWS = ("PT0.001S", "PT1S", "PT0.01S", "P1D", None)
_AGGREGATES = (None, "SUM", "AVG", "MIN", "MAX", "DISTINCT_COUNT")
_AMOUNTS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.1, 0.2, -0.3, 1e308, 5e-324, 2**53 + 1, -0.0, 2**63 - 1, 1e100]),
    st.sampled_from([None, "5", True, [], [1], {"a": 1}, float("inf"), float("nan")]),
)
_POSITIVE = {"path": "amount", "operator": "GREATER_THAN", "value": 0}
_OFFSETS = st.one_of(
    st.integers(-20, 20), st.sampled_from([-1000, -1001, -999, 86_400_000, -86_400_000])
)


@st.composite
def conditions(draw: st.DrawFn) -> Filter:
    wire: dict[str, Any] = {
        "name": draw(st.sampled_from(["paid", "order", "order.item"])),
        "operator": draw(st.sampled_from(["GREATER_THAN", "IS", "LESS_THAN_OR_EQUAL"])),
        "value": draw(st.sampled_from([0, 1, 2, 3, -2, 0.3, 10**10])),
    }
    window = draw(st.sampled_from(_WINDOWS))
    if window is not None:
        wire["within"] = {"last": window}
    elif draw(st.booleans()):
        bounds = [START.at - timedelta(milliseconds=5), START.at + timedelta(milliseconds=5)]
        first, last = (bound.isoformat() for bound in bounds)
        wire["within"] = {"between": {"from": first, "to": last}}
    if function := draw(st.sampled_from(_AGGREGATES)):
        wire["aggregate"] = {"function": function, "property": "amount"}
    if draw(st.integers(0, 3)) == 0:
        wire["where"] = [_POSITIVE]
    return parse({"event": wire}, CATALOG)


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, Row]:
    at = START.at + draw(_OFFSETS) * MILLISECOND
    amount = draw(_AMOUNTS)
    if draw(st.booleans()):
        return "events", {"name": "paid", "at": at, "properties": {"amount": amount}}
    order: Row = {"status": "PAID", "current": True, "at": at, "amount": amount}
    if item_amounts := draw(st.lists(_AMOUNTS, max_size=3)):
        order["items"] = [{"sku": "a", "amount": item_amount} for item_amount in item_amounts]
    return "orders", order


_ROW_SEQUENCES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(rows(), min_size=1, max_size=6)),
        st.tuples(st.just("remove"), st.integers(0, 50)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 1, 2, 5, 20, 999, 86_400_000])),
        st.tuples(st.just("wake"), st.none()),
    ),
    min_size=1,
    max_size=12,
)


def _measures(filters: list[Filter]) -> list[Measure]:
    return [condition.measure for condition in filters if isinstance(condition, EventCondition)]


@repeatable(600)
@given(st.lists(conditions(), min_size=1, max_size=8), _ROW_SEQUENCES)
def test_a_history_equals_an_evaluation_of_all_rows(
    filter_strategies: list[Filter], steps: list[Any]
) -> None:
    measures = _measures(filter_strategies)
    history = EventHistory(HistoryLayout(measures, START.calendar))
    matcher = Matcher(dict(enumerate(filter_strategies)))
    stored: list[tuple[str, Row]] = []
    now = START
    for step, what in steps:
        match step:
            case "add":
                stored += what
                for collection in ("events", "orders"):
                    history.add(collection, [row for name, row in what if name == collection])
            case "remove" if stored:
                collection, row = stored.pop(what % len(stored))
                history.remove(collection, row)
            case "wait":
                now = Now(now.at + what * MILLISECOND, now.calendar)
            case "wake":
                facts = CustomerFacts({}, {}, {now.calendar: history})
                wakes_at = matcher.match(facts, now).next_timer_at
                if wakes_at is not None and wakes_at < now.at + timedelta(days=30):
                    now = Now(wakes_at, now.calendar)
        by_rows = CustomerFacts(
            {}, {name: [r for n, r in stored if n == name] for name, _ in stored}
        )
        by_history = CustomerFacts({}, {}, {now.calendar: history})
        for measure in measures:
            expected = compute_measure(measure, matching_rows(measure, by_rows, now))
            assert are_equal(history.value(measure, now), expected), (measure, now.at)
        match = matcher.match(by_history, now)
        assert match.matching_slots == matcher.match(by_rows, now).matching_slots
        for instant in _probe_instants(by_rows, now, match.next_timer_at):
            later = Now(instant, now.calendar)
            assert matcher.match(by_rows, later).matching_slots == match.matching_slots, (
                instant,
                match,
            )


def _probe_instants(
    facts: CustomerFacts, now: Now, next_timer_at: datetime | None
) -> list[datetime]:
    """Returns instants before the next timer at which a result may change."""
    event_times = [row["at"] for rows in facts.rows.values() for row in rows]
    lengths = [timedelta(), *(timedelta(seconds=s) for s in (0.001, 0.01, 1, 86_400))]
    instants = [at + length for at in event_times for length in lengths]
    if next_timer_at is not None:
        instants.append(next_timer_at - MILLISECOND)
    return [at for at in instants if now.at <= at and (next_timer_at is None or at < next_timer_at)]


@pytest.mark.parametrize("function", _AGGREGATES)
def test_the_next_timer_among_many_rows_is_the_change(function: str | None) -> None:
    """With many rows a bisection finds the next change, to the millisecond."""
    wire: dict[str, Any] = {
        "name": "paid",
        "within": {"last": "P30D"},
        "operator": "GREATER_THAN_OR_EQUAL",
        "value": 500 if function not in ("MIN", "MAX", "AVG") else 1_500,
    }
    if function:
        wire["aggregate"] = {"function": function, "property": "amount"}
    tree = parse({"event": wire}, CATALOG)
    matcher = Matcher({0: tree})
    # Only the ones add to the sum: it falls below 500 when 501 of the last thousand have left.
    amounts = [int(n >= 1_000) if function == "SUM" else n for n in range(2_000)]
    stored = [
        {"name": "paid", "at": START.at - (2_000 - n) * MILLISECOND, "properties": {"amount": a}}
        for n, a in enumerate(amounts)
    ]
    history = EventHistory(HistoryLayout(_measures([tree]), START.calendar))
    history.add("events", stored)
    now, looks = START, 0
    held = matcher.match(CustomerFacts({}, {}, {now.calendar: history}), now).matching_slots
    while True:
        match = matcher.match(CustomerFacts({}, {}, {now.calendar: history}), now)
        assert (
            match.matching_slots
            == matcher.match(CustomerFacts({}, {"events": stored}), now).matching_slots
        )
        if match.matching_slots != held or match.next_timer_at is None:
            break
        looks += 1
        now = Now(match.next_timer_at, now.calendar)
    before = Now(now.at - MILLISECOND, now.calendar)
    assert matcher.match(CustomerFacts({}, {"events": stored}), before).matching_slots == held
    assert looks == (1 if function != "AVG" else looks)
    assert looks < 10


@pytest.mark.parametrize("seed", range(6))
def test_late_rows_are_inserted_in_order(seed: int) -> None:
    """Many rows with few values within few milliseconds, in any order; some end again."""
    random = Random(seed)
    measures = [
        _measures([parse({"event": _order_condition(function, window)}, CATALOG)])[0]
        for function in _AGGREGATES
        for window in ("PT0.001S", "PT0.003S", "PT0.01S", "PT0.04S", None)
    ]
    history = EventHistory(HistoryLayout(measures, START.calendar))
    stored: list[Row] = []
    for step in range(300):
        now = Now(START.at + step // 4 * MILLISECOND, START.calendar)
        if stored and random.random() < 0.2:
            history.remove("orders", stored.pop(random.randrange(len(stored))))
        else:
            at = now.at + random.randint(-15, 2) * MILLISECOND
            amount = random.choice([0, 1, 1.0, 2, -3, 0.1, 0.2, "text"])
            stored.append({"status": "PAID", "current": True, "at": at, "amount": amount})
            history.add("orders", stored[-1:])
        facts = CustomerFacts({}, {"orders": stored})
        for measure in measures:
            expected = compute_measure(measure, matching_rows(measure, facts, now))
            assert are_equal(history.value(measure, now), expected), (measure, step)


def _order_condition(function: str | None, window: str | None) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": "order", "operator": "IS", "value": 1}
    if function:
        wire["aggregate"] = {"function": function, "property": "amount"}
    return {**wire, "within": {"last": window}} if window else wire


@pytest.mark.parametrize("seed", range(20))
def test_rows_read_in_columns_equal_single_rows(seed: int) -> None:
    """The history reads old rows as pages of columns, and later ones as single rows."""
    random = Random(seed)
    wires = [
        _order_condition(function, window) | ({"where": [_POSITIVE]} if where else {})
        for function in _AGGREGATES
        for window in ("PT0.003S", "PT0.04S", "PT0.5S", None)
        for where in (False, True)
    ]
    measures = _measures([parse({"event": {**each, "name": "paid"}}, CATALOG) for each in wires])
    history = EventHistory(HistoryLayout(measures, START.calendar))
    whole = seed % 2 == 0
    amounts: list[Any] = [*range(-500, 500)]
    if not whole:
        amounts = [0, 1, 1.0, 2, -3, 0.1, "text", None, [], float("inf")]
    stored: list[Row] = [
        {
            "name": "paid",
            "at": START.at + random.randint(-300, 3) * MILLISECOND,
            "properties": {"amount": random.choice(amounts)},
        }
        for _ in range(random.randint(1, 200))
    ]
    stored.sort(key=lambda row: row["at"])
    for page in (stored[: len(stored) // 3], stored[len(stored) // 3 :]):
        instants = [to_epoch_milliseconds(row["at"]) for row in page]
        fields = {measure.property for measure in measures if measure.property}
        fields |= {where.field for measure in measures for where in measure.where}
        columns = Columns(instants, {field: [*map(field.read, page)] for field in fields})
        history.extend(("events", "paid"), columns, START.at)
    for step in range(60):
        now = Now(START.at + step * MILLISECOND, START.calendar)
        if step % 3 == 2:
            row = {
                "name": "paid",
                "at": now.at - random.randint(0, 20) * MILLISECOND,
                "properties": {"amount": random.choice(amounts)},
            }
            stored.append(row)
            history.add("events", [row])
        facts = CustomerFacts({}, {"events": stored})
        for measure in measures:
            expected = compute_measure(measure, matching_rows(measure, facts, now))
            assert are_equal(history.value(measure, now), expected), (measure, step)


@pytest.mark.parametrize("amount", [0.1, 9.99, 19.99, 0.7])
def test_a_mean_of_equal_amounts_may_be_rounded_beyond_them(amount: float) -> None:
    wire = {
        "name": "paid",
        "within": {"last": "PT1S"},
        "aggregate": {"function": "AVG", "property": "amount"},
        "operator": "GREATER_THAN",
        "value": amount,
    }
    tree = parse({"event": wire}, CATALOG)
    matcher = Matcher({0: tree})
    for number in range(2, 60):
        stored = [
            {"name": "paid", "at": START.at - n * MILLISECOND, "properties": {"amount": amount}}
            for n in range(number)
        ]
        history = EventHistory(HistoryLayout(_measures([tree]), START.calendar))
        history.add("events", stored)
        by_rows = CustomerFacts({}, {"events": stored})
        match = matcher.match(CustomerFacts({}, {}, {START.calendar: history}), START)
        assert match.matching_slots == matcher.match(by_rows, START).matching_slots
        for instant in _probe_instants(by_rows, START, match.next_timer_at):
            later = Now(instant, START.calendar)
            assert matcher.match(by_rows, later).matching_slots == match.matching_slots, (
                number,
                instant,
            )
