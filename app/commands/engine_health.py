"""Does the engine keep up, and would it find its way back?"""

import asyncio
from datetime import timedelta

from app.commands.finding import Finding
from app.errors import SegmentsError
from app.settings import Settings
from app.store import DatabaseError, Store

# In active segments time passes to the second.
_LATE = timedelta(seconds=10)
_START = "start `segments worker`, one or more"


def look(settings: Settings, reach: timedelta | None) -> Finding:
    """`reach` is how far back the oplog and the images go, as far as that can be seen."""
    try:
        return asyncio.run(_look(settings, reach))
    except (SegmentsError, DatabaseError) as error:
        return Finding("engine", "can't be looked at", str(error))


async def _look(settings: Settings, reach: timedelta | None) -> Finding:
    store = Store.connect(settings)
    try:
        oldest = await store.partitions.oldest()
        _, now = await store.partitions.end()
        free, active = await store.partitions.free(), len(await store.active_filters.all())
    finally:
        await store.close()
    if oldest is None:
        return Finding("engine", "was never started here")
    lag = now - oldest
    state = f"{active:,} active segments, {max(lag.total_seconds(), 0):,.0f} s behind"
    if reach is not None:
        state += f" of the {reach.total_seconds() / 3600:,.1f} h that history goes back"
        if lag > reach / 2:
            return Finding("engine", state, f"{_START}, before history is lost")
    if free:
        return Finding("engine", f"{state}, {free} partitions with nobody at work", _START)
    return Finding("engine", state, "" if lag < _LATE else "start more workers")
