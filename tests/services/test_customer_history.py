"""The history of a customer includes the rows of each state."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.filters import Calendar, Catalog, CustomerFacts, Now, parse
from app.filters.evaluate import compute_measure, matching_rows
from app.filters.event_history import HistoryLayout
from app.filters.tree import EventCondition, Measure
from app.services.customer_history import CustomerHistory

Row = dict[str, Any]

_CALENDAR = Calendar(ZoneInfo("UTC"))
_START = datetime(2026, 3, 29, 12, tzinfo=UTC)
_NOW = Now(_START, _CALENDAR)
_WINDOW = timedelta(days=30)


def _measure(function: str | None, name: str = "order") -> Measure:
    wire: dict[str, Any] = {
        "name": name,
        "within": {"last": "P30D"},
        "operator": "IS",
        "value": 1,
    }
    if function:
        wire["aggregate"] = {"function": function, "property": "amount"}
    condition = parse({"event": wire}, Catalog())
    assert isinstance(condition, EventCondition)
    return condition.measure


class OrderRevisions:
    """Orders with their revisions, as MongoDB stores them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.rows: list[Row] = []
        self.version = 0

    def add_version(self) -> None:
        """Adds a version: a new order, another revision, or the end of an order."""
        self.version += 1
        current = [row for row in self.rows if "untilVersion" not in row]
        if current and self._random.random() < 0.6:
            ended = self._random.choice(current)
            ended["untilVersion"] = self.version
            if self._random.random() < 0.3:
                return
            at = ended["at"] if self._random.random() < 0.7 else self._at()
        else:
            at = self._at()
        amount = self._random.choice([1, 2, 5, 0.5])
        row = {"_id": len(self.rows), "at": at, "amount": amount, "status": "PAID"}
        items = [
            {"sku": "a", "amount": self._random.choice([1, 1, 7])}
            for _ in range(self._random.choice([0, 1, 2, 20]))
        ]
        row |= {"items": items} if items else {}
        self.rows.append({**row, "sinceVersion": self.version})

    def _at(self) -> datetime:
        # Few instants, some of which lie before the window.
        return _START - timedelta(days=self._random.choice([0, 1, 2, 29, 31, 60]))

    def rows_at(self, version: int) -> list[Row]:
        return [
            {**row, "current": True}
            for row in self.rows
            if row["sinceVersion"] <= version < row.get("untilVersion", version + 1)
        ]

    def rows_changed_since(self, since: int) -> Mapping[str, list[Row]]:
        """Returns the rows that have changed since a version, in their current state."""
        later = [
            r for r in self.rows if r["sinceVersion"] > since or r.get("untilVersion", 0) > since
        ]
        return {"orders": [dict(row) for row in later]}


@pytest.mark.parametrize("seed", range(40))
def test_each_state_has_its_own_rows(seed: int) -> None:
    """MongoDB already holds later versions than the one to load."""
    random = Random(seed)
    orders = OrderRevisions(random)
    measures = [
        _measure(function, name)
        for name in ("order", "order.item")
        for function in (None, "SUM", "AVG", "MIN", "DISTINCT_COUNT")
    ]
    layout = HistoryLayout(measures, _CALENDAR)
    for _ in range(random.randint(1, 20)):
        orders.add_version()
    first = random.randint(0, orders.version)
    loaded = random.randint(first, orders.version)
    bound = _START - _WINDOW
    history = CustomerHistory([layout], first, loaded, {"orders": bound})
    history.add_rows("orders", [dict(row) for row in orders.rows if row["at"] >= bound])
    version = first
    for _ in range(30):
        for _ in range(random.randint(0, 4)):
            orders.add_version()
        if random.random() < 0.6:
            loaded = random.randint(history.loaded_version, orders.version)
            history.apply_changes(orders.rows_changed_since(history.loaded_version), loaded)
        version = random.randint(version, history.loaded_version)
        found = history.advance_to(version)[_CALENDAR]
        facts = CustomerFacts({}, {"orders": orders.rows_at(version)})
        for measure in measures:
            expected = compute_measure(measure, matching_rows(measure, facts, _NOW))
            assert found.value(measure, _NOW) == expected, (measure, version)


def test_a_version_below_one_before_is_a_state_like_any_other() -> None:
    orders = OrderRevisions(Random(1))
    for _ in range(12):
        orders.add_version()
    measure = _measure(None)
    layout = HistoryLayout([measure], _CALENDAR)
    history = CustomerHistory([layout], 9, 9, {}, may_go_back=True)
    history.add_rows("orders", [dict(row) for row in orders.rows])
    for version in (9, 3, 7, 5, 9):
        facts = CustomerFacts({}, {"orders": orders.rows_at(version)})
        expected = compute_measure(measure, matching_rows(measure, facts, _NOW))
        assert history.advance_to(version)[_CALENDAR].value(measure, _NOW) == expected
