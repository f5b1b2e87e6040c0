"""Checks the engine, the consumers, the deliveries and the exports by their status in MongoDB."""

from app.errors import SegmentsError
from app.services.engine_status import EngineStatusReader
from app.services.health import Finding, check_status
from app.store import DatabaseError, Store


async def check(store: Store) -> list[Finding]:
    try:
        status = await EngineStatusReader(store).read()
    except (SegmentsError, DatabaseError) as error:
        return [Finding("engine", "its status can't be read", str(error))]
    return list(check_status(status))
