"""The next timers of the matcher, and what it reads of a customer, case by case."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.filters import Calendar, Catalog, CustomerFacts, Now, incremental_aggregates, parse
from app.filters.evaluate import compute_measure
from app.filters.matcher import Match, Matcher
from app.filters.operators import Operand
from app.filters.tree import NestedSegment
from tests.filters.corpus import CATALOG

Wire = dict[str, Any]

_NOW = Now(datetime(2026, 1, 15, 12, tzinfo=UTC), Calendar(ZoneInfo("UTC")))
_TEN_YEARS = datetime(2036, 1, 15, 12, tzinfo=UTC)


def _condition(path: str, operator: str, value: Any = None) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


def _days_ago(days: float) -> datetime:
    return _NOW.at - timedelta(days)


def _match(*wires: Wire, catalog: Catalog = CATALOG, **metadata: Any) -> Match:
    filters = {slot: parse(wire, catalog) for slot, wire in enumerate(wires)}
    return Matcher(filters).match(CustomerFacts({"metadata": metadata}), _NOW)


_VIP = _condition("metadata.flag", "IS", True)
_LAST_7_DAYS = _condition("metadata.at", "WITHIN_LAST", "P7D")
_LAST_30_DAYS = _condition("metadata.at", "WITHIN_LAST", "P30D")
_TODAY = _condition("metadata.day", "IN_PERIOD", "TODAY")


def _just_after_days(days: float) -> datetime:
    """Returns the instant right after this many days."""
    return _NOW.at + timedelta(days, milliseconds=1)


@pytest.mark.parametrize(
    ("wires", "holds", "next_timer_at"),
    [
        ([_LAST_7_DAYS], 0b1, _just_after_days(2)),
        ([_LAST_30_DAYS, _LAST_7_DAYS], 0b11, _just_after_days(2)),
        ([{"none": [_LAST_7_DAYS]}, _LAST_30_DAYS], 0b10, _just_after_days(2)),
        # A filter that can never hold again needs no timer.
        ([{"all": [_LAST_7_DAYS, _VIP]}], 0b0, None),
        ([{"all": [{"any": [_LAST_7_DAYS, _TODAY]}, _VIP]}], 0b0, None),
        (
            [{"all": [_LAST_7_DAYS, {"any": [_VIP, _condition("metadata.num", "IS", 1)]}]}],
            0b0,
            None,
        ),
        ([{"all": [_LAST_7_DAYS, _condition("metadata.text", "CONTAINS", "x")]}], 0b0, None),
        ([{"all": [_LAST_7_DAYS, _VIP]}, _LAST_30_DAYS], 0b10, _just_after_days(25)),
        # What the clock has ruled out waits for that alone.
        (
            [{"all": [_LAST_7_DAYS, _condition("metadata.at", "MORE_THAN_AGO", "P6D")]}],
            0b0,
            _just_after_days(1),
        ),
        ([{"all": [_LAST_7_DAYS, _TODAY]}], 0b0, datetime(2026, 1, 20, tzinfo=UTC)),
        # The timers of branches.
        ([{"any": [_LAST_7_DAYS, _VIP]}], 0b1, _just_after_days(2)),
        ([{"any": [{"all": [_LAST_7_DAYS, _VIP]}, _LAST_30_DAYS]}], 0b1, _just_after_days(25)),
        # Changes beyond ten years.
        ([_condition("metadata.at", "WITHIN_LAST", "P36525D")], 0b1, _TEN_YEARS),
        ([_condition("metadata.at", "YEARS_AGO", [30, None])], 0b0, _TEN_YEARS),
        # Conditions that no longer change, or have no value.
        ([_condition("metadata.at", "MORE_THAN_AGO", "P1D")], 0b1, None),
        ([_condition("metadata.visits", "WITHIN_LAST", "P7D")], 0b0, None),
        ([_condition("metadata.visits", "ANNIVERSARY_IN_PERIOD", "TODAY")], 0b0, None),
        ([_condition("metadata.at", "BEFORE", "2026-02-01")], 0b1, None),
        ([], 0b0, None),
    ],
)
def test_the_next_timer(wires: Sequence[Wire], holds: int, next_timer_at: datetime | None) -> None:
    """Evaluated on Thursday 2026-01-15 at 12:00 UTC, for a customer last seen five days ago."""
    match = _match(*wires, at=_days_ago(5), day=datetime(2026, 1, 20, tzinfo=UTC), flag=False)
    assert match == (holds, next_timer_at)


def test_no_measure_is_computed_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def noted(measure: Any, rows: Any) -> Any:
        taken.append(measure.source.name)
        return compute_measure(measure, rows)

    monkeypatch.setattr("app.filters.matcher.matcher.compute_measure", noted)
    bought = {"event": {"name": "purchase", "value": 2}}
    viewed = {"event": {"name": "view", "value": 2}}
    wires: list[Wire] = [
        {"all": [_VIP, bought]},
        {"all": [_VIP, {"any": [bought, _LAST_7_DAYS]}]},
        {"all": [viewed, _LAST_7_DAYS]},
        {"all": [viewed, _LAST_30_DAYS]},
        {"event": {"name": "asked"}},
    ]
    matcher = Matcher({slot: parse(wire, CATALOG) for slot, wire in enumerate(wires)})
    rows = [{"name": name, "at": _days_ago(1)} for name in ("purchase", "view", "view")]
    facts = CustomerFacts({"metadata": {"flag": False, "at": _days_ago(1)}}, {"events": rows})
    assert matcher.match(facts, _NOW).matching_slots == 0b1100
    assert taken == ["view"]


def test_repeatedly_nested_segments_are_not_expanded() -> None:
    """Each segment nests the previous one many times."""
    found: dict[str, NestedSegment] = {}
    catalog = Catalog(CATALOG.metadata, found.get)
    inner: Wire = {"any": [_VIP, _LAST_7_DAYS]}
    for number in range(9):
        found[f"s{number}"] = NestedSegment(f"s{number}", f"s{number}", parse(inner, catalog))
        inner = {
            "any": [
                {
                    "all": [
                        {"segment": {"id": f"s{number}", "member": n % 2 == 0}},
                        _condition("metadata.num", "IS", n),
                    ]
                }
                for n in range(40)
            ]
        }
    assert _match(inner, catalog=catalog, flag=True, num=4) == (1, None)
    assert _match(inner, catalog=catalog, at=_days_ago(5), num=4) == (1, _just_after_days(2))


def test_true_is_not_one() -> None:
    one, true = Operand((1, "a")), Operand((True, "a"))
    assert one != true
    assert one == Operand((1.0, "a"))
    wires = [_condition("metadata.a", "CONTAINS_ANY", [value, "x"]) for value in (True, 1)]
    assert _match(*wires, a=[1]).matching_slots == 0b10
    assert _match(*wires, a=[True]).matching_slots == 0b01


def test_a_large_recomputation_is_split_by_timers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incremental_aggregates, "MAX_RECOMPUTED_VALUES", 10)
    total = {"function": "SUM", "property": "amount"}
    within = {"last": "P30D"}
    event = {"name": "paid", "within": within, "aggregate": total, "operator": "GREATER_THAN"}
    matcher = Matcher({0: parse({"event": {**event, "value": 10}}, CATALOG)})
    rows = [
        {"name": "paid", "at": _days_ago(day), "properties": {"amount": amount}}
        for day, amount in enumerate((100, *[float("inf")] * 9))
    ]
    facts, now, timer_count = CustomerFacts({}, {"events": rows}), _NOW, 0
    while (match := matcher.match(facts, now)).next_timer_at is not None:
        assert match.matching_slots == (now.at < _days_ago(-30))
        now, timer_count = Now(match.next_timer_at, now.calendar), timer_count + 1
    assert match.matching_slots == 0
    assert now.at == _days_ago(-30)
    assert 2 <= timer_count <= 15
