"""Each plan reads the same members window by window."""

from datetime import timedelta

import pytest

from app.filters.pipeline import Plan
from app.services.exports import member_reader
from app.services.query_planner import QueryPlanner
from tests.exports.export_shop import ExportShop

_ORDERED_PLANS = [plan for plan in Plan if plan is not Plan.COLLECTION_SCAN]
_BUYERS_SINCE = {
    "all": [
        {"attribute": {"path": "name", "operator": "CONTAINS", "value": "Buyer"}},
        {"event": {"name": "buy", "value": 2, "within": {"last": "P30D"}}},
    ]
}


@pytest.mark.parametrize("plan", _ORDERED_PLANS)
async def test_each_member_is_in_one_window(
    shop: ExportShop, monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    monkeypatch.setattr(member_reader, "_CUSTOMERS_PER_WINDOW", 3)

    async def choose_plan(*_: object) -> Plan:
        return plan

    monkeypatch.setattr(QueryPlanner, "choose_ordered_plan", choose_plan)
    now = shop.api.services.now().at
    # An event dated after the present instant makes the summaries uncertain: see the supplement.
    events = [
        {
            "customer": {"sourceId": f"c{n}"},
            "name": "buy",
            "at": f"{now - timedelta(days=age):%FT%TZ}",
        }
        for n in range(20)
        for age in ((1, 2, -0.001) if n % 3 == 0 else (1, 90))
    ]
    assert (await shop.api.bulk_upsert("eventsTrack", events))["accepted"] == len(events)
    buyers = [{"sourceId": f"c{n}", "name": f"Buyer {n}"} for n in range(20)]
    await shop.api.bulk_upsert("customersUpsert", buyers)

    rows = await shop.export(
        await shop.create_segment("buyers", _BUYERS_SINCE), fields=["sourceId"]
    )

    assert rows == [["sourceId"], *([f"c{n}"] for n in range(0, 20, 3))]
