"""The program under test: calls the services that the API calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId

from app.domain.inputs import CustomerRef
from app.filters import Filter, Now
from app.services import Services
from app.store import Store
from tests.benchmarks.million.activities import NOW
from tests.benchmarks.million.build import program_settings
from tests.benchmarks.million.handwritten_plans import PAGE_SIZE


class ProgramUnderTest:
    """Runs filters through the services, in this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._now = Now(NOW, services.calendar)

    async def parse(self, filter_: dict[str, Any]) -> Filter:
        return await self._services.definitions.parse_filter(filter_)

    async def count(self, tree: Filter) -> int:
        return await self._services.query_planner.plan(tree, self._now).count()

    async def page(self, tree: Filter) -> list[ObjectId]:
        """Returns the ids of the first members. Reads their whole documents."""
        page = await self._services.query_planner.plan(tree, self._now).page(None, PAGE_SIZE)
        return [customer.document["_id"] for customer in page]

    async def create_segment(self, name: str, filter_: dict[str, Any]) -> str:
        """Creates a segment with the filter; returns its id."""
        wire = {"name": name, "definition": {"filter": filter_}}
        return (await self._services.segments.create(wire, self._now)).id

    async def delete_segment(self, segment_id: str) -> None:
        await self._services.segments.delete(segment_id)

    async def is_member(self, source_id: str, segment_id: str) -> bool:
        ref = CustomerRef.by_source_id(source_id)
        (membership,) = await self._services.memberships.evaluate(
            ref, [segment_id], None, self._now
        )
        return membership.is_member


@asynccontextmanager
async def open_program(url: str) -> AsyncIterator[ProgramUnderTest]:
    """Opens the store as the program does at its start."""
    settings = program_settings(url)
    store = await Store.open(settings)
    try:
        yield ProgramUnderTest(Services(store, settings))
    finally:
        await store.close()
