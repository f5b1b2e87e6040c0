"""The import of orders against a bare PyMongo upsert of the same file, in rows a second."""

import asyncio
import csv
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import uvloop
from pydantic import SecretStr
from pymongo import MongoClient, UpdateOne

from app.local.mongod import Mongod
from app.services import Services
from app.services.imports import Import, Rejects
from app.settings import Settings
from app.store import Store
from tests.parts import standing

ORDERS, CUSTOMERS, ROUNDS = 70_000, 23_570, 3
WANTED = 0.6


def write_orders(path: Path, orders: int, *, by_customer: bool) -> None:
    """Customers in groups, as a shop's history lies; or by time, so that each batch meets many."""
    dice = random.Random(1997)
    began = datetime(1997, 1, 1, tzinfo=UTC)
    rows = [
        (dice.randrange(CUSTOMERS * orders // ORDERS), dice.randrange(500), dice.randrange(100_000))
        for _ in range(orders)
    ]
    rows.sort(key=lambda row: row[0] if by_customer else row[1])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["sourceId", "customer.sourceId", "status", "amount", "at", "metadata.items"]
        )
        for number, (customer, day, amount) in enumerate(rows):
            at = f"{began + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"
            writer.writerow([f"o-{number}", f"{customer:06}", "PAID", amount, at, 1 + amount % 9])


def bare(path: Path, collection: Any) -> int:
    """What a script would do: no customers, no totals, no revisions, nothing checked."""
    collection.create_index("sourceId", unique=True)
    count = 0
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        while batch := list(islice(rows, 1_000)):
            writes = [
                UpdateOne({"sourceId": row["sourceId"]}, {"$set": row}, upsert=True)
                for row in batch
            ]
            collection.bulk_write(writes, ordered=False)
            count += len(batch)
    return count


async def imported(path: Path, settings: Settings) -> int:
    store = await Store.open(settings)
    job = Import(Services(store, settings), "orders", Rejects(path.with_suffix(".rejected")))
    with path.open("rb") as stream:
        await job.run(path.name, stream, lambda: None)
    await store.close()
    assert job.refused == 0
    return job.accepted


def rounds(path: Path, url: str) -> Iterator[tuple[float, float]]:
    """Rows a second of the bare script and of the import, into empty databases, in turns."""
    settings = Settings(_env_file=None, mongodb_url=SecretStr(url), database="imported")  # type: ignore[call-arg]
    with (
        MongoClient[dict[str, Any]](url) as client,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        for _ in range(ROUNDS):
            began = time.perf_counter()
            count = bare(path, client["bare"]["orders"])
            middle = time.perf_counter()
            assert runner.run(imported(path, settings)) == count
            end = time.perf_counter()
            client.drop_database("bare")
            client.drop_database("imported")
            yield count / (middle - began), count / (end - middle)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with standing(Mongod(folder, Settings(_env_file=None))) as mongod:  # type: ignore[call-arg]
            print(f"{ORDERS:,} orders of {CUSTOMERS:,} customers; at least {WANTED} is wanted")
            print(f"{'order of rows':16}{'bare':>10}{'import':>10}{'ratio':>8}")
            for order in ("by customer", "by time"):
                path = folder / "orders.csv"
                write_orders(path, ORDERS, by_customer=order == "by customer")
                ratios = []
                for one, other in rounds(path, mongod.url):
                    ratios.append(other / one)
                    print(f"{order:16}{one:10,.0f}{other:10,.0f}{other / one:8.2f}")
                print(f"{'':16}{'median':>20}{statistics.median(ratios):8.2f}")


if __name__ == "__main__":
    main()
