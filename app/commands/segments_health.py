"""Are there segments for which the database has to look at everything?"""

import asyncio

from app.commands import connected
from app.commands.finding import Finding
from app.errors import SegmentsError
from app.services import Services
from app.settings import Settings

# Below this a look at everything is quick.
_MANY = 100_000
_MOST_NAMED = 20


def look(settings: Settings) -> Finding:
    try:
        return asyncio.run(_look(settings))
    except SegmentsError as error:
        return Finding("segments", "can't be looked at", str(error))


async def _look(settings: Settings) -> Finding:
    async with connected.store(settings) as store:
        services = Services(store, settings)
        customers = await store.customers.number()
        segments = (await services.definitions.now()).segments.values()
        scanned = [s.name for s in segments if await services.segments.scans(s, services.now())]
    state = f"{len(segments):,}"
    if not scanned:
        return Finding("segments", f"{state}, each counted with the help of an index")
    named = ", ".join(map(repr, scanned[:_MOST_NAMED]))
    more = len(scanned) - _MOST_NAMED
    state += (
        f", counted by a look at everything: {named}{f' and {more:,} more' if more > 0 else ''}"
    )
    mend = "narrow them down by a condition that an index serves: equality, a range, a beginning"
    return Finding("segments", state, mend if customers > _MANY else "")
