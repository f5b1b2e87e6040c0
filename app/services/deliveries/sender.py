"""Sends due deliveries, many at a time, and records the receivers' answers.

A worker claims deliveries under a lease, so several may send. If it is killed, the lease ends and
another worker sends the same content again, with the same Webhook-Id.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from uuid import uuid4

import structlog

from app.backoff import Backoff
from app.domain.deliveries import (
    AttemptResult,
    ClaimedDelivery,
    Outcome,
    WebhookRequest,
    host_of,
    next_attempt_at,
)
from app.domain.distributions import Distribution
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries.channels import Channels
from app.services.deliveries.pausing import pause_distribution
from app.store import DatabaseError, Store
from app.store.delivery_queue import AttemptRecord

log = structlog.get_logger()

MAX_CONCURRENT_ATTEMPTS = 64
MAX_CONCURRENT_ATTEMPTS_PER_HOST = 16
# A host that is new or whose last attempt failed gets few attempts at a time, so that it leaves
# room for others.
MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_HOST = 2
# Deliveries that are claimed ahead, so that no host waits for MongoDB.
_MAX_CLAIMED = 512
_MAX_CLAIMED_PER_HOST = 128
_MAX_CLAIMED_PER_UNPROVEN_HOST = 4
# An attempt begins only while at least one attempt's time is left of the lease.
LEASE_SECONDS = 60.0
_LAST_START_SECONDS = 45.0
_POLL_SECONDS = 0.25
_MIN_POLL_SECONDS = 0.02
# Hosts that are remembered although nothing is being sent to them.
_MAX_IDLE_HOSTS = 1_000
_MAX_RECORDS_PER_BATCH = 256
# The pause after an attempt, so that attempts which end close together are recorded together.
_RECORD_LINGER_SECONDS = 0.02


class _Host:
    """The claimed deliveries of one host, and how many of them are being sent."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[str, float, ClaimedDelivery]] = deque()
        self.sending_count = 0
        # Whether the last attempt reached a receiver that accepts deliveries.
        self.is_proven = False

    def keep_waiting(self, count: int) -> None:
        """Forgets the claimed deliveries beyond this many; they are claimed again later."""
        while len(self.waiting) > count:
            self.waiting.pop()

    def drop_waiting(self, distribution_id: str) -> None:
        """Forgets the claimed deliveries of a distribution."""
        self.waiting = deque(
            entry for entry in self.waiting if entry[2].distribution_id != distribution_id
        )

    @property
    def claimed_count(self) -> int:
        return len(self.waiting) + self.sending_count

    @property
    def needs_more(self) -> bool:
        """Whether fewer deliveries than half of the limit are claimed."""
        return self.claimed_count < self.max_claimed // 2

    @property
    def max_claimed(self) -> int:
        return _MAX_CLAIMED_PER_HOST if self.is_proven else _MAX_CLAIMED_PER_UNPROVEN_HOST

    @property
    def can_send(self) -> bool:
        limit = (
            MAX_CONCURRENT_ATTEMPTS_PER_HOST
            if self.is_proven
            else MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_HOST
        )
        return bool(self.waiting) and self.sending_count < limit


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
        self._hosts: dict[str, _Host] = {}
        self._wake_event = asyncio.Event()
        self._records: asyncio.Queue[tuple[str, AttemptRecord]] = asyncio.Queue()
        self._attempts: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sends until it is cancelled. If MongoDB fails, it retries with a back-off."""
        async with (
            self._open_channels(MAX_CONCURRENT_ATTEMPTS) as channels,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._record_forever())
            try:
                await self._send_forever(channels)
            finally:
                for attempt in self._attempts:
                    attempt.cancel()

    async def _send_forever(self, channels: Channels) -> None:
        backoff = Backoff()
        while True:
            try:
                has_claimed = await self._claim_due()
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
        """Waits until a host needs more deliveries, or for the next poll."""
        self._wake_event.clear()
        await asyncio.sleep(_MIN_POLL_SECONDS)
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._wake_event.wait()
        except TimeoutError:
            return

    def _forget_idle_hosts(self) -> None:
        if len(self._hosts) > _MAX_IDLE_HOSTS:
            self._hosts = {name: host for name, host in self._hosts.items() if host.claimed_count}

    async def _claim_due(self) -> bool:
        """Claims due deliveries of all queues that may be sent. Returns whether there were any."""
        self._forget_idle_hosts()
        room = _MAX_CLAIMED - sum(host.claimed_count for host in self._hosts.values())
        if room <= _MAX_CLAIMED // 2:
            return False
        now = self._clock()
        queues = await self._store.delivery_queue.due_queues(now)
        if not queues:
            return False
        distributions = (await self._definitions.latest()).distributions
        sendable = [
            queue
            for queue in queues
            if queue is None or ((found := distributions.get(queue)) and found.is_live)
        ]
        has_claimed = False
        for queue in sendable:
            # Every queue gets its share, so that a long one does not delay the others.
            share = max(1, room // len(sendable))
            full_hosts = [name for name, host in self._hosts.items() if not host.needs_more]
            owner = uuid4().hex
            limit = min(share, self._claim_limit(distributions[queue] if queue else None))
            claimed = await self._store.delivery_queue.claim(
                queue, full_hosts, limit, owner, LEASE_SECONDS, now
            )
            last_start = monotonic() + _LAST_START_SECONDS
            for delivery in claimed:
                host = self._hosts.setdefault(delivery.content.host, _Host())
                host.waiting.append((owner, last_start, delivery))
            has_claimed = has_claimed or bool(claimed)
        return has_claimed

    def _claim_limit(self, distribution: Distribution | None) -> int:
        """The number of deliveries to claim at once from the queue of a distribution, or from that
        of retried deliveries if None."""
        if distribution is None:
            return _MAX_CLAIMED_PER_UNPROVEN_HOST
        host = self._hosts.get(host_of(distribution.channel)) or _Host()
        return host.max_claimed

    def _start_attempts(self, channels: Channels) -> None:
        """Starts as many attempts as the limits allow, in turn for each host."""
        ready = [host for host in self._hosts.values() if host.can_send]
        while ready and len(self._attempts) < MAX_CONCURRENT_ATTEMPTS:
            for host in ready:
                owner, last_start, delivery = host.waiting.popleft()
                if monotonic() > last_start or not self._may_send(delivery):
                    # The lease ends soon, and the delivery is claimed again when it may be sent.
                    continue
                host.sending_count += 1
                attempt = asyncio.create_task(self._attempt(channels, host, owner, delivery))
                self._attempts.add(attempt)
                attempt.add_done_callback(self._attempts.discard)
                if len(self._attempts) >= MAX_CONCURRENT_ATTEMPTS:
                    break
            ready = [host for host in ready if host.can_send]

    def _may_send(self, delivery: ClaimedDelivery) -> bool:
        """Whether the distribution is live, by definitions that are as new as the last claim."""
        distribution = self._find_distribution(delivery)
        return distribution is not None and (distribution.is_live or delivery.is_retried)

    def _find_distribution(self, delivery: ClaimedDelivery) -> Distribution | None:
        cached = self._definitions.cached
        return cached.distributions.get(delivery.distribution_id) if cached else None

    async def _attempt(
        self, channels: Channels, host: _Host, owner: str, delivery: ClaimedDelivery
    ) -> None:
        started_at = self._clock()
        try:
            result = await self._send(channels, delivery, started_at)
        finally:
            host.sending_count -= 1
        host.is_proven = result.outcome in (Outcome.DELIVERED, Outcome.REJECT)
        if not host.is_proven:
            host.keep_waiting(_MAX_CLAIMED_PER_UNPROVEN_HOST)
        if result.outcome is Outcome.GONE:
            # Their leases end soon; by then the distribution is paused.
            host.drop_waiting(delivery.distribution_id)
        await self._records.put((owner, self._make_record(delivery, result, started_at)))
        self._start_attempts(channels)
        if host.needs_more:
            self._wake_event.set()

    async def _send(
        self, channels: Channels, delivery: ClaimedDelivery, now: datetime
    ) -> AttemptResult:
        valid_secrets: list[str] = []
        if isinstance(delivery.content, WebhookRequest):
            distribution = self._find_distribution(delivery)
            if distribution is None:
                return AttemptResult(Outcome.REJECT, "The distribution has been deleted.")
            valid_secrets = distribution.valid_secrets(now)
        return await channels.send(delivery.id, delivery.content, valid_secrets)

    def _make_record(
        self, delivery: ClaimedDelivery, result: AttemptResult, started_at: datetime
    ) -> AttemptRecord:
        first_attempt_at = delivery.first_attempt_at or started_at
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
