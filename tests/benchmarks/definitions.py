"""Changes of definitions, and what is asked after one, with 50 and with 5,000 segments.

    python -m tests.benchmarks.definitions

The API runs in this process. A probe sleeps for a millisecond at a time; the longest hold of the
event loop is the most CPU that the loop's thread spent between two of its turns.
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
from app.settings import Settings
from tests.api import Api, Json, running
from tests.parts import standing

FEW, MANY = 50, 5_000
ROUNDS = 10
_AT_ONCE = 8

_CREATE = """mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id } userErrors { message } }
}"""
_MEMBERSHIP = """query($ids: [ID!]) {
  segmentMembership(customer: {sourceId: "a"}, segmentIds: $ids) { isMember }
}"""
_LIST = "{ segments(first: 100) { nodes { filterText usedBy { id } } } }"
_SEGMENTS = "segments(first: 10) { nodes { name } }"


async def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        standing(Mongod(Path(folder) / "mongod", Settings(oplog_mib=990))) as mongod,
        standing(Valkey(Path(folder) / "valkey")) as valkey,
    ):
        async with running(mongod, valkey) as few, running(mongod, valkey) as many:
            shops = Shop(few, FEW), Shop(many, MANY)
            for shop in shops:
                await shop.other.definitions.now()
            # As the API's own process does once it has started; the other would be one of its own.
            gc.freeze()
            for shop in shops:
                await shop.api.upsert("a", metadata={"vip": True, "level": 3})
            print(f"{'':46}{FEW:>13,}{MANY:>13,}{'ratio':>8}{'hold':>9}")
            for measurement in _MEASUREMENTS:
                print(await _measured(measurement, *shops), flush=True)


class Shop:
    """Segments of three conditions each, which nobody has read yet."""

    def __init__(self, api: Api, number: int) -> None:
        self.api = api
        self.other = Services(api.services.store, api.settings)
        self._numbers = count()
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
        api.database.fences.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})
        self.ids = [f"seg_{row['_id']}" for row in rows]

    async def create(self) -> None:
        name, filter_ = uuid4().hex, _filter(next(self._numbers))
        made = await self.api.ask(_CREATE, input={"name": name, "definition": {"filter": filter_}})
        assert not made["userErrors"], made

    async def create_at_once(self) -> None:
        await asyncio.gather(*(self.create() for _ in range(_AT_ONCE)))

    async def edit_elsewhere(self) -> None:
        """Another process edits a segment."""
        changes = {"filter": _filter(next(self._numbers))}
        await self.other.segments.update(self.ids[0], changes, self.other.now())

    async def segments_of_a_customer(self) -> None:
        await self.api.customer("a", _SEGMENTS)

    async def membership(self) -> None:
        await self.api.ask(_MEMBERSHIP, ids=self.ids[:1])

    async def list(self) -> None:
        await self.api.ask(_LIST)

    async def define(self) -> None:
        """Defines a key that every filter asks of."""
        wire = {"key": "vip", "type": "BOOLEAN", "label": uuid4().hex}
        await self.api.services.metadata.define(wire)


Step = Callable[[Shop], Awaitable[None]]


class Measurement(NamedTuple):
    """What is timed, and what happens before each time."""

    name: str
    step: Step
    before: Step | None = None
    rounds: int = ROUNDS


_MEASUREMENTS = (
    Measurement("the first customer.segments of a process", Shop.segments_of_a_customer, None, 1),
    Measurement("segmentCreate", Shop.create),
    Measurement(f"segmentCreate, {_AT_ONCE} at once", Shop.create_at_once),
    Measurement("customer.segments", Shop.segments_of_a_customer),
    Measurement("  after an edit elsewhere", Shop.segments_of_a_customer, Shop.edit_elsewhere),
    Measurement("one membership", Shop.membership),
    Measurement("  after an edit elsewhere", Shop.membership, Shop.edit_elsewhere),
    Measurement("segments(first: 100) {filterText usedBy}", Shop.list),
    Measurement("  after an edit elsewhere", Shop.list, Shop.edit_elsewhere),
    Measurement("a type for a key that all filters ask of", Shop.define, None, 1),
)


async def _measured(measurement: Measurement, few: Shop, many: Shop) -> str:
    """Median times, the median ratio, and the longest hold of the event loop with many segments.
    The shops take turns, so that a noisy machine is noisy for both."""
    rounds = []
    for _ in range(measurement.rounds):
        (one, _hold), (other, hold) = [await _timed(measurement, shop) for shop in (few, many)]
        rounds.append((one, other, other / one, hold))
    ones, others, ratios, holds = zip(*rounds, strict=True)
    return (
        f"{measurement.name:46}{statistics.median(ones) * 1e3:>10.1f} ms"
        f"{statistics.median(others) * 1e3:>10.1f} ms{statistics.median(ratios):>8.2f}"
        f"{max(holds) * 1e3:>6.0f} ms"
    )


async def _timed(measurement: Measurement, shop: Shop) -> tuple[float, float]:
    """How long the step takes, and holds the event loop, in seconds."""
    if measurement.before is not None:
        await measurement.before(shop)
    async with _probe() as longest:
        began = monotonic()
        await measurement.step(shop)
        taken = monotonic() - began
    return taken, longest[0]


@asynccontextmanager
async def _probe() -> AsyncIterator[list[float]]:
    """The longest hold of the event loop in the meantime, in seconds of CPU."""
    longest = [0.0]

    async def look() -> None:
        before = thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = thread_time()
            longest[0], before = max(longest[0], now - before), now

    looking = asyncio.create_task(look())
    await asyncio.sleep(0.002)
    yield longest
    await asyncio.sleep(0.002)
    looking.cancel()


def _filter(number: int) -> Json:
    def asked(path: str, operator: str, value: object) -> Json:
        return {"attribute": {"path": path, "operator": operator, "value": value}}

    bought = {"name": "order", "within": {"last": "P30D"}, "operator": "GREATER_THAN"}
    return {
        "all": [
            asked("metadata.vip", "IS", True),
            asked("metadata.level", "GREATER_THAN", number),
            {"event": {**bought, "value": number % 7}},
        ]
    }


if __name__ == "__main__":
    asyncio.run(main())
