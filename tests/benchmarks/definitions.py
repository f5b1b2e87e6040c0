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
            # As the API's own process does once it has started.
            gc.freeze()
            shops = Shop(few, FEW), Shop(many, MANY)
            measured = [await _measured(shop) for shop in shops]
    print(f"{'':52}{FEW:>12,}{MANY:>12,}{'ratio':>8}   hold")
    for what in measured[0]:
        (one, _), (other, hold) = (each[what] for each in measured)
        times = f"{one * 1e3:>9.1f} ms{other * 1e3:>9.1f} ms{other / one:>8.2f}"
        print(f"{what:52}{times}{hold * 1e3:>5.0f} ms")


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


Step = Callable[[], Awaitable[None]]


async def _measured(shop: Shop) -> dict[str, tuple[float, float]]:
    """The median time of each, and the longest hold of the event loop."""
    await shop.api.upsert("a", metadata={"vip": True, "level": 3})
    first = await _timed(shop.segments_of_a_customer, times=1)
    return {
        "the first customer.segments of a process": first,
        "segmentCreate": await _timed(shop.create),
        f"segmentCreate, {_AT_ONCE} at once": await _timed(shop.create_at_once),
        "customer.segments": await _timed(shop.segments_of_a_customer),
        "customer.segments after an edit elsewhere": await _timed(
            shop.segments_of_a_customer, shop.edit_elsewhere
        ),
        "one membership": await _timed(shop.membership),
        "one membership after an edit elsewhere": await _timed(
            shop.membership, shop.edit_elsewhere
        ),
        "segments(first: 100) {filterText usedBy}": await _timed(shop.list),
        "... after an edit elsewhere": await _timed(shop.list, shop.edit_elsewhere),
        "a label of a key that all filters ask of": await _timed(shop.define),
        "customer.segments after that": await _timed(shop.segments_of_a_customer, times=1),
    }


async def _timed(
    step: Step, before: Step | None = None, times: int = ROUNDS
) -> tuple[float, float]:
    taken, holds = [], []
    for _ in range(times):
        if before is not None:
            await before()
        async with _probe() as longest:
            began = monotonic()
            await step()
            taken.append(monotonic() - began)
        holds.append(longest[0])
    return statistics.median(taken), max(holds)


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
