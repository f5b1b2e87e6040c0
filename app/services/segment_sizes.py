"""Sizes of segments over time: queries, and sampling with little load on the database."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import uuid4

import structlog

from app.domain.segment_sizes import SegmentSize, resolve_time_range, slot_start
from app.errors import InputError, QueryTimeout
from app.filters import Now
from app.services.segment_members import SegmentMembers
from app.store import Store, Transaction
from app.store.segment_sizes import SEGMENT_SIZES_REVISION

log = structlog.get_logger()

# The sampler rests nine times as long as a count took: it counts a tenth of the time at most.
_REST_FACTOR = 9
# One run of the job, with its last count, ends before arq's timeout.
_MAX_RUN_SECONDS = 120
# Longer than a usual count takes.
_LEASE_SECONDS = 60.0


class SegmentSizes:
    """Reads and samples the sizes of segments."""

    def __init__(self, store: Store, members: SegmentMembers, interval: timedelta) -> None:
        self._store = store
        self._schedule = store.size_schedule
        self._members = members
        self._interval = interval

    async def histories(
        self,
        segment_ids: Iterable[str],
        start_at: datetime | None,
        end_at: datetime | None,
        max_points: int,
        now: Now,
    ) -> dict[str, list[SegmentSize]]:
        """Returns, by segment, the sampled sizes between two instants, by default of the last 30
        days: an even selection of at most `max_points` of them. A segment without sizes is left
        out. Raises INVALID if the range ends before it starts."""
        start_at, end_at = resolve_time_range(start_at, end_at, now.at)
        histories = self._store.segment_sizes.between(segment_ids, start_at, end_at, now.at)
        return {segment_id: series.downsample(max_points) async for segment_id, series in histories}

    async def last(self, segment_ids: Iterable[str]) -> dict[str, SegmentSize]:
        """Returns, by segment, its last sampled size. A segment without one is left out."""
        return await self._store.segment_sizes.last(segment_ids)

    async def sample(self, clock: Callable[[], Now], rest_factor: float = _REST_FACTOR) -> None:
        """Counts the segments that are due, one after the other, for at most two minutes. Does
        nothing if another worker holds the lease. Rests after each count for `rest_factor` times
        its duration."""
        owner, deadline = uuid4().hex, monotonic() + _MAX_RUN_SECONDS
        if not await self._schedule.acquire_lease(owner, _LEASE_SECONDS):
            return
        now = clock()
        await self._schedule.add_missing(now.at, self._next_slot(now))
        rest_seconds = 0.0
        while monotonic() + rest_seconds < deadline:
            await asyncio.sleep(rest_seconds)
            started = monotonic()
            try:
                if not await self._count_next(clock(), owner):
                    return
            finally:
                rest_seconds = rest_factor * (monotonic() - started)
                await self._schedule.renew_lease(owner, rest_seconds)

    async def _count_next(self, now: Now, owner: str) -> bool:
        """Counts one segment. Returns False if none is due or another worker has the lease."""
        if not await self._schedule.acquire_lease(owner, _LEASE_SECONDS):
            return False
        due_segment = await self._schedule.claim_next(now.at)
        if due_segment is None:
            return False
        segment = await self._store.segments.get(due_segment.segment_id)
        if segment is None:
            await self._store.transaction(
                partial(self._schedule.delete_segment, due_segment.segment_id)
            )
            return True
        try:
            count = await self._members.count(segment, now)
        except (QueryTimeout, InputError) as error:
            retry_at = due_segment.retry_at.isoformat()
            log.warning(
                "segment size not sampled", segment=segment.id, error=error, retry_at=retry_at
            )
        else:
            await self._save(segment.id, SegmentSize(now.at, count), now)
        return True

    async def _save(self, segment_id: str, size: SegmentSize, now: Now) -> None:
        midnight = now.calendar.midnight_of(now.calendar.day_of(now.at))

        async def work(transaction: Transaction) -> None:
            await self._store.increment_revision(SEGMENT_SIZES_REVISION, transaction)
            if await self._store.segments.get(segment_id, transaction):
                slot_started_at = slot_start(now.at, self._interval)
                await self._store.segment_sizes.add(
                    segment_id, slot_started_at, size, midnight, transaction
                )
                await self._schedule.complete(segment_id, self._next_slot(now), transaction)

        await self._store.transaction(work)

    def _next_slot(self, now: Now) -> datetime:
        return slot_start(now.at, self._interval) + self._interval
