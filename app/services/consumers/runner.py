"""One consumer at work: its batches, and what it does about those that fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import structlog

from app.backoff import Backoff
from app.domain.consumers import Consumer, QuarantinedTransition
from app.domain.transitions import Transition
from app.errors import LeaseLost, QuarantineFull, SegmentsError
from app.services.waking import woken
from app.store import DatabaseError, Store, Transaction, is_outage, message_of
from app.store.leases import Holder

log = structlog.get_logger()

Handle = Callable[[Transaction, Sequence[Transition]], Awaitable[None]]

MAX_BATCH = 512
# With more customers in quarantine, the cause is hardly one of them: the consumer waits instead.
MAX_QUARANTINED_CUSTOMERS = 100

_POLL_SECONDS = 1.0
# The pause after a signal, so that transitions which arrive close together become one batch.
_GATHER_SECONDS = 0.05
# The pause before a batch is tried again that has conflicted with another writer.
_CONFLICT_SECONDS = 0.02
# How many transitions in quarantine are tried again between two batches.
_MAX_RETRIES = 10


class ConsumerRunner:
    """Reads the log from the consumer's checkpoint on, batch by batch.

    The checkpoint moves in the transaction that writes the effects of the batch: each transition
    has its effects once, whenever a process is killed. One worker consumes at a time, by a lease.

    A batch that fails is halved until it succeeds, or is one transition. That one goes into
    quarantine, from where it is tried again; the consumer goes on with the next. Where MongoDB
    fails, nothing is quarantined: the batch is tried again after a while.
    """

    def __init__(
        self, store: Store, consumer: Consumer, handle: Handle, max_batch: int = MAX_BATCH
    ) -> None:
        self._store = store
        self._consumer = consumer
        self._handle = handle
        self._max_batch = self._batch_size = max_batch
        self._worker = uuid4().hex
        self._has_failed = False

    async def run(self, wake: asyncio.Event) -> None:
        """Consumes until it is cancelled: whenever `wake` is set, and else each second. An error is
        logged, noted in the checkpoint, and tried again with a back-off."""
        backoff = Backoff()
        async with self._store.presence.keep(self._worker):
            while True:
                try:
                    while await self.run_once():
                        backoff.reset()
                    await self._recover()
                except Exception as error:  # noqa: BLE001 - the other tasks go on, whatever it is
                    await self._fail(error, backoff.seconds)
                    await backoff.wait()
                else:
                    backoff.reset()
                    await woken(wake, _POLL_SECONDS)
                    await asyncio.sleep(_GATHER_SECONDS)

    async def run_once(self) -> bool:
        """Handles one batch, and those in quarantine that are due. Returns whether this worker may
        have more to do; it has not while another one consumes."""
        store, consumer, owner = self._store, self._consumer, uuid4().hex
        is_behind = await store.checkpoints.get(consumer) < await store.transitions.end()
        due = await store.quarantine.due(consumer, _MAX_RETRIES)
        if not is_behind and not due:
            return False
        async with store.presence.keep(self._worker), store.session() as session:
            try:
                if not await store.checkpoints.claim(
                    consumer, Holder(owner, self._worker, session)
                ):
                    return False
                released = [await self._try_again(quarantined, session) for quarantined in due]
                is_behind = is_behind and await self._next_batch(owner, session)
                return is_behind or any(released)
            except LeaseLost:
                return False
            finally:
                await store.checkpoints.release(owner)

    async def _next_batch(self, owner: str, session: Transaction) -> bool:
        """Handles the next batch, or a part of it. Returns whether there may be more."""
        store, consumer = self._store, self._consumer
        batch: list[Transition] = []
        tries = 0

        async def work(transaction: Transaction) -> None:
            nonlocal batch, tries
            tries += 1
            if tries > 1:
                # Another writer changed the same documents. A smaller batch conflicts less often.
                self._batch_size = max(1, self._batch_size // 2)
                await asyncio.sleep(_CONFLICT_SECONDS)
            # One snapshot has the checkpoint, the log and what the handler reads: log_boundary.py.
            place = await store.checkpoints.get(consumer, transaction)
            size = self._batch_size
            batch = await store.transitions.after(place, size, transaction=transaction)
            if batch:
                await self._handle(transaction, batch)
                last = batch[-1].sequence
                await store.checkpoints.move(consumer, owner, place, last, transaction)

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
        self._batch_size = min(self._max_batch, self._batch_size * 2)
        return is_full

    async def _quarantine(
        self, transition: Transition, error: Exception, owner: str, session: Transaction
    ) -> None:
        """Moves the checkpoint past the transition, which is kept to be tried again."""
        store, consumer, message = self._store, self._consumer, message_of(error)
        if await store.quarantine.customers(consumer) >= MAX_QUARANTINED_CUSTOMERS:
            raise QuarantineFull(MAX_QUARANTINED_CUSTOMERS, message) from error

        async def work(transaction: Transaction) -> None:
            place = await store.checkpoints.get(consumer, transaction)
            await store.quarantine.add(consumer, transition, message, transaction)
            await store.checkpoints.move(consumer, owner, place, transition.sequence, transaction)

        await store.transaction(work, session)
        log.error(
            "a transition is in quarantine; it is tried again, and the others go on",
            consumer=consumer.value,
            sequence=transition.sequence,
            customer=transition.crossing.customer_id,
            exc_info=error,
        )

    async def _try_again(self, quarantined: QuarantinedTransition, session: Transaction) -> bool:
        """Whether the transition is out of quarantine."""

        async def work(transaction: Transaction) -> None:
            # Another worker may have been faster.
            if await self._store.quarantine.remove(quarantined, transaction):
                await self._handle(transaction, [quarantined.transition])

        try:
            await self._store.transaction(work, session)
        except Exception as error:
            if is_outage(error):
                raise
            await self._store.quarantine.delay(quarantined, message_of(error))
            return False
        log.info(
            "a transition is out of quarantine",
            consumer=self._consumer.value,
            sequence=quarantined.transition.sequence,
        )
        return True

    async def _fail(self, error: Exception, again_in_seconds: float) -> None:
        self._has_failed = True
        known = isinstance(error, SegmentsError) or is_outage(error)
        (log.warning if known else log.error)(
            "a consumer of the transition log is held up",
            consumer=self._consumer.value,
            error=message_of(error),
            again_in_seconds=again_in_seconds,
            exc_info=None if known else error,
        )
        try:
            await self._store.checkpoints.fail(self._consumer, message_of(error))
        except DatabaseError:
            # The log line above has to do.
            return

    async def _recover(self) -> None:
        if self._has_failed:
            await self._store.checkpoints.recover(self._consumer)
            self._has_failed = False
