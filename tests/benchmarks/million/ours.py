"""The program under test: what its doors call, and nothing of how it does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId

from app.domain.inputs import CustomerRef
from app.filters import Filter, Now
from app.services import Services
from app.store import Store
from tests.benchmarks.million.build import settings
from tests.benchmarks.million.by_hand import FIRST
from tests.benchmarks.million.shop import NOW


class Ours:
    """The answers of the program, in process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._now = Now(NOW, services.calendar)

    async def parse(self, filter_: dict[str, Any]) -> Filter:
        return await self._services.definitions.parse(filter_)

    async def count(self, tree: Filter) -> int:
        return await self._services.population.select(tree, self._now).count()

    async def page(self, tree: Filter) -> list[ObjectId]:
        """The ids of the first members, whose whole documents were brought."""
        page = await self._services.population.select(tree, self._now).page(None, FIRST)
        return [customer.document["_id"] for customer in page]

    async def save(self, name: str, filter_: dict[str, Any]) -> str:
        """The id of a segment with the filter."""
        wire = {"name": name, "definition": {"filter": filter_}}
        return (await self._services.segments.create(wire, self._now)).id

    async def delete(self, segment_id: str) -> None:
        await self._services.segments.delete(segment_id)

    async def is_member(self, source_id: str, segment_id: str) -> bool:
        ref = CustomerRef.by_source_id(source_id)
        (asked,) = await self._services.memberships.ask(ref, [segment_id], None, self._now)
        return asked.is_member


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Ours]:
    """The program on the shop's database, opened as at its start."""
    known = settings(url)
    store = await Store.open(known)
    try:
        yield Ours(Services(store, known))
    finally:
        await store.close()
