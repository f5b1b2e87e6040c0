"""Sizes over time: asked for, and sampled, without weighing on the database."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import uuid4

import structlog

from app.domain.segments import Segment
from app.domain.sizes import SegmentSize, bounds, slot, thinned
from app.errors import Refused, TookTooLong
from app.filters import Now
from app.services.segments import Segments
from app.store import Store, Transaction
from app.store.sizes import FENCE

log = structlog.get_logger()

# Of the time a tenth goes into counting, at most.
_RESTS = 9
# A turn with its last count is over before arq gives up the job, a lease after any usual count.
_TURN_SECONDS = 120
_LEASE_SECONDS = 60.0


class Sizes:
    """The verbs of sizes."""

    def __init__(self, store: Store, segments: Segments, interval: timedelta) -> None:
        self._store = store
        self._schedule = store.size_schedule
        self._segments = segments
        self._interval = interval

    async def history(
        self, segment: Segment, since: datetime | None, until: datetime | None, now: Now
    ) -> list[SegmentSize]:
        """The points from the one instant to the other: by default the last 30 days."""
        since, until = bounds(since, until, now.at)
        return thinned(await self._store.sizes.between(segment.id, since, until, now.at))

    async def sample(self, clock: Callable[[], Now], rests: float = _RESTS) -> None:
        """Takes one turn at counting the segments that are due, one after the other, unless
        another worker is at it; rests so many times as long as each count took."""
        owner, ends = uuid4().hex, monotonic() + _TURN_SECONDS
        if not await self._schedule.claim(owner, _LEASE_SECONDS):
            return
        now = clock()
        await self._schedule.fill(now.at, self._next_slot(now))
        rest = 0.0
        while monotonic() + rest < ends:
            await asyncio.sleep(rest)
            began = monotonic()
            try:
                if not await self._count_next(clock(), owner):
                    return
            finally:
                rest = rests * (monotonic() - began)
                await self._schedule.rest(owner, rest)

    async def _count_next(self, now: Now, owner: str) -> bool:
        """False where nothing is due, or the lease went to somebody else."""
        if not await self._schedule.claim(owner, _LEASE_SECONDS):
            return False
        due = await self._schedule.take(now.at)
        if due is None:
            return False
        segment = await self._segments.get(due.segment_id)
        if segment is None:
            await self._store.transaction(partial(self._schedule.delete_segment, due.segment_id))
            return True
        try:
            count = await self._segments.member_count(segment, now)
        except (TookTooLong, Refused) as error:
            again = due.again.isoformat()
            log.warning("no size taken", segment=segment.id, error=error, again_at=again)
        else:
            await self._keep(segment.id, SegmentSize(now.at, count), now)
        return True

    async def _keep(self, segment_id: str, size: SegmentSize, now: Now) -> None:
        midnight = now.calendar.midnight(now.calendar.day(now.at))

        async def work(transaction: Transaction) -> None:
            await self._store.fence(FENCE, transaction)
            if await self._store.segments.get(segment_id, transaction):
                began = slot(now.at, self._interval)
                await self._store.sizes.add(segment_id, began, size, midnight, transaction)
                await self._schedule.done(segment_id, self._next_slot(now), transaction)

        await self._store.transaction(work)

    def _next_slot(self, now: Now) -> datetime:
        return slot(now.at, self._interval) + self._interval
