"""How the engine is doing, as MongoDB tells: whoever asks need not be where it runs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.domain.consumers import Checkpoint, ConsumerStatus
from app.domain.engine import Counted, EngineStatus, Partition, slowest
from app.store import Store

_MOST_DUE = 10_000
# Enough for a share that is right by a few hundredths.
_SAMPLE = 200
MAX_QUARANTINED_SHOWN = 10


class EngineStatusReader:
    """Asks a few small questions, however many customers there are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def now(self) -> EngineStatus:
        # Alone: where MongoDB does not answer, this one question waits for it and no others.
        at = await self._store.partitions.now()
        partitions = await self._store.partitions.all()
        workers, last_error, active_segments, sequence = await asyncio.gather(
            self._store.workers.all(),
            self._store.workers.last_error(),
            self._store.active_filters.number(),
            self._store.transitions.end(),
        )
        consumers = await self._consumers(at, sequence)
        wakes_due, next_wake_at, passed_share, windows, changes_behind = await asyncio.gather(
            self._store.states.count_due(at, _MOST_DUE),
            self._store.states.next_wake(at),
            self._passed_share(partitions),
            self._store.oplog.windows(),
            self._changes_behind(partitions),
        )
        return EngineStatus(
            at=at,
            partitions=partitions,
            workers=workers,
            changes_behind=changes_behind,
            wakes_due=wakes_due,
            next_wake_at=next_wake_at,
            active_segments=active_segments,
            sequence=sequence,
            passed_share=passed_share,
            windows=windows,
            last_error=last_error,
            consumers=consumers,
        )

    async def _consumers(self, at: datetime, sequence: int) -> list[ConsumerStatus]:
        checkpoints = await self._store.checkpoints.all()
        found = [self._consumer(checkpoint, at, sequence) for checkpoint in checkpoints]
        return list(await asyncio.gather(*found))

    async def _consumer(
        self, checkpoint: Checkpoint, at: datetime, sequence: int
    ) -> ConsumerStatus:
        waiting, quarantined, oldest = await asyncio.gather(
            self._store.transitions.after(checkpoint.sequence, 1),
            self._store.quarantine.number(checkpoint.consumer),
            self._store.quarantine.oldest(checkpoint.consumer, MAX_QUARANTINED_SHOWN),
        )
        return ConsumerStatus(
            checkpoint=checkpoint,
            behind=max(sequence - checkpoint.sequence, 0),
            lag=max(at - waiting[0].at, timedelta(0)) if waiting else timedelta(0),
            quarantined=quarantined,
            quarantine=oldest,
        )

    async def _changes_behind(self, partitions: Sequence[Partition]) -> Counted | None:
        if (behind := slowest(partitions)) is None:
            return None
        return await self._store.oplog.changes_after(behind.progress.place)

    async def _passed_share(self, partitions: Sequence[Partition]) -> float | None:
        """About which share of the customers has passed the last step; None where all have."""
        step = await self._store.partitions.last_step()
        if all(partition.progress.base >= step for partition in partitions):
            return None
        ids = await self._store.customers.some_ids(_SAMPLE)
        passed = [each.progress.passed(id_) >= step for each in partitions for id_ in ids]
        return sum(passed) / len(passed) if passed else 0.0
