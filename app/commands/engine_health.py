"""Checks the engine, the consumers, the deliveries and the exports by their status in MongoDB."""

import asyncio
from collections.abc import Iterator

from app.commands import connections
from app.domain.engine_status import EngineStatus
from app.errors import SegmentsError
from app.services.engine_status import EngineStatusReader
from app.services.health import Finding, check_status
from app.settings import Settings
from app.store import DatabaseError


def check(settings: Settings) -> Iterator[Finding]:
    try:
        status = asyncio.run(_read_status(settings))
    except (SegmentsError, DatabaseError) as error:
        yield Finding("engine", "its status can't be read", str(error))
        return
    yield from check_status(status)


async def _read_status(settings: Settings) -> EngineStatus:
    async with connections.open_store(settings) as store:
        return await EngineStatusReader(store).read()
