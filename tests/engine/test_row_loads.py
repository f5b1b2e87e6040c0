"""Many customers with long histories change at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from tests.engine.conftest import ShopWithEngine

_CUSTOMERS = 100
_EVENTS_PER_CUSTOMER = 500
_SEGMENTS = 50
_DAYS = 30
_PROFILE_BYTES = 64 * 1024 * 1024


def insert_customers_with_events(database: Database[Any]) -> None:
    """Inserts customers with one event every 86 minutes, all of them in the last 30 days."""
    now = datetime.now(UTC).replace(microsecond=0)
    first_at = now - timedelta(days=_DAYS)
    summary = {"count": _EVENTS_PER_CUSTOMER, "firstAt": first_at, "lastAt": now}
    for number in range(_CUSTOMERS):
        customer_id = ObjectId()
        database.customers.insert_one(
            {
                "_id": customer_id,
                "sourceId": f"customer {number}",
                "createdAt": now,
                "updatedAt": now,
                "version": 1,
                "searchWords": [],
                "searchTokens": [],
                "searchKeys": [],
                "metadata": {},
                "events": {"view": summary},
            }
        )
        database.events.insert_many(
            {
                "customerId": customer_id,
                "name": "view",
                "at": first_at + timedelta(days=_DAYS) * index / _EVENTS_PER_CUSTOMER,
                "properties": {"seconds": index % 60},
                "sinceVersion": 1,
            }
            for index in range(_EVENTS_PER_CUSTOMER)
        )


def sum_filter(days: int) -> dict[str, Any]:
    aggregate = {"function": "SUM", "property": "seconds"}
    within = {"last": f"P{days}D"}
    condition = {"name": "view", "operator": "GREATER_THAN", "value": 10**9}
    return {"event": {**condition, "aggregate": aggregate, "within": within}}


@asynccontextmanager
async def count_returned_events(database: Database[Any]) -> AsyncIterator[list[int]]:
    """Appends the number of events that MongoDB has returned while the context is open."""
    # By default the profile has 1 MB, and loses its oldest entries.
    database.create_collection("system.profile", capped=True, size=_PROFILE_BYTES)
    database.command("profile", 2)
    returned_counts: list[int] = []
    try:
        yield returned_counts
    finally:
        database.command("profile", 0)
    replies = database["system.profile"].find({"ns": f"{database.name}.events"})
    returned_counts.append(sum(reply.get("nreturned", 0) for reply in replies))


async def test_each_row_is_loaded_once_however_many_customers_change_at_once(
    shop_without_engine: ShopWithEngine,
) -> None:
    """MongoDB's profiler counts the rows."""
    shop, database = shop_without_engine, shop_without_engine.api.database
    await asyncio.to_thread(insert_customers_with_events, database)
    for number in range(_SEGMENTS):
        await shop.create_active_segment(f"Segment {number}", sum_filter(_DAYS + 1 + number))
    shop.start_engine()
    await shop.wait_until_processed()
    # The new engine has no rows in its cache.
    async with shop.engine_stopped(), count_returned_events(database) as returned_counts:
        database.customers.update_many({}, {"$inc": {"version": 1}})
        shop.start_engine()
        await shop.wait_until_processed()
        await shop.stop_engine()
    assert returned_counts == [_CUSTOMERS * _EVENTS_PER_CUSTOMER]
