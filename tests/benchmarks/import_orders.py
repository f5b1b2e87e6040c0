"""The import of orders against a PyMongo upsert of the same file, in rows per second.

python -m tests.benchmarks.import_orders
"""

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
from app.services.imports import FileImport, ImportOptions, RejectFile
from app.services.imports.options import AmountUnit
from app.settings import Settings
from app.store import Store
from tests.local_processes import running_process

ORDERS = 70_000
CUSTOMERS = 23_570
ROUNDS = 3
MIN_RATE_RATIO = 0.6


def write_orders(path: Path, orders: int, *, by_customer: bool) -> None:
    """Writes a CSV file of orders, sorted by customer or by time."""
    rng = random.Random(1997)
    first_day = datetime(1997, 1, 1, tzinfo=UTC)
    rows = [
        (rng.randrange(CUSTOMERS * orders // ORDERS), rng.randrange(500), rng.randrange(100_000))
        for _ in range(orders)
    ]
    rows.sort(key=lambda row: row[0] if by_customer else row[1])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["sourceId", "customer.sourceId", "status", "amount", "at", "metadata.items"]
        )
        for number, (customer, day, amount) in enumerate(rows):
            at = f"{first_day + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"
            writer.writerow([f"o-{number}", f"{customer:06}", "PAID", amount, at, 1 + amount % 9])


def import_with_pymongo(path: Path, collection: Any) -> int:
    """Imports a file as a script would: no customers, no totals, no revisions, no validation."""
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


async def import_with_program(path: Path, settings: Settings) -> int:
    store = await Store.open(settings)
    import_ = FileImport(
        Services(store, settings),
        "orders",
        RejectFile(path),
        ImportOptions(amounts=AmountUnit.MINOR),
    )
    with path.open("rb") as stream:
        await import_.run(path.name, stream, lambda: None)
    await store.close()
    assert import_.report.rejected_count == 0
    return import_.report.accepted_count


def measure_rounds(path: Path, url: str) -> Iterator[tuple[float, float]]:
    """Yields the rows per second of the script and of the import; both start with empty
    databases."""
    settings = Settings(_env_file=None, mongodb_url=SecretStr(url), database="imported")  # type: ignore[call-arg]
    with (
        MongoClient[dict[str, Any]](url) as client,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        for _ in range(ROUNDS):
            started_at = time.perf_counter()
            count = import_with_pymongo(path, client["bare"]["orders"])
            bare_ended_at = time.perf_counter()
            assert runner.run(import_with_program(path, settings)) == count
            import_ended_at = time.perf_counter()
            client.drop_database("bare")
            client.drop_database("imported")
            yield count / (bare_ended_at - started_at), count / (import_ended_at - bare_ended_at)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_process(Mongod(folder, Settings(_env_file=None))) as mongod:  # type: ignore[call-arg]
            print(f"{ORDERS:,} orders of {CUSTOMERS:,} customers; goal: at least {MIN_RATE_RATIO}")
            print(f"{'order of rows':16}{'bare':>10}{'import':>10}{'ratio':>8}")
            for row_order in ("by customer", "by time"):
                path = folder / "orders.csv"
                write_orders(path, ORDERS, by_customer=row_order == "by customer")
                ratios = []
                for bare_rate, import_rate in measure_rounds(path, mongod.url):
                    ratio = import_rate / bare_rate
                    ratios.append(ratio)
                    print(f"{row_order:16}{bare_rate:10,.0f}{import_rate:10,.0f}{ratio:8.2f}")
                print(f"{'':16}{'median':>20}{statistics.median(ratios):8.2f}")


if __name__ == "__main__":
    main()
