"""Sends due deliveries, many at a time, and records the receivers' answers.

A worker claims deliveries under a lease, so several may send. If it is killed, its claims end soon
after its heartbeat, and another worker sends the same content again, with the same Webhook-Id.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from time import monotonic
from uuid import uuid4

import structlog

from app.backoff import Backoff
from app.domain.deliveries import (
    AttemptResult,
    ClaimedDelivery,
    Outcome,
    host_of,
    next_attempt_at,
)
from app.domain.distributions import Distribution
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries.channels import Channels
from app.services.deliveries.endpoints import (
    MAX_CONCURRENT_ATTEMPTS,
    Attempt,
    Claim,
    EndpointKey,
    Endpoints,
)
from app.services.deliveries.pausing import pause_distribution
from app.store import DatabaseError, Store
from app.store.delivery_queue import AttemptRecord

log = structlog.get_logger()

# The longest claim of a worker that lives. An attempt begins only while at least one attempt's time
# is left of it.
LEASE_SECONDS = 60.0
_LAST_START_SECONDS = 45.0
# Deliveries that somebody retries may be for any endpoint.
_MAX_RETRIED_PER_CLAIM = 16
_MAX_CLAIMED_BESIDE_RETRIED = 512
# So that a healthy endpoint does not wait for the claims of many others.
_MAX_CONCURRENT_CLAIMS = 4
_POLL_SECONDS = 0.25
_MIN_POLL_SECONDS = 0.02
_MAX_RECORDS_PER_BATCH = 256
# The pause after an attempt, so that attempts which end close together are recorded together.
_RECORD_LINGER_SECONDS = 0.02
# A worker that stops waits so long for the answers to running attempts, and then as long for their
# records: what is not recorded is sent again.
_STOP_SECONDS = 1.0


class Sender:
    """Sends on behalf of one worker process."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        channels: Callable[[int], Channels],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._open_channels = channels
        self._clock = clock
        self._worker_id = uuid4().hex
        self._endpoints = Endpoints()
        self._wake_event = asyncio.Event()
        self._records: asyncio.Queue[tuple[str, AttemptRecord]] = asyncio.Queue()
        self._attempts: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def run(self) -> None:
        """Sends until it is cancelled. If MongoDB fails, it retries with a back-off."""
        # The claims of an earlier run ended with its heartbeat.
        self._worker_id = uuid4().hex
        self._endpoints = Endpoints()
        self._is_stopping = False
        async with (
            self._store.heartbeats.keep_alive(self._worker_id),
            self._open_channels(MAX_CONCURRENT_ATTEMPTS) as channels,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._record_forever())
            try:
                await self._send_forever(channels)
            finally:
                await self._finish_attempts()

    async def _finish_attempts(self) -> None:
        """Lets the running attempts end and be recorded, for a short time, and cancels the rest."""
        self._is_stopping = True
        attempts = set(self._attempts)
        try:
            if attempts:
                await asyncio.wait(attempts, timeout=_STOP_SECONDS)
        finally:
            for attempt in attempts:
                attempt.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await self._records.join()

    async def _send_forever(self, channels: Channels) -> None:
        backoff = Backoff()
        while True:
            try:
                has_claimed = await self._claim_due(channels)
            except DatabaseError as error:
                log.warning(
                    "deliveries can't be claimed; retrying",
                    error=error,
                    retry_in_seconds=backoff.delay_seconds,
                )
                await backoff.wait()
                continue
            backoff.reset()
            self._start_attempts(channels)
            if not has_claimed:
                await self._wait()

    async def _wait(self) -> None:
        """Waits until an endpoint needs more deliveries, or for the next poll."""
        self._wake_event.clear()
        await asyncio.sleep(_MIN_POLL_SECONDS)
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._wake_event.wait()
        except TimeoutError:
            return

    async def _claim_due(self, channels: Channels) -> bool:
        """Claims due deliveries of all queues that may be sent, and starts attempts. Returns
        whether there were any."""
        self._endpoints.forget_idle()
        now = self._clock()
        queues = await self._store.delivery_queue.due_queues(now)
        if not queues:
            return False
        distributions = (await self._definitions.latest()).distributions
        keys = [
            EndpointKey(host_of(distribution.channel), distribution.id)
            for queue in queues
            if queue and (distribution := distributions.get(queue)) and distribution.is_live
        ]
        limits: list[tuple[str | None, int]] = [
            (key.distribution_id, limit)
            for key, limit in self._endpoints.claim_limits(keys, monotonic()).items()
        ]
        if None in queues and self._endpoints.claimed_count < _MAX_CLAIMED_BESIDE_RETRIED:
            limits.append((None, _MAX_RETRIED_PER_CLAIM))
        has_claimed = False
        for start in range(0, len(limits), _MAX_CONCURRENT_CLAIMS):
            results = await asyncio.gather(
                *(
                    self._claim(channels, queue, limit, now)
                    for queue, limit in limits[start : start + _MAX_CONCURRENT_CLAIMS]
                )
            )
            has_claimed = has_claimed or any(results)
        return has_claimed

    async def _claim(
        self, channels: Channels, queue: str | None, limit: int, now: datetime
    ) -> bool:
        """Claims at most `limit` deliveries of the queue of a distribution, or of that of retried
        deliveries if None, and starts attempts. Returns whether there were any."""
        owner = uuid4().hex
        full_endpoints = self._endpoints.full_keys(queue)
        # The lease may begin at any time during the call, which an election can hold up.
        expires_at = monotonic() + _LAST_START_SECONDS
        claimed = await self._store.delivery_queue.claim(
            queue, full_endpoints, limit, owner, self._worker_id, LEASE_SECONDS, now
        )
        for delivery in claimed:
            self._endpoints.add(Claim(delivery, owner, expires_at))
        self._start_attempts(channels)
        return bool(claimed)

    def _start_attempts(self, channels: Channels) -> None:
        """Starts as many attempts as the limits allow, unless the sender stops."""
        if self._is_stopping:
            return
        for attempt in self._endpoints.start_attempts(monotonic(), self._may_send):
            task = asyncio.create_task(self._attempt(channels, attempt))
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)

    def _may_send(self, delivery: ClaimedDelivery) -> bool:
        """Whether the distribution is live, by definitions that are as new as the last claim. A
        delivery that somebody retries is sent, or fails, in any case."""
        distribution = self._find_distribution(delivery.distribution_id)
        return delivery.is_retried or (distribution is not None and distribution.is_live)

    def _find_distribution(self, id_: str) -> Distribution | None:
        cached = self._definitions.cached
        return cached.distributions.get(id_) if cached else None

    async def _attempt(self, channels: Channels, attempt: Attempt) -> None:
        endpoint, claim, attempt_started_at = attempt
        started_at = self._clock()
        is_accepted = False
        try:
            result = await self._send(channels, claim.delivery, started_at)
            is_accepted = result.outcome in (Outcome.DELIVERED, Outcome.REJECT)
        finally:
            excess = endpoint.finish(attempt_started_at, monotonic(), is_accepted=is_accepted)
        if result.outcome is Outcome.GONE:
            # Their leases end soon; by then the distribution is paused.
            endpoint.claims.clear()
            excess = []
        record = self._make_record(claim.delivery, result, started_at)
        await self._records.put((claim.owner, record))
        self._start_attempts(channels)
        if excess:
            await self._release(excess)
        if endpoint.needs_more:
            self._wake_event.set()

    async def _release(self, claims: Iterable[Claim]) -> None:
        # If MongoDB fails, the claims end with their leases.
        with suppress(DatabaseError):
            await self._store.delivery_queue.release(
                (claim.owner, claim.delivery.id) for claim in claims
            )

    async def _send(
        self, channels: Channels, delivery: ClaimedDelivery, now: datetime
    ) -> AttemptResult:
        distribution = self._find_distribution(delivery.distribution_id)
        if distribution is None:
            return AttemptResult(Outcome.REJECT, "The distribution has been deleted.")
        valid_secrets = distribution.valid_secrets(now)
        return await channels.send(delivery.id, delivery.content, valid_secrets)

    def _make_record(
        self, delivery: ClaimedDelivery, result: AttemptResult, started_at: datetime
    ) -> AttemptRecord:
        first_attempt_at = delivery.start_of_retries(started_at)
        now = self._clock()
        retry_at = (
            next_attempt_at(delivery.attempts + 1, first_attempt_at, now)
            if result.outcome is Outcome.RETRY
            else None
        )
        return AttemptRecord(
            delivery.id, delivery.distribution_id, result, first_attempt_at, now, retry_at
        )

    async def _record_forever(self) -> None:
        backoff = Backoff()
        while True:
            records = [await self._records.get()]
            await asyncio.sleep(_RECORD_LINGER_SECONDS)
            while not self._records.empty() and len(records) < _MAX_RECORDS_PER_BATCH:
                records.append(self._records.get_nowait())
            while True:
                try:
                    await self._record(records)
                    break
                except DatabaseError as error:
                    log.warning("attempts can't be recorded; retrying", error=error)
                    await backoff.wait()
            backoff.reset()
            for _ in records:
                self._records.task_done()

    async def _record(self, records: list[tuple[str, AttemptRecord]]) -> None:
        """Pauses the distributions whose receiver is dead, then records the attempts. A killed
        worker leaves the deliveries unrecorded, so that another pauses the distribution."""
        reasons = {
            record.distribution_id: reason
            for _, record in records
            if (reason := _pause_reason(record))
        }
        for distribution_id, reason in reasons.items():
            await pause_distribution(self._store, self._definitions, distribution_id, reason)
            log.warning(
                "distribution paused", distribution_id=distribution_id, paused_because=reason
            )
        if reasons:
            await self._definitions.latest()
        await self._store.delivery_queue.record(records)


def _pause_reason(record: AttemptRecord) -> str | None:
    """The reason stays for longer than customers may, so that it has nothing of the answer."""
    result = record.result
    error = result.error.rstrip(".")
    if result.outcome is Outcome.GONE:
        return f"The receiver accepts no more deliveries. {error}."
    if result.outcome is Outcome.RETRY and record.retry_at is None:
        return f"The receiver kept refusing a delivery for a day. {error}."
    return None
