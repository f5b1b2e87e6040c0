"""Reads the status of the engine and the consumers from MongoDB, from any process."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.domain.codes import CodePool
from app.domain.consumers import Checkpoint, ConsumerStatus
from app.domain.engine_status import (
    BoundedCount,
    EngineStatus,
    PartitionStatus,
    find_slowest_partition,
)
from app.store import Store

_MAX_COUNTED_TIMERS = 10_000
# Gives the share of backfilled customers to within a few hundredths.
_SAMPLE_SIZE = 200
MAX_QUARANTINED_SHOWN = 10
MAX_FAILING_DISTRIBUTIONS_SHOWN = 10
_MAX_CODE_POOLS_SHOWN = 10


class EngineStatusReader:
    """Reads the status with a few queries whose cost does not grow with the customers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self) -> EngineStatus:
        """Returns the present status. Raises an error of MongoDB if it is unreachable."""
        # Alone and first: if MongoDB does not answer, only this query waits for it.
        now = await self._store.clock.now()
        partitions = await self._store.partitions.all()
        workers, last_error, active_segments, sequence, exports = await asyncio.gather(
            self._store.workers.all(),
            self._store.workers.last_error(),
            self._store.active_filters.count_in_force(),
            self._store.transitions.last_sequence(),
            self._store.exports.summary(),
        )
        consumers = await self._consumer_statuses(now, sequence)
        due_timers, next_timer_at, backfilled_ratio, windows, changes_behind = await asyncio.gather(
            self._store.membership_states.count_due_timers(now, _MAX_COUNTED_TIMERS),
            self._store.membership_states.next_timer_at(now),
            self._backfilled_ratio(partitions),
            self._store.oplog.read_windows(),
            self._changes_behind(partitions),
        )
        return EngineStatus(
            observed_at=now,
            partitions=partitions,
            workers=workers,
            changes_behind=changes_behind,
            due_timers=due_timers,
            next_timer_at=next_timer_at,
            active_segment_count=active_segments,
            last_sequence=sequence,
            backfilled_ratio=backfilled_ratio,
            retention_windows=windows,
            last_error=last_error,
            consumers=consumers,
            exports=exports,
            deliveries=await self._store.delivery_queue.read_status(
                await self._store.distributions.paused_ids(), now
            ),
            failing_distributions=await self._store.distributions.with_upkeep_failure(
                MAX_FAILING_DISTRIBUTIONS_SHOWN
            ),
            code_pools=await self._code_pools(),
        )

    async def _code_pools(self) -> list[CodePool]:
        """The code pools in use with the fewest codes left, fewest first."""
        used_ids = (
            await self._store.distributions.code_pool_ids()
            | await self._store.referral_programs.code_pool_ids()
        )
        pools = (await self._store.code_pools.get_many(used_ids)).values()
        return sorted(pools, key=lambda pool: pool.available_count)[:_MAX_CODE_POOLS_SHOWN]

    async def _consumer_statuses(self, now: datetime, sequence: int) -> list[ConsumerStatus]:
        checkpoints = await self._store.checkpoints.all()
        statuses = [self._consumer_status(checkpoint, now, sequence) for checkpoint in checkpoints]
        return list(await asyncio.gather(*statuses))

    async def _consumer_status(
        self, checkpoint: Checkpoint, now: datetime, sequence: int
    ) -> ConsumerStatus:
        next_transitions, quarantined_count, oldest_quarantined = await asyncio.gather(
            self._store.transitions.read_after(checkpoint.sequence, 1),
            self._store.quarantine.count(checkpoint.consumer),
            self._store.quarantine.oldest(checkpoint.consumer, MAX_QUARANTINED_SHOWN),
        )
        return ConsumerStatus(
            checkpoint=checkpoint,
            transitions_behind=max(sequence - checkpoint.sequence, 0),
            lag=max(now - next_transitions[0].at, timedelta(0))
            if next_transitions
            else timedelta(0),
            quarantined_count=quarantined_count,
            oldest_quarantined=oldest_quarantined,
        )

    async def _changes_behind(self, partitions: Sequence[PartitionStatus]) -> BoundedCount | None:
        if (slowest_partition := find_slowest_partition(partitions)) is None:
            return None
        return await self._store.oplog.count_changes_after(slowest_partition.progress.position)

    async def _backfilled_ratio(self, partitions: Sequence[PartitionStatus]) -> float | None:
        """The approximate share of customers that the backfill to the last definition change has
        passed; None if all have."""
        last_revision = await self._store.definition_changes.last_revision()
        if all(partition.progress.base_revision >= last_revision for partition in partitions):
            return None
        sample_ids = await self._store.customers.sample_ids(_SAMPLE_SIZE)
        backfilled = [
            partition.progress.revision_of(id_) >= last_revision
            for partition in partitions
            for id_ in sample_ids
        ]
        return sum(backfilled) / len(backfilled) if backfilled else 0.0
