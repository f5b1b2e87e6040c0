"""Runs one consumer: its batches, and the retries and the quarantine of those that fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import structlog

from app.backoff import Backoff
from app.domain.consumers import Consumer, QuarantinedTransition
from app.domain.transitions import Transition
from app.errors import LeaseLost, QuarantineFull, SegmentsError
from app.services.polling import wait
from app.store import DatabaseError, Store, Transaction, is_outage, message_of
from app.store.leases import Holder

log = structlog.get_logger()

Handler = Callable[[Transaction, Sequence[Transition]], Awaitable[None]]
# Returns the segments whose transitions have an effect anywhere in the log after a sequence.
SegmentSelector = Callable[[Transaction, int], Awaitable[Sequence[str]]]

MAX_BATCH_SIZE = 512
# To read the transitions of more segments is no faster than to read the whole log.
MAX_SELECTED_SEGMENTS = 200
# With more customers in quarantine, the cause is probably not their data: the consumer blocks.
MAX_QUARANTINED_CUSTOMERS = 100

_POLL_SECONDS = 1.0
# The pause after a wake-up, so that transitions which arrive close together become one batch.
_LINGER_SECONDS = 0.05
# The pause before the retry of a batch that conflicted with another writer.
_CONFLICT_PAUSE_SECONDS = 0.02
# Quarantined transitions that are retried between two batches.
_MAX_RETRIES_PER_BATCH = 10


class ConsumerRunner:
    """Reads the log after the consumer's checkpoint, batch by batch: the transitions of the
    segments that `select_segments` returns, or all of them.

    One transaction writes the effects of a batch and advances the checkpoint, so a killed process
    neither loses nor repeats an effect. A lease lets one worker at a time consume.

    A batch that fails is halved until it succeeds or is a single transition. That transition goes
    into quarantine and is retried from there; the consumer continues with the next one. If MongoDB
    fails, nothing is quarantined: the batch is retried after a back-off.
    """

    def __init__(
        self,
        store: Store,
        consumer: Consumer,
        handler: Handler,
        select_segments: SegmentSelector | None = None,
        *,
        max_batch_size: int = MAX_BATCH_SIZE,
    ) -> None:
        self._store = store
        self._consumer = consumer
        self._handler = handler
        self._select_segments = select_segments
        self._max_batch_size = self._batch_size = max_batch_size
        self._worker_id = uuid4().hex
        self._has_failed = False

    async def run(self, wake_event: asyncio.Event) -> None:
        """Consumes until it is cancelled: when `wake_event` is set, and at least every second. An
        error is logged, saved with the checkpoint, and retried with a back-off."""
        backoff = Backoff()
        async with self._store.heartbeats.keep_alive(self._worker_id):
            while True:
                try:
                    while await self.run_once():
                        backoff.reset()
                    await self._clear_failure()
                except Exception as error:  # noqa: BLE001 - no error may end the consumer
                    await self._record_failure(error, backoff.delay_seconds)
                    await backoff.wait()
                else:
                    backoff.reset()
                    await wait(wake_event, _POLL_SECONDS)
                    await asyncio.sleep(_LINGER_SECONDS)

    async def run_once(self) -> bool:
        """Handles one batch, and retries due transitions of the quarantine. Returns whether this
        worker may have more to do; False while another worker holds the lease."""
        store, consumer, owner = self._store, self._consumer, uuid4().hex
        is_behind = await store.checkpoints.get(consumer) < await store.transitions.last_sequence()
        due_retries = await store.quarantine.due_retries(consumer, _MAX_RETRIES_PER_BATCH)
        if not is_behind and not due_retries:
            return False
        async with store.heartbeats.keep_alive(self._worker_id), store.session() as session:
            try:
                if not await store.checkpoints.claim(
                    consumer, Holder(owner, self._worker_id, session)
                ):
                    return False
                retry_results = [
                    await self._retry(quarantined, session) for quarantined in due_retries
                ]
                is_behind = is_behind and await self._handle_next_batch(owner, session)
                return is_behind or any(retry_results)
            except LeaseLost:
                return False
            finally:
                await store.checkpoints.release(owner)

    async def _handle_next_batch(self, owner: str, session: Transaction) -> bool:
        """Handles the next batch, or quarantines its one failing transition. Returns whether there
        may be more."""
        store, consumer = self._store, self._consumer
        batch: list[Transition] = []
        attempts = 0

        async def work(transaction: Transaction) -> None:
            nonlocal batch, attempts
            attempts += 1
            if attempts > 1:
                # Another writer changed the same documents. A smaller batch conflicts less often.
                self._batch_size = max(1, self._batch_size // 2)
                await asyncio.sleep(_CONFLICT_PAUSE_SECONDS)
            # One snapshot for the checkpoint, the log and the handler's reads: see log_boundary.py.
            checkpoint_sequence = await store.checkpoints.get(consumer, transaction)
            batch, last_sequence = await self._read_batch(checkpoint_sequence, transaction)
            if batch:
                await self._handler(transaction, batch)
            if last_sequence > checkpoint_sequence:
                await store.checkpoints.advance(
                    consumer, owner, checkpoint_sequence, last_sequence, transaction
                )

        try:
            await store.transaction(work, session)
        except LeaseLost:
            raise
        except Exception as error:
            self._batch_size = max(1, len(batch) // 2)
            if is_outage(error) or not batch:
                raise
            if len(batch) == 1:
                await self._quarantine(batch[0], error, owner, session)
            return True
        is_full = len(batch) == self._batch_size
        self._batch_size = min(self._max_batch_size, self._batch_size * 2)
        return is_full

    async def _read_batch(
        self, checkpoint_sequence: int, transaction: Transaction
    ) -> tuple[list[Transition], int]:
        """Returns the next transitions to handle, and the sequence that the consumer has reached
        once it has handled them: no transition between them and up to it has an effect."""
        log_end = await self._store.transitions.last_sequence(transaction)
        segment_ids = None
        if self._select_segments is not None:
            segment_ids = await self._select_segments(transaction, checkpoint_sequence)
            if not segment_ids:
                return [], log_end
            if len(segment_ids) > MAX_SELECTED_SEGMENTS:
                segment_ids = None
        batch = await self._store.transitions.read_after(
            checkpoint_sequence, self._batch_size, segment_ids=segment_ids, transaction=transaction
        )
        is_full = len(batch) == self._batch_size
        return batch, batch[-1].sequence if is_full else log_end

    async def _quarantine(
        self, transition: Transition, error: Exception, owner: str, session: Transaction
    ) -> None:
        """Saves the transition for retries and advances the checkpoint past it, in one transaction.

        Raises QuarantineFull, and changes nothing, if too many customers are in quarantine.
        """
        store, consumer, message = self._store, self._consumer, message_of(error)
        if await store.quarantine.count_customers(consumer) >= MAX_QUARANTINED_CUSTOMERS:
            raise QuarantineFull(MAX_QUARANTINED_CUSTOMERS, message) from error

        async def work(transaction: Transaction) -> None:
            checkpoint_sequence = await store.checkpoints.get(consumer, transaction)
            await store.quarantine.add(consumer, transition, message, transaction)
            await store.checkpoints.advance(
                consumer, owner, checkpoint_sequence, transition.sequence, transaction
            )

        await store.transaction(work, session)
        log.error(
            "transition quarantined; retrying it while the consumer continues",
            consumer=consumer.value,
            sequence=transition.sequence,
            customer_id=transition.details.customer_id,
            exc_info=error,
        )

    async def _retry(self, quarantined: QuarantinedTransition, session: Transaction) -> bool:
        """Retries a quarantined transition. Returns whether it succeeded."""

        async def work(transaction: Transaction) -> None:
            # Another worker may have handled it.
            if await self._store.quarantine.remove(quarantined, transaction):
                await self._handler(transaction, [quarantined.transition])

        try:
            await self._store.transaction(work, session)
        except Exception as error:
            if is_outage(error):
                raise
            await self._store.quarantine.schedule_retry(quarantined, message_of(error))
            return False
        log.info(
            "quarantined transition handled",
            consumer=self._consumer.value,
            sequence=quarantined.transition.sequence,
        )
        return True

    async def _record_failure(self, error: Exception, retry_in_seconds: float) -> None:
        self._has_failed = True
        is_expected = isinstance(error, SegmentsError) or is_outage(error)
        (log.warning if is_expected else log.error)(
            "consumer failed; retrying",
            consumer=self._consumer.value,
            error=message_of(error),
            retry_in_seconds=retry_in_seconds,
            exc_info=None if is_expected else error,
        )
        try:
            await self._store.checkpoints.save_failure(self._consumer, message_of(error))
        except DatabaseError:
            # MongoDB is unreachable; the log line above reports it.
            return

    async def _clear_failure(self) -> None:
        if self._has_failed:
            await self._store.checkpoints.clear_failure(self._consumer)
            self._has_failed = False
