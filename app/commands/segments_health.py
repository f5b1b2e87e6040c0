"""Finds segments that MongoDB can count only by a full scan of a collection."""

from app.errors import SegmentsError
from app.services import Services
from app.services.health import Finding
from app.services.uses import list_names
from app.settings import Settings
from app.store import Store

# With fewer customers a full scan is fast enough.
_MAX_CUSTOMERS_FOR_SCANS = 100_000
_MAX_NAMED_SEGMENTS = 20


async def check(settings: Settings, store: Store) -> Finding:
    try:
        return await _check_segments(Services(store, settings))
    except SegmentsError as error:
        return Finding("segments", "can't be read", str(error))


async def _check_segments(services: Services) -> Finding:
    customer_count = await services.store.customers.estimate_count()
    segments = (await services.definitions.latest()).segments.values()
    scanned_segments = [
        segment.name
        for segment in segments
        if await services.segment_members.needs_full_scan(segment, services.now())
    ]
    state = f"{len(segments):,}"
    if not scanned_segments:
        return Finding("segments", f"{state}, each counted by an index")
    segment_names = list_names(map(repr, scanned_segments), _MAX_NAMED_SEGMENTS)
    state += f", counted by a full scan: {segment_names}"
    remedy = "add a condition that an index serves: equality, a range or STARTS_WITH"
    return Finding("segments", state, remedy if customer_count > _MAX_CUSTOMERS_FOR_SCANS else "")
