"""The two ways of a filter over events: looked up customer by customer, or grouped in one pass."""

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from app.filters import Calendar, Catalog, Now, parse, ways
from app.filters.pipeline import Way
from app.local.mongod import Mongod
from app.settings import Settings

CUSTOMERS, ORDERS, ROUNDS = 23_570, 70_000, 3
NOW = Now(datetime(2026, 1, 1, tzinfo=UTC), Calendar(ZoneInfo("UTC")))
FILTERS = {
    "2 orders in 180 days": {"operator": "GREATER_THAN_OR_EQUAL", "value": 2},
    "500.00 in 180 days": {
        "aggregate": {"function": "SUM", "property": "amount"},
        "operator": "GREATER_THAN",
        "value": 50_000,
    },
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongod = Mongod(Path(folder), Settings(oplog_mib=990))
        mongod.start()
        try:
            mongod.ready()
            with MongoClient[dict[str, Any]](mongod.url) as client:
                _fill(client["benchmark"])
                _report(client["benchmark"].customers)
        finally:
            mongod.stop()


def _fill(database: Any) -> None:
    dice = Random(1997)
    ids = [ObjectId() for _ in range(CUSTOMERS)]
    database.customers.insert_many([{"_id": id_, "sourceId": str(id_)} for id_ in ids])
    database.orders.insert_many(
        {
            "customerId": dice.choice(ids),
            "current": True,
            "status": "PAID",
            "amount": dice.randrange(100_000),
            "at": NOW.at - timedelta(days=dice.randrange(500)),
        }
        for _ in range(ORDERS)
    )
    database.orders.create_index([("customerId", 1), ("current", 1), ("at", -1)])


def _report(customers: Collection[dict[str, Any]]) -> None:
    print(f"{CUSTOMERS:,} customers, {ORDERS:,} orders; seconds to count the members")
    print(f"{'':24}{'looked up':>12}{'grouped':>12}{'ratio':>8}")
    for name, condition in FILTERS.items():
        event = {"name": "order", "within": {"last": "P180D"}, **condition}
        rounds = [
            (_seconds(customers, event, few=True), _seconds(customers, event, few=False))
            for _ in range(ROUNDS)
        ]
        looked_up, grouped = (statistics.median(times) for times in zip(*rounds, strict=True))
        print(f"{name:24}{looked_up:>12.3f}{grouped:>12.3f}{looked_up / grouped:>8.1f}")


def _seconds(customers: Collection[dict[str, Any]], event: Any, *, few: bool) -> float:
    asked = {way.way: way for way in ways(parse({"event": event}, Catalog()), NOW)}
    way = asked[Way.CUSTOMERS if few else Way.UNION]
    stages = [*way.gather, *way.refine, {"$count": "members"}]
    began = time.perf_counter()
    list(customers.database[way.collection].aggregate(stages))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
