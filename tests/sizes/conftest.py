"""The program with an empty database for each test, and sizes as of any time that a test sets."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest_asyncio

from app.domain.segment_sizes import MAX_POINTS, SegmentSize
from app.filters import Now
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import Services
from app.store import Store
from tests.api import ALL_CUSTOMERS_FILTER, Api, Json, running_api

_CREATE_SEGMENT = (
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
    " { segment { id } userErrors { code path message } } }"
)
_DELETE_SEGMENT = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code } } }"


class SegmentSizeShop:
    """Creates segments, and samples their sizes when a test asks for it, without pauses."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def create_segment(
        self, name: str, filter_: Json = ALL_CUSTOMERS_FILTER, **definition: Any
    ) -> str:
        definition = definition or {"filter": filter_}
        payload = await self.api.fetch(
            _CREATE_SEGMENT, input={"name": name, "definition": definition}
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    async def create_segments(self, number: int) -> list[str]:
        return [await self.create_segment(f"segment {n}") for n in range(number)]

    async def delete_segment(self, id_: str) -> None:
        payload = await self.api.fetch(_DELETE_SEGMENT, id=id_)
        assert payload == {"deletedId": id_, "userErrors": []}

    async def sample_sizes(self, at: datetime, services: Services | None = None) -> None:
        services = services or self.api.services
        await services.segment_sizes.sample(lambda: Now(at, services.calendar), rest_factor=0)

    async def read_history(
        self, id_: str, now: datetime, *bounds: datetime | None
    ) -> list[SegmentSize]:
        """Returns the points of the segment between two bounds, as seen at `now`."""
        services = self.api.services
        since, until = bounds or (None, None)
        histories = await services.segment_sizes.histories(
            [id_], since, until, MAX_POINTS, Now(now, services.calendar)
        )
        return histories.get(id_, [])

    def read_counts(self) -> dict[str, list[int]]:
        """Returns the stored member counts by segment, in the order of time."""
        counts: dict[str, list[int]] = {}
        for row in self.api.database.segmentSizes.find().sort("at", 1):
            counts.setdefault(f"seg_{row['_id']['segment']}", []).append(row["memberCount"])
        return counts

    def remaining_rows(self) -> list[Json]:
        """Returns the rows about segment sizes that the sweeper will not remove."""
        database = self.api.database
        not_swept = {"_id.segment": {"$nin": database.segmentTombstones.distinct("_id")}}
        return [*database.segmentSizes.find(not_swept), *database.sizeSchedule.find()]


@pytest_asyncio.fixture
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[SegmentSizeShop]:
    async with running_api(mongod, valkey, time_zone="Europe/Warsaw") as api:
        yield SegmentSizeShop(api)


@pytest_asyncio.fixture
async def worker_services(shop: SegmentSizeShop) -> AsyncIterator[list[Services]]:
    """Services of four processes."""
    settings = shop.api.settings
    open_stores = await asyncio.gather(*(Store.open(settings) for _ in range(4)))
    yield [Services(store, settings) for store in open_stores]
    for store in open_stores:
        await store.close()
