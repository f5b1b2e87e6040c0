"""Changes of definitions, and queries after a change, with 5,000 segments against 50.

    python -m tests.benchmarks.definitions

The API runs in this process. A probe sleeps for a millisecond at a time. The longest block of the
event loop is the most CPU time that the loop's thread spent between two turns of the probe.
"""

import asyncio
import gc
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic, thread_time
from typing import NamedTuple
from uuid import uuid4

from bson import ObjectId

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import Services
from tests.api import Api, Json, running_api
from tests.local_processes import running_mongod, running_process

FEW_SEGMENTS = 50
MANY_SEGMENTS = 5_000
ROUNDS = 10
_CONCURRENT_CREATES = 8

_CREATE_SEGMENT = """mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id } userErrors { message } }
}"""
_MEMBERSHIP = """query($ids: [ID!]) {
  segmentMembership(customer: {sourceId: "a"}, segmentIds: $ids) { isMember }
}"""
_LIST_SEGMENTS = "{ segments(first: 100) { nodes { filterText usedBy { id } } } }"
_SEGMENT_FIELDS = "segments(first: 10) { nodes { name } }"


async def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_mongod(Path(folder) / "mongod", Mongod) as mongod,
        running_process(Valkey(Path(folder) / "valkey")) as valkey,
    ):
        async with running_api(mongod, valkey) as few, running_api(mongod, valkey) as many:
            shops = BenchmarkShop(few, FEW_SEGMENTS), BenchmarkShop(many, MANY_SEGMENTS)
            for shop in shops:
                await shop.other_process.definitions.latest()
            # The process of the API does the same after its start.
            gc.freeze()
            for shop in shops:
                await shop.api.upsert("a", metadata={"vip": True, "level": 3})
            print(f"{'':46}{FEW_SEGMENTS:>13,}{MANY_SEGMENTS:>13,}{'ratio':>8}{'block':>9}")
            for measurement in _MEASUREMENTS:
                print(await _measure(measurement, *shops), flush=True)


class BenchmarkShop:
    """An API with this many segments of three conditions each, and a second process that edits
    them."""

    def __init__(self, api: Api, number: int) -> None:
        self.api = api
        self.other_process = Services(api.services.store, api.settings)
        self._filter_numbers = count()
        now = datetime.now(UTC)
        rows = [
            {
                "_id": ObjectId(),
                "name": f"Segment {n}",
                "description": None,
                "kind": "PASSIVE",
                "filter": _filter(n),
                "createdAt": now,
                "updatedAt": now,
                "activatedAt": None,
                "revision": 1,
            }
            for n in range(number)
        ]
        api.database.segments.insert_many(rows)
        api.database.counters.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})
        self.ids = [f"seg_{row['_id']}" for row in rows]

    async def create_segment(self) -> None:
        name, filter_ = uuid4().hex, _filter(next(self._filter_numbers))
        created = await self.api.fetch(
            _CREATE_SEGMENT, input={"name": name, "definition": {"filter": filter_}}
        )
        assert not created["userErrors"], created

    async def create_segments_concurrently(self) -> None:
        await asyncio.gather(*(self.create_segment() for _ in range(_CONCURRENT_CREATES)))

    async def edit_in_other_process(self) -> None:
        """Another process edits a segment."""
        changes = {"filter": _filter(next(self._filter_numbers))}
        await self.other_process.segments.update(self.ids[0], changes, self.other_process.now())

    async def query_customer_segments(self) -> None:
        await self.api.fetch_customer("a", _SEGMENT_FIELDS)

    async def query_membership(self) -> None:
        await self.api.fetch(_MEMBERSHIP, ids=self.ids[:1])

    async def list_segments(self) -> None:
        await self.api.fetch(_LIST_SEGMENTS)

    async def define_metadata_key(self) -> None:
        """Redefines a metadata key that every filter reads."""
        wire = {"key": "vip", "type": "BOOLEAN", "label": uuid4().hex}
        await self.api.services.metadata.define(wire)


Operation = Callable[[BenchmarkShop], Awaitable[None]]


class Measurement(NamedTuple):
    """An operation to time, and what to do before each run of it."""

    name: str
    operation: Operation
    setup: Operation | None = None
    rounds: int = ROUNDS


_MEASUREMENTS = (
    Measurement(
        "the first customer.segments of a process", BenchmarkShop.query_customer_segments, None, 1
    ),
    Measurement("segmentCreate", BenchmarkShop.create_segment),
    Measurement(
        f"segmentCreate, {_CONCURRENT_CREATES} at once", BenchmarkShop.create_segments_concurrently
    ),
    Measurement("customer.segments", BenchmarkShop.query_customer_segments),
    Measurement(
        "  after an edit in another process",
        BenchmarkShop.query_customer_segments,
        BenchmarkShop.edit_in_other_process,
    ),
    Measurement("one membership", BenchmarkShop.query_membership),
    Measurement(
        "  after an edit in another process",
        BenchmarkShop.query_membership,
        BenchmarkShop.edit_in_other_process,
    ),
    Measurement("segments(first: 100) {filterText usedBy}", BenchmarkShop.list_segments),
    Measurement(
        "  after an edit in another process",
        BenchmarkShop.list_segments,
        BenchmarkShop.edit_in_other_process,
    ),
    Measurement(
        "a type for a key that all filters read", BenchmarkShop.define_metadata_key, None, 1
    ),
)


async def _measure(measurement: Measurement, few: BenchmarkShop, many: BenchmarkShop) -> str:
    """Returns a line of the report: median times, their median ratio, and the longest block of the
    event loop with many segments. The shops take turns, so that noise meets both."""
    rounds = []
    for _ in range(measurement.rounds):
        (few_seconds, _blocked_seconds), (many_seconds, blocked_seconds) = [
            await _time_operation(measurement, shop) for shop in (few, many)
        ]
        rounds.append((few_seconds, many_seconds, many_seconds / few_seconds, blocked_seconds))
    few_times, many_times, ratios, blocked_times = zip(*rounds, strict=True)
    return (
        f"{measurement.name:46}{statistics.median(few_times) * 1e3:>10.1f} ms"
        f"{statistics.median(many_times) * 1e3:>10.1f} ms{statistics.median(ratios):>8.2f}"
        f"{max(blocked_times) * 1e3:>6.0f} ms"
    )


async def _time_operation(measurement: Measurement, shop: BenchmarkShop) -> tuple[float, float]:
    """Returns the seconds that the operation takes, and the longest block of the event loop."""
    if measurement.setup is not None:
        await measurement.setup(shop)
    async with _event_loop_probe() as longest_block:
        started_at = monotonic()
        await measurement.operation(shop)
        seconds = monotonic() - started_at
    return seconds, longest_block[0]


@asynccontextmanager
async def _event_loop_probe() -> AsyncIterator[list[float]]:
    """Yields a list whose only item is the longest block of the event loop so far, in CPU
    seconds."""
    longest_block = [0.0]

    async def sample() -> None:
        before = thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = thread_time()
            longest_block[0], before = max(longest_block[0], now - before), now

    task = asyncio.create_task(sample())
    await asyncio.sleep(0.002)
    yield longest_block
    await asyncio.sleep(0.002)
    task.cancel()


def _filter(number: int) -> Json:
    def attribute_condition(path: str, operator: str, value: object) -> Json:
        return {"attribute": {"path": path, "operator": operator, "value": value}}

    purchase_condition = {"name": "order", "within": {"last": "P30D"}, "operator": "GREATER_THAN"}
    return {
        "all": [
            attribute_condition("metadata.vip", "IS", True),
            attribute_condition("metadata.level", "GREATER_THAN", number),
            {"event": {**purchase_condition, "value": number % 7}},
        ]
    }


if __name__ == "__main__":
    asyncio.run(main())
