"""The engine, which lives as long as its worker does."""

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
from app.domain.changes import DefinitionChange, PartitionProgress
from app.errors import HistoryLost, LeaseLost, PoisonChangeError, SegmentsError
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

_POLL_SECONDS, _MAX_CAUGHT_UP_LAG_SECONDS = 0.5, 1.0


class _RebalanceRequired(Exception):
    """Workers have come or gone: each is to have another share."""


class _CatchUpComplete(Exception):
    """What was set back is where the others are."""


class Engine:
    """Makes transitions of changes. `committed` rings whenever the log has grown."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._worker = uuid4().hex
        self._metrics = WorkerMetrics(monotonic)
        self._has_unreported_error = False
        self.transitions_committed = Signal()

    async def run(self) -> None:
        """Until it is cancelled. Without MongoDB it tries again."""
        try:
            async with (
                self._store.heartbeats.keep_alive(self._worker),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self._retry_until_cancelled(self._process_fair_share))
                tasks.create_task(self._retry_until_cancelled(self._retry_blocked_partition))
                tasks.create_task(
                    self._retry_until_cancelled(Sweeper(self._store, self._worker).run)
                )
        finally:
            await self._store.workers.remove(self._worker)

    async def _retry_until_cancelled(self, run_once: Callable[[], Awaitable[None]]) -> None:
        """Does it again and again; after a while, where MongoDB is lost, or something else is wrong
        that is no customer's fault."""
        backoff = Backoff(initial_seconds=0.2, max_seconds=5)
        # A group that ends with errors forgets that it was cancelled meanwhile.
        while not _is_cancelled():
            try:
                await run_once()
                backoff.reset()
            except* DatabaseError as errors:
                retry_in_seconds = backoff.delay_seconds
                log.warning(
                    "the engine has lost MongoDB",
                    error=_first_message(errors),
                    again_in_seconds=retry_in_seconds,
                )
                self._record_error(f"MongoDB: {_first_message(errors)}")
            except* Exception as errors:
                log.error(
                    "the engine stumbles", exc_info=errors, again_in_seconds=backoff.delay_seconds
                )
                self._record_error(f"the engine stumbles: {_first_message(errors)}")
            else:
                continue
            if not _is_cancelled():
                await backoff.wait()
        raise asyncio.CancelledError

    async def _process_fair_share(self) -> None:
        """Works on a fair share of the partitions, until that is another one."""
        share = await self._report_and_compute_share()
        claim = partial(self._store.partitions.claim, limit=share)
        await self._process_partitions(claim, self._monitor_share)

    async def _retry_blocked_partition(self) -> None:
        """Works on a partition that was set back, until it has caught up with the others."""
        await self._process_partitions(self._store.partitions.claim_blocked, self._monitor_lag)

    async def _process_partitions(
        self,
        claim: Callable[..., Awaitable[dict[int, PartitionProgress]]],
        monitor: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        """Works on what can be claimed, under a name never had before, until what watches over it
        ends it, or something else does."""
        owner = uuid4().hex
        try:
            async with self._store.session() as session, asyncio.TaskGroup() as tasks:
                progress = await claim(Holder(owner, self._worker, session))
                if not progress:
                    await asyncio.sleep(_POLL_SECONDS)
                    return
                log.debug("the engine is at work", worker=owner, partitions=len(progress))
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
            log.info("what was set back has caught up with the others")
        except* _RebalanceRequired:
            log.debug("the engine shares anew", worker=owner)
        except* LeaseLost:
            log.warning("another worker has taken over", worker=owner)
            self._record_error("another worker has taken over what this one held")
        finally:
            await self._store.partitions.release(owner)

    async def _block_partitions(
        self, owner: str, errors: BaseExceptionGroup[PoisonChangeError]
    ) -> None:
        for poison_error in _leaf_errors(errors):
            log.error(
                "a customer can't be settled; it is tried again, and its partition waits for it",
                customer=poison_error.customer_id,
                partition=poison_error.partition,
                exc_info=poison_error,
            )
            self._record_error(str(poison_error))
            await self._store.partitions.block(owner, poison_error)

    async def _recover_from_lost_history(self, owner: str, reason: str) -> None:
        """Brings what this worker holds to the present, where every customer is settled anew."""
        progress_by_partition = await self._store.partitions.progress_of(owner)
        self._record_error(f"history is lost: {reason}")
        log.error(
            "history is lost; what changed meanwhile becomes one transition each, by DEFINITION",
            reason=reason,
            since=min(
                (progress.reached_at.isoformat() for progress in progress_by_partition.values()),
                default=None,
            ),
        )

        # Whoever dropped the customers dropped with them that images are kept.
        await self._store.prepare()

        async def work(transaction: Transaction) -> None:
            # Held still first: whatever they were changed by lies before the place.
            revision = await self._store.increment_revision(DEFINITIONS_REVISION, transaction)
            position, now = await self._store.clock.position_and_time()
            definition_change = DefinitionChange(
                revision, position, now, frozenset(progress_by_partition)
            )
            await self._store.definition_changes.add([definition_change], transaction)
            current_progress = {
                n: replace(progress, position=position, reached_at=now)
                for n, progress in progress_by_partition.items()
            }
            await self._store.partitions.advance(owner, current_progress, transaction)

        await self._store.transaction(work)

    async def _report_and_compute_share(self) -> int:
        """How many partitions are this worker's part. Writes its report."""
        report, has_unreported_error, self._has_unreported_error = (
            self._metrics.report(),
            self._has_unreported_error,
            False,
        )
        worker_count = await self._store.workers.save_report(self._worker, report)
        if has_unreported_error:
            await self._store.workers.save_last_error(report)
        return ceil(PARTITION_COUNT / worker_count)

    def _record_error(self, error: str) -> None:
        """What went wrong is told when MongoDB next answers."""
        self._metrics.record_error(error)
        self._has_unreported_error = True

    async def _monitor_share(self, owner: str) -> None:
        """Ends the work where the worker holds more than its share, or could hold more."""
        held_count = len(await self._store.partitions.progress_of(owner))
        while True:
            share = await self._report_and_compute_share()
            if held_count > share or (
                held_count < share and await self._store.partitions.count_unheld()
            ):
                raise _RebalanceRequired
            await asyncio.sleep(_POLL_SECONDS)

    async def _monitor_lag(self, owner: str) -> None:
        """Ends the work where nothing is left to do but what has just come in."""
        store = self._store
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            progress_by_partition, now = (
                await store.partitions.progress_of(owner),
                await store.clock.now(),
            )
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


def _is_cancelled() -> bool:
    """Whether the current task has been told to stop."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _leaf_errors(errors: BaseExceptionGroup[Error]) -> Iterator[Error]:
    """The errors themselves: groups lie in groups."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaf_errors(error)
        else:
            yield error


def _first_message(errors: BaseExceptionGroup[BaseException]) -> str:
    """What the first of them says."""
    first_error = next(_leaf_errors(errors))
    return (
        str(first_error)
        if isinstance(first_error, (SegmentsError, DatabaseError))
        else repr(first_error)
    )
