"""Live transitions: one reader of the log per process, shared by all its subscribers."""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import structlog
from prometheus_client import Counter, Gauge

from app.domain.transitions import PendingTransition, Transition
from app.errors import SlowConsumer
from app.services.polling import poll_forever, wait
from app.store import Store

log = structlog.get_logger()

# A subscriber with more pending transitions is disconnected, and may reconnect with its cursor.
MAX_PENDING_TRANSITIONS = 10_000
_BATCH_SIZE = 1_000
_POLL_SECONDS = 1.0

_subscriber_gauge = Gauge(
    "segments_subscribers", "Subscribers to the transition log in this process."
)
_delivered_counter = Counter(
    "segments_subscriber_transitions", "Transitions delivered to subscribers."
)
_slow_subscriber_counter = Counter(
    "segments_slow_subscribers", "Subscriptions closed with SLOW_CONSUMER."
)


@dataclass(frozen=True, slots=True)
class TransitionFilter:
    """The part of the log that a subscriber wants: of segments, of a customer, or both.

    None means any segment, or any customer.
    """

    segment_ids: frozenset[str] | None = None
    customer_id: str | None = None

    def index_keys(self) -> Collection[str | None]:
        """The ids under which the feed indexes the subscriber. A matching transition has one of
        them; None stands for any."""
        if self.customer_id is not None:
            return (self.customer_id,)
        return (None,) if self.segment_ids is None else self.segment_ids

    def matches(self, pending_transition: PendingTransition) -> bool:
        """Whether the transition is in this part of the log."""
        return (self.segment_ids is None or pending_transition.segment_id in self.segment_ids) and (
            self.customer_id is None or pending_transition.customer_id == self.customer_id
        )


class Subscriber:
    """One subscription's queue of pending transitions, at most MAX_PENDING_TRANSITIONS long."""

    def __init__(self, transition_filter: TransitionFilter, after_sequence: int) -> None:
        self._transition_filter = transition_filter
        self._last_sequence = after_sequence
        self._pending: deque[Transition] = deque()
        self._ready = asyncio.Event()
        self._is_too_slow = False

    def put(self, transition: Transition) -> None:
        """Queues the transition if it matches and is not delivered yet. A full queue marks the
        subscriber as too slow."""
        if transition.sequence <= self._last_sequence or not self._transition_filter.matches(
            transition.details
        ):
            return
        if len(self._pending) == MAX_PENDING_TRANSITIONS:
            self.mark_too_slow()
        elif not self._is_too_slow:
            self._pending.append(transition)
            self._ready.set()

    def mark_too_slow(self) -> None:
        """Empties the queue; next() raises SlowConsumer from now on."""
        self._is_too_slow = True
        self._pending.clear()
        self._ready.set()

    async def next_batch(self, max_size: int) -> list[Transition]:
        """Waits for the next transition and returns those that are pending, at most `max_size`.
        The caller delivers them before it asks again. Raises SlowConsumer, with the last delivered
        sequence, if too many were pending."""
        if not self._pending:
            self._ready.clear()
            if not self._is_too_slow:
                await self._ready.wait()
        if self._is_too_slow:
            _slow_subscriber_counter.inc()
            raise SlowConsumer(self._last_sequence)
        batch = [self._pending.popleft() for _ in range(min(len(self._pending), max_size))]
        self._last_sequence = batch[-1].sequence
        _delivered_counter.inc(len(batch))
        return batch


class TransitionFeed:
    """Reads each transition once while there are subscribers, and delivers it to those that want
    it.

    `wake_event` is set when the log has grown; without it the feed polls every second.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_sequence = 0
        # By segment id or customer id; None holds the subscribers to everything.
        self._subscribers: dict[str | None, set[Subscriber]] = {}
        self.wake_event = asyncio.Event()

    @property
    def subscriber_count(self) -> int:
        """The number of subscribers."""
        return len(set(chain.from_iterable(self._subscribers.values())))

    def is_past(self, sequence: int) -> bool:
        """Whether a subscriber from this sequence on would miss transitions that the feed has
        passed."""
        return bool(self._subscribers) and sequence < self._last_sequence

    @contextmanager
    def subscribe(
        self, transition_filter: TransitionFilter, after_sequence: int
    ) -> Iterator[Subscriber]:
        """Subscribes to the transitions after a sequence that the feed has not passed: see
        is_past()."""
        subscriber = Subscriber(transition_filter, after_sequence)
        if not self._subscribers:
            self._last_sequence = after_sequence
        for key in transition_filter.index_keys():
            self._subscribers.setdefault(key, set()).add(subscriber)
        _subscriber_gauge.inc()
        self.wake_event.set()
        try:
            yield subscriber
        finally:
            _subscriber_gauge.dec()
            for key in transition_filter.index_keys():
                self._subscribers[key].remove(subscriber)
                if not self._subscribers[key]:
                    del self._subscribers[key]

    async def run(self) -> None:
        """Reads and delivers until it is cancelled."""
        await poll_forever(
            self._read_batch, self._wait_for_more, "can't read the transition log; retrying"
        )

    async def _wait_for_more(self) -> None:
        await wait(self.wake_event, _POLL_SECONDS if self._subscribers else None)

    async def _read_batch(self) -> bool:
        """Reads and delivers a batch. Returns whether there may be more."""
        if not self._subscribers:
            return False
        last_sequence = self._last_sequence
        transitions = await self._store.transitions.read_after(last_sequence, _BATCH_SIZE)
        if last_sequence != self._last_sequence:
            # During the read all subscribers left, and a new one set another position.
            return True
        if transitions and transitions[0].sequence > last_sequence + 1:
            log.warning("transition log trimmed past the feed; disconnecting subscribers")
            self._mark_all_too_slow()
        for transition in transitions:
            self._deliver(transition)
            self._last_sequence = transition.sequence
        return len(transitions) == _BATCH_SIZE

    def _deliver(self, transition: Transition) -> None:
        pending_transition = transition.details
        for key in (None, pending_transition.segment_id, pending_transition.customer_id):
            for subscriber in self._subscribers.get(key, ()):
                subscriber.put(transition)

    def _mark_all_too_slow(self) -> None:
        for subscriber in chain.from_iterable(self._subscribers.values()):
            subscriber.mark_too_slow()
