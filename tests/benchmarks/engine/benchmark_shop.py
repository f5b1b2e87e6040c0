"""The shop of the engine benchmarks: its database, and processes that work on it."""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from app.domain.uses import Use, UseKind
from app.filters import Now
from app.services import Services
from app.services.active_filters import ActiveFilters
from app.store import Store, Transaction
from tests.benchmarks.million.build import DATABASE, program_settings, running_shop
from workers.engine import run_engine

Json = dict[str, Any]

CUSTOMERS = 1_000_000
_RETAINED_COLLECTIONS = (
    "customers",
    "events",
    "orders",
    "eventNames",
    "metadataDefinitions",
    "built",
)
_CONTEXT = multiprocessing.get_context("spawn")


def add_shop_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `running_benchmark_shop`."""
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the shop")


def running_benchmark_shop(arguments: argparse.Namespace) -> AbstractContextManager[str]:
    """Returns the context of a running mongod with the shop, which is built once; it yields the
    URL."""
    folder = Path(tempfile.gettempdir()) / f"segments-benchmark-engine-{arguments.customers}"
    return running_shop(arguments.data or folder, arguments.customers)


class BenchmarkShop:
    """Creates segments, starts workers and a writer, and reads the progress of the engine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = MongoClient[Json](url, tz_aware=True)
        self.database: Database[Json] = self.client[DATABASE]

    def reset(self) -> None:
        """Drops everything but customers, their rows and the metadata definitions."""
        for name in self.database.list_collection_names():
            if name not in _RETAINED_COLLECTIONS and not name.startswith("system."):
                self.database.drop_collection(name)
        asyncio.run(_open_store(self.url))

    def create_active_segments(self, filters: Sequence[Json]) -> None:
        """Creates segments and activates all of them in one transaction."""
        asyncio.run(_create_active_segments(self.url, filters))

    def is_backfilled(self) -> bool:
        """Whether the backfill of every definition change has finished."""
        latest_change = self.database.definitionChanges.find_one(sort=[("_id", -1)])
        partition_behind: list[Json] = [{"targetRevision": {"$ne": None}}]
        if latest_change is not None:
            partition_behind.append({"baseRevision": {"$lt": latest_change["_id"]}})
        return not self.database.partitions.count_documents({"$or": partition_behind})

    def has_processed_until(self, instant: datetime) -> bool:
        """Whether the engine has processed all changes that were committed until an instant."""
        return not self.database.partitions.count_documents({"positionAt": {"$lt": instant}})

    def wait_until_processed(self) -> float:
        """Waits until the engine has processed everything committed by now; returns the seconds."""
        started_at, now = time.monotonic(), self.now()
        while not (self.has_processed_until(now) and self.is_backfilled()):
            time.sleep(0.05)
        return time.monotonic() - started_at

    def lease_owners(self) -> set[str]:
        """Returns the workers that hold leases on partitions, or were killed while they did."""
        return {*self.database.partitions.distinct("worker", {"worker": {"$ne": ""}})}

    def wait_until_balanced(self, workers: int, previous_owners: set[str]) -> None:
        """Returns when this many new workers hold leases, and have processed everything until
        now."""
        while len(owners := self.lease_owners()) < workers or owners & previous_owners:
            time.sleep(0.05)
        self.wait_until_processed()

    def now(self) -> datetime:
        answer = self.client.admin.command("hello", codec_options=self.client.codec_options)
        now: datetime = answer["localTime"]
        return now

    def lag_seconds(self) -> float:
        """Returns the age of the oldest position of a partition, in seconds."""
        (oldest,) = self.database.partitions.find().sort("positionAt", 1).limit(1)
        lag: timedelta = self.now() - oldest["positionAt"]
        return lag.total_seconds()

    def customer_id_at(self, number: int) -> ObjectId:
        """Returns the id of the customer at an index, in the order of ids."""
        (row,) = self.database.customers.find({}, {"_id": 1}).sort("_id", 1).skip(number).limit(1)
        key: ObjectId = row["_id"]
        return key

    def transition_count(self) -> int:
        counter = self.database.counters.find_one({"_id": "transitionLogEnd"})
        return int(counter["sequence"]) if counter else 0

    @contextmanager
    def worker(self) -> Iterator[psutil.Process]:
        process = _CONTEXT.Process(target=_run_worker, args=(self.url,), daemon=True)
        process.start()
        try:
            assert process.pid is not None
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.join()

    @contextmanager
    def writer(self) -> Iterator[Any]:
        """Starts a process that changes random customers as fast as mongod accepts it.

        Yields a shared counter of the changes.
        """
        written = _CONTEXT.Value("q", 0)
        process = _CONTEXT.Process(target=_run_writer, args=(self.url, written), daemon=True)
        process.start()
        try:
            yield written
        finally:
            process.terminate()
            process.join()


def _run_worker(url: str) -> None:
    asyncio.run(run_engine(program_settings(url)))


async def _open_store(url: str) -> None:
    await (await Store.open(program_settings(url))).close()


async def _create_active_segments(url: str, filters: Sequence[Json]) -> None:
    store = await Store.open(program_settings(url))
    services = Services(store, program_settings(url))
    now = Now(datetime.now(UTC), services.calendar)
    segment_numbers = range(1_000_000)
    segments = [
        await services.segments.create(
            {"name": f"{now.at} {number}", "definition": {"filter": filter_}}, now
        )
        for number, filter_ in zip(segment_numbers, filters, strict=False)
    ]

    async def activate_in_transaction(transaction: Transaction) -> None:
        definitions = await services.definitions.lock(transaction)
        active = ActiveFilters(store)
        for segment in segments:
            use = Use(UseKind.DISTRIBUTION, "dst_000000000000000000000000", "benchmark", segment.id)
            await active.activate(segment.id, definitions, now.at, transaction, use=use)

    await store.transaction(activate_in_transaction)
    await store.close()


def _run_writer(url: str, written: Any) -> None:
    from pymongo import UpdateOne

    # Without a seed: the changes of an earlier run would change nothing.
    rng = Random()
    with MongoClient[Json](url) as client:
        customers = client[DATABASE].customers
        keys = [row["_id"] for row in customers.find({}, {"_id": 1})]
        while True:
            changes = [
                UpdateOne({"_id": rng.choice(keys)}, {"$set": _random_change(rng)})
                for _ in range(200)
            ]
            written.value += customers.bulk_write(changes, ordered=False).modified_count


def _random_change(rng: Random) -> Json:
    return rng.choice(
        (
            {"metadata.note": rng.random()},
            {"metadata.score": 1_000 * rng.random()},
            {"metadata.points": rng.randrange(100_000)},
            {"metadata.city": f"San {rng.choice(('Arbor', 'Bellis', 'Corvo'))}"},
        )
    )
