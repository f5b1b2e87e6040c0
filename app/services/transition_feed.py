"""Transitions as they are committed: one reader of the log in a process, for all who follow it."""

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

# A follower for whom more than so many wait is cut off, and may come back with its cursor.
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
    """Which part of the log: that of some segments, of a customer, or both; None is all."""

    segment_ids: frozenset[str] | None = None
    customer_id: str | None = None

    def index_keys(self) -> Collection[str | None]:
        """Under which ids its follower is found: a transition must have one of them."""
        if self.customer_id is not None:
            return (self.customer_id,)
        return (None,) if self.segment_ids is None else self.segment_ids

    def matches(self, pending_transition: PendingTransition) -> bool:
        return (self.segment_ids is None or pending_transition.segment_id in self.segment_ids) and (
            self.customer_id is None or pending_transition.customer_id == self.customer_id
        )


class Subscriber:
    """What waits for one who follows the log: no more than MOST_WAITING."""

    def __init__(self, transition_filter: TransitionFilter, after_sequence: int) -> None:
        self._transition_filter = transition_filter
        self._last_sequence = after_sequence
        self._pending: deque[Transition] = deque()
        self._ready = asyncio.Event()
        self._is_too_slow = False

    def put(self, transition: Transition) -> None:
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
        """It will hear that it was too slow, and until then takes no room."""
        self._is_too_slow = True
        self._pending.clear()
        self._ready.set()

    async def next(self) -> Transition:
        """The next one, as soon as it is there; SlowConsumer where too many have waited."""
        if not self._pending:
            self._ready.clear()
            if not self._is_too_slow:
                await self._ready.wait()
        if self._is_too_slow:
            _slow_subscriber_counter.inc()
            raise SlowConsumer(self._last_sequence)
        transition = self._pending.popleft()
        self._last_sequence = transition.sequence
        _delivered_counter.inc()
        return transition


class TransitionFeed:
    """Reads the log while anybody follows it, each transition once, and hands it to those only
    who wait for it. It is woken when the log has grown, and else looks each second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_sequence = 0
        # By what is wanted: the id of a segment, of a customer; None is all of it.
        self._subscribers: dict[str | None, set[Subscriber]] = {}
        self.wake_event = asyncio.Event()

    @property
    def subscriber_count(self) -> int:
        """How many follow."""
        return len(set(chain.from_iterable(self._subscribers.values())))

    def is_past(self, sequence: int) -> bool:
        """Whether who follows from this place on would not get all of it."""
        return bool(self._subscribers) and sequence < self._last_sequence

    @contextmanager
    def subscribe(
        self, transition_filter: TransitionFilter, after_sequence: int
    ) -> Iterator[Subscriber]:
        """What is wanted of the log from after a place on that the feed is not past."""
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
        """For ever."""
        await poll_forever(self._read_batch, self._wait_for_more, "the log can't be read")

    async def _wait_for_more(self) -> None:
        await wait(self.wake_event, _POLL_SECONDS if self._subscribers else None)

    async def _read_batch(self) -> bool:
        """Whether there may be more."""
        if not self._subscribers:
            return False
        last_sequence = self._last_sequence
        transitions = await self._store.transitions.read_after(last_sequence, _BATCH_SIZE)
        if last_sequence != self._last_sequence:
            # All have gone meanwhile, and somebody has come who is elsewhere.
            return True
        if transitions and transitions[0].sequence > last_sequence + 1:
            log.warning("what is deleted of the log has overtaken who follows it")
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
