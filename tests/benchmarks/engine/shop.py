"""A million customers, one worker, and who watches both."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psutil
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from app.filters import Now
from app.services import Services
from app.services.active_filters import ActiveFilters
from app.store import Store, Transaction
from tests.benchmarks.million.build import DATABASE, settings
from workers.engine import run_engine

Json = dict[str, Any]

_KEPT = ("customers", "events", "orders", "eventNames", "metadataDefinitions", "built")
_CONTEXT = multiprocessing.get_context("spawn")


class Shop:
    """What the benchmarks do and see."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = MongoClient[Json](url, tz_aware=True)
        self.database: Database[Json] = self.client[DATABASE]

    def begin_anew(self) -> None:
        """As if no segment had ever been there."""
        for name in self.database.list_collection_names():
            if name not in _KEPT and not name.startswith("system."):
                self.database.drop_collection(name)
        asyncio.run(_prepare(self.url))

    def activate(self, filters: Sequence[Json]) -> None:
        """All in one transaction."""
        asyncio.run(_activate(self.url, filters))

    def is_at_rest(self) -> bool:
        """Whether every customer has passed every step."""
        last = self.database.steps.find_one(sort=[("_id", -1)])
        behind: list[Json] = [{"target": {"$ne": None}}]
        if last is not None:
            behind.append({"base": {"$lt": last["_id"]}})
        return not self.database.partitions.count_documents({"$or": behind})

    def has_come_to(self, instant: datetime) -> bool:
        """Whether the engine has heard of all that was committed until an instant."""
        return not self.database.partitions.count_documents({"at": {"$lt": instant}})

    def wait(self) -> float:
        """Seconds until it has come to now, and is at rest."""
        began, now = time.monotonic(), self.now()
        while not (self.has_come_to(now) and self.is_at_rest()):
            time.sleep(0.05)
        return time.monotonic() - began

    def holders(self) -> set[str]:
        """The workers that hold partitions, or were killed while they did."""
        return {*self.database.partitions.distinct("worker", {"worker": {"$ne": ""}})}

    def wait_until_shared(self, workers: int, gone: set[str]) -> None:
        """Until each of so many has its part, and has come to now."""
        while len(holders := self.holders()) < workers or holders & gone:
            time.sleep(0.05)
        self.wait()

    def now(self) -> datetime:
        answer = self.client.admin.command("hello", codec_options=self.client.codec_options)
        now: datetime = answer["localTime"]
        return now

    def lag(self) -> float:
        """Seconds from what the engine has come to until now."""
        (oldest,) = self.database.partitions.find().sort("at", 1).limit(1)
        behind: timedelta = self.now() - oldest["at"]
        return behind.total_seconds()

    def key(self, number: int) -> ObjectId:
        """That of so manieth of the customers."""
        (row,) = self.database.customers.find({}, {"_id": 1}).sort("_id", 1).skip(number).limit(1)
        key: ObjectId = row["_id"]
        return key

    def transitions(self) -> int:
        found = self.database.fences.find_one({"_id": "log"})
        return int(found["sequence"]) if found else 0

    @contextmanager
    def worker(self) -> Iterator[psutil.Process]:
        process = _CONTEXT.Process(target=_work, args=(self.url,), daemon=True)
        process.start()
        try:
            assert process.pid is not None
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.join()

    @contextmanager
    def writer(self) -> Iterator[Any]:
        """Bulk writes of one field each, as fast as mongod takes them; yields their number."""
        written = _CONTEXT.Value("q", 0)
        process = _CONTEXT.Process(target=_write, args=(self.url, written), daemon=True)
        process.start()
        try:
            yield written
        finally:
            process.terminate()
            process.join()


def _work(url: str) -> None:
    asyncio.run(run_engine(settings(url)))


async def _prepare(url: str) -> None:
    await (await Store.open(settings(url))).close()


async def _activate(url: str, filters: Sequence[Json]) -> None:
    store = await Store.open(settings(url))
    services = Services(store, settings(url))
    now = Now(datetime.now(UTC), services.calendar)
    names = range(1_000_000)
    made = [
        await services.segments.create(
            {"name": f"{now.at} {number}", "definition": {"filter": filter_}}, now
        )
        for number, filter_ in zip(names, filters, strict=False)
    ]

    async def work(transaction: Transaction) -> None:
        definitions = await services.definitions.held_still(transaction)
        active = ActiveFilters(store)
        for segment in made:
            await active.activate(segment.id, definitions, now.at, transaction)

    await store.transaction(work)
    await store.close()


def _write(url: str, written: Any) -> None:
    from pymongo import UpdateOne

    # Others than the last time: the same ones would change nothing.
    dice = Random()
    with MongoClient[Json](url) as client:
        customers = client[DATABASE].customers
        keys = [row["_id"] for row in customers.find({}, {"_id": 1})]
        while True:
            changes = [
                UpdateOne({"_id": dice.choice(keys)}, {"$set": _change(dice)}) for _ in range(200)
            ]
            written.value += customers.bulk_write(changes, ordered=False).modified_count


def _change(dice: Random) -> Json:
    return dice.choice(
        (
            {"metadata.note": dice.random()},
            {"metadata.score": 1_000 * dice.random()},
            {"metadata.points": dice.randrange(100_000)},
            {"metadata.city": f"San {dice.choice(('Arbor', 'Bellis', 'Corvo'))}"},
        )
    )
