"""The engine of one worker process: it claims partitions, runs them and recovers from errors."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import ceil
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from app.backoff import Backoff
from app.domain.progress import DefinitionChange, PartitionProgress
from app.errors import (
    DefinitionChangeConflict,
    HistoryLost,
    LeaseLost,
    PoisonChangeError,
    SegmentsError,
)
from app.own_task import run_in_own_task
from app.services.engine.partition_processor import PartitionProcessor
from app.services.engine.sweeper import Sweeper
from app.services.engine.worker_metrics import WorkerMetrics
from app.services.polling import Signal
from app.store import DatabaseError, Store, Transaction
from app.store.change_stream import PARTITION_COUNT
from app.store.leases import Holder
from app.store.segments import DEFINITIONS_REVISION

log = structlog.get_logger()

Error = TypeVar("Error", bound=BaseException)

_POLL_SECONDS = 0.5
# A blocked partition has caught up once its lag is below this.
_MAX_CAUGHT_UP_LAG_SECONDS = 1.0


class _RebalanceRequired(Exception):
    """Workers have joined or left, so this worker's share of the partitions has changed."""


class _CatchUpComplete(Exception):
    """A partition that was blocked has reached the position of the others."""


class Engine:
    """Writes transitions for the partitions that this worker holds.

    It notifies `transitions_committed` after each batch that appended to the transition log.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._worker_id = uuid4().hex
        self._metrics = WorkerMetrics(monotonic)
        self._has_unreported_error = False
        self.transitions_committed = Signal()

    async def run(self) -> None:
        """Runs until it is cancelled. While MongoDB is unreachable it retries with a back-off.

        Three tasks run side by side: the worker's share of the partitions, a retry of one blocked
        partition, and the sweeper.
        """
        try:
            async with (
                self._store.heartbeats.keep_alive(self._worker_id),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self._retry_until_cancelled(self._process_fair_share))
                tasks.create_task(self._retry_until_cancelled(self._retry_blocked_partition))
                tasks.create_task(
                    self._retry_until_cancelled(Sweeper(self._store, self._worker_id).run)
                )
        finally:
            await self._store.workers.remove(self._worker_id)

    async def _retry_until_cancelled(
        self, run_once: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Calls `run_once` in a loop until the task is cancelled.

        Errors of MongoDB and unexpected errors are logged and recorded; the next call follows after
        a back-off of 0.2 to 5 seconds. Poison changes do not get here: see `_block_partitions`.
        """
        backoff = Backoff(initial_seconds=0.2, max_seconds=5)
        while True:
            try:
                await run_in_own_task(run_once())
                backoff.reset()
            except* DatabaseError as errors:
                log.warning(
                    "MongoDB is unreachable; retrying",
                    error=_first_message(errors),
                    retry_in_seconds=backoff.delay_seconds,
                )
                self._record_error(f"MongoDB: {_first_message(errors)}")
            except* Exception as errors:
                log.error(
                    "the engine failed unexpectedly; retrying",
                    exc_info=errors,
                    retry_in_seconds=backoff.delay_seconds,
                )
                self._record_error(f"unexpected error: {_first_message(errors)}")
            else:
                continue
            await backoff.wait()

    async def _process_fair_share(self) -> None:
        """Claims and processes a fair share of the partitions until that share changes."""
        share = await self._report_and_compute_share()
        claim = partial(self._store.partitions.claim, limit=share)
        await self._process_partitions(claim, self._monitor_share)

    async def _retry_blocked_partition(self) -> None:
        """Claims a blocked partition whose retry is due and processes it until it has caught up."""
        await self._process_partitions(self._store.partitions.claim_blocked, self._monitor_lag)

    async def _process_partitions(
        self,
        claim: Callable[..., Awaitable[dict[int, PartitionProgress]]],
        monitor: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        """Claims partitions and processes them until `monitor` or an error ends the run.

        The run has an owner id of its own, which was never used before: a transaction of an earlier
        run can't pass the lease check of this one. The partitions are released in the end.
        """
        owner = uuid4().hex
        try:
            async with self._store.session() as session, asyncio.TaskGroup() as tasks:
                progress = await claim(Holder(owner, self._worker_id, session))
                if not progress:
                    await asyncio.sleep(_POLL_SECONDS)
                    return
                log.debug("partitions claimed", lease_owner=owner, partitions=len(progress))
                tasks.create_task(monitor(owner))
                await PartitionProcessor(
                    self._store, session, owner, progress, self.transitions_committed, self._metrics
                ).run()
        except* HistoryLost as errors:
            await self._recover_from_lost_history(owner, _first_message(errors))
        except* PoisonChangeError as errors:
            await self._block_partitions(owner, errors)
        except* _CatchUpComplete:
            await self._store.partitions.unblock(owner)
            log.info("the blocked partition has caught up")
        except* _RebalanceRequired:
            log.debug("rebalancing partitions", lease_owner=owner)
        except* DefinitionChangeConflict:
            # The next run starts at the same position and uses the instant that is recorded.
            log.info("another worker has recorded the definition change first; starting again")
        except* LeaseLost:
            log.warning("another worker has taken over the partition leases", lease_owner=owner)
            self._record_error("another worker has taken over the partition leases")
        finally:
            await self._store.partitions.release(owner)

    async def _block_partitions(
        self, owner: str, errors: BaseExceptionGroup[PoisonChangeError]
    ) -> None:
        """Blocks each partition that has a poison change, and schedules its next retry."""
        for poison_error in _leaf_errors(errors):
            log.error(
                "poison change; its partition is blocked until a retry succeeds",
                customer_id=poison_error.customer_id,
                partition=poison_error.partition,
                exc_info=poison_error,
            )
            self._record_error(str(poison_error))
            await self._store.partitions.block(owner, poison_error)

    async def _recover_from_lost_history(self, owner: str, reason: str) -> None:
        """Moves the worker's partitions to the end of the stream, and has a backfill re-evaluate
        all of their customers there.

        A definition change with a gap (see `DefinitionChange.gap_partitions`) makes the backfill
        compare each customer's last known memberships with the present ones.
        """
        progress_by_partition = await self._store.partitions.progress_of(owner)
        if not progress_by_partition:
            # Without a gap partition the definition change would apply to every partition.
            log.warning("another worker has taken over the partition leases", lease_owner=owner)
            return
        self._record_error(f"change stream history lost: {reason}")
        log.error(
            "change stream history lost; re-evaluating all customers with cause DEFINITION",
            reason=reason,
            lost_since=min(
                (progress.reached_at.isoformat() for progress in progress_by_partition.values()),
                default=None,
            ),
        )

        # If the customers collection was dropped, its setting to keep images is gone with it.
        await self._store.prepare()

        async def work(transaction: Transaction) -> None:
            # The increment locks the definitions: every earlier change of them has a commit time
            # before the position that is read next.
            revision = await self._store.increment_revision(DEFINITIONS_REVISION, transaction)
            position, now = await self._store.clock.position_and_time()
            definition_change = DefinitionChange(
                revision, position, now, frozenset(progress_by_partition)
            )
            await self._store.definition_changes.add([definition_change], transaction)
            current_progress = {
                partition: replace(progress, position=position, reached_at=now)
                for partition, progress in progress_by_partition.items()
            }
            await self._store.partitions.advance(owner, current_progress, transaction)

        await self._store.transaction(work)

    async def _report_and_compute_share(self) -> int:
        """Saves this worker's report. Returns how many partitions are its fair share."""
        report = self._metrics.report()
        has_unreported_error = self._has_unreported_error
        self._has_unreported_error = False
        worker_count = await self._store.workers.save_report(self._worker_id, report)
        if has_unreported_error:
            await self._store.workers.save_last_error(report)
        return ceil(PARTITION_COUNT / worker_count)

    def _record_error(self, error: str) -> None:
        """Keeps the error for the next report, as MongoDB may be unreachable now."""
        self._metrics.record_error(error)
        self._has_unreported_error = True

    async def _monitor_share(self, owner: str) -> None:
        """Raises _RebalanceRequired once the worker holds more than its share, or holds less while
        a partition has no worker."""
        held_count = len(await self._store.partitions.progress_of(owner))
        while True:
            share = await self._report_and_compute_share()
            if held_count > share or (
                held_count < share and await self._store.partitions.count_unheld()
            ):
                raise _RebalanceRequired
            await asyncio.sleep(_POLL_SECONDS)

    async def _monitor_lag(self, owner: str) -> None:
        """Raises _CatchUpComplete once the owner's partitions lag by less than a second, have no
        backfill to do and no overdue timers."""
        store = self._store
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            progress_by_partition = await store.partitions.progress_of(owner)
            now = await store.clock.now()
            caught_up_instant = now - timedelta(seconds=_MAX_CAUGHT_UP_LAG_SECONDS)
            if any(
                progress.reached_at < caught_up_instant
                for progress in progress_by_partition.values()
            ):
                continue
            base_revision = min(
                (progress.base_revision for progress in progress_by_partition.values()), default=0
            )
            if await store.definition_changes.read_after(
                base_revision
            ) or await store.membership_states.due_timers(
                [*progress_by_partition], caught_up_instant, 1
            ):
                continue
            raise _CatchUpComplete


def _leaf_errors(errors: BaseExceptionGroup[Error]) -> Iterator[Error]:
    """The errors in the group and in all nested groups."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaf_errors(error)
        else:
            yield error


def _first_message(errors: BaseExceptionGroup[BaseException]) -> str:
    """The message of the first error; its repr if the error is not one of ours or MongoDB's, or if
    it has no message, like the driver's error about a connection that another error has closed."""
    first_error = next(_leaf_errors(errors))
    is_described = isinstance(first_error, (SegmentsError, DatabaseError))
    return (is_described and str(first_error)) or repr(first_error)
