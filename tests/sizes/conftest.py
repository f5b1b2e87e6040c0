"""The whole program over an empty database for each test, at any time that a test says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest_asyncio

from app.domain.sizes import SegmentSize
from app.filters import Now
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import Services
from app.store import Store
from tests.api import Api, Json, running

EVERYBODY: Json = {"attribute": {"path": "sourceId", "operator": "HAS_VALUE"}}

_CREATE = (
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
    " { segment { id } userErrors { code path message } } }"
)
_DELETE = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code } } }"


class Shop:
    """Counts its segments when it is told that it is time, without a rest."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def segment(self, name: str, filter_: Json = EVERYBODY, **definition: Any) -> str:
        definition = definition or {"filter": filter_}
        payload = await self.api.ask(_CREATE, input={"name": name, "definition": definition})
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    async def segments(self, number: int) -> list[str]:
        return [await self.segment(f"segment {n}") for n in range(number)]

    async def delete(self, id_: str) -> None:
        payload = await self.api.ask(_DELETE, id=id_)
        assert payload == {"deletedId": id_, "userErrors": []}

    async def sample(self, at: datetime, services: Services | None = None) -> None:
        services = services or self.api.services
        await services.sizes.sample(lambda: Now(at, services.calendar), rests=0)

    async def history(self, id_: str, now: datetime, *bounds: datetime | None) -> list[SegmentSize]:
        """The points of the segment from and to, as seen at a moment."""
        services = self.api.services
        segment = await services.segments.get(id_)
        assert segment is not None
        since, until = bounds or (None, None)
        return await services.sizes.history(segment, since, until, Now(now, services.calendar))

    def points(self) -> dict[str, list[int]]:
        """All that is kept, by segment, in the order of time."""
        kept: dict[str, list[int]] = {}
        for row in self.api.database.segmentSizes.find().sort("at", 1):
            kept.setdefault(f"seg_{row['_id']['segment']}", []).append(row["memberCount"])
        return kept

    def leftovers(self) -> list[Json]:
        """What stands in the collections that are about the sizes of segments, and the sweeper does
        not remove."""
        database = self.api.database
        swept = {"_id.segment": {"$nin": database.segmentTombstones.distinct("_id")}}
        return [*database.segmentSizes.find(swept), *database.sizeSchedule.find()]


@pytest_asyncio.fixture
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey, time_zone="Europe/Warsaw") as api:
        yield Shop(api)


@pytest_asyncio.fixture
async def workers(shop: Shop) -> AsyncIterator[list[Services]]:
    """The services of as many processes as a test may need."""
    settings = shop.api.settings
    stores = await asyncio.gather(*(Store.open(settings) for _ in range(4)))
    yield [Services(store, settings) for store in stores]
    for store in stores:
        await store.close()
