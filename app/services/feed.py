"""Transitions as they are committed: one reader of the log in a process, for all who follow it."""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import structlog
from prometheus_client import Counter, Gauge

from app.domain.transitions import Crossing, Transition
from app.errors import SlowConsumer
from app.services.waking import keep_reading, woken
from app.store import Store

log = structlog.get_logger()

# A follower for whom more than so many wait is cut off, and may come back with its cursor.
MOST_WAITING = 10_000
_STEP = 1_000
_POLL_SECONDS = 1.0

_followers = Gauge("segments_subscribers", "Who follows the log of transitions in this process.")
_delivered = Counter("segments_subscribers_transitions", "Transitions handed to subscribers.")
_cut_off = Counter("segments_subscribers_slow", "Subscribers cut off because they were too slow.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the log: that of some segments, of a customer, or both; None is all."""

    segment_ids: frozenset[str] | None = None
    customer_id: str | None = None

    def groups(self) -> Collection[str | None]:
        """Under which ids its follower is found: a transition must have one of them."""
        if self.customer_id is not None:
            return (self.customer_id,)
        return (None,) if self.segment_ids is None else self.segment_ids

    def includes(self, crossing: Crossing) -> bool:
        return (self.segment_ids is None or crossing.segment_id in self.segment_ids) and (
            self.customer_id is None or crossing.customer_id == self.customer_id
        )


class Follower:
    """What waits for one who follows the log: no more than MOST_WAITING."""

    def __init__(self, wanted: Wanted, place: int) -> None:
        self._wanted = wanted
        self._place = place
        self._waiting: deque[Transition] = deque()
        self._come = asyncio.Event()
        self._too_slow = False

    def put(self, transition: Transition) -> None:
        if transition.sequence <= self._place or not self._wanted.includes(transition.crossing):
            return
        if len(self._waiting) == MOST_WAITING:
            self.cut_off()
        elif not self._too_slow:
            self._waiting.append(transition)
            self._come.set()

    def cut_off(self) -> None:
        """It will hear that it was too slow, and until then takes no room."""
        self._too_slow = True
        self._waiting.clear()
        self._come.set()

    async def next(self) -> Transition:
        """The next one, as soon as it is there; SlowConsumer where too many have waited."""
        if not self._waiting:
            self._come.clear()
            if not self._too_slow:
                await self._come.wait()
        if self._too_slow:
            _cut_off.inc()
            raise SlowConsumer(self._place)
        transition = self._waiting.popleft()
        self._place = transition.sequence
        _delivered.inc()
        return transition


class Feed:
    """Reads the log while anybody follows it, each transition once, and hands it to those only
    who wait for it. It is woken when the log has grown, and else looks each second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._place = 0
        # By what is wanted: the id of a segment, of a customer; None is all of it.
        self._followers: dict[str | None, set[Follower]] = {}
        self.wake = asyncio.Event()

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(set(chain.from_iterable(self._followers.values())))

    def is_past(self, place: int) -> bool:
        """Whether who follows from this place on would not get all of it."""
        return bool(self._followers) and place < self._place

    @contextmanager
    def follow(self, wanted: Wanted, place: int) -> Iterator[Follower]:
        """What is wanted of the log from after a place on that the feed is not past."""
        follower = Follower(wanted, place)
        if not self._followers:
            self._place = place
        for key in wanted.groups():
            self._followers.setdefault(key, set()).add(follower)
        _followers.inc()
        self.wake.set()
        try:
            yield follower
        finally:
            _followers.dec()
            for key in wanted.groups():
                self._followers[key].remove(follower)
                if not self._followers[key]:
                    del self._followers[key]

    async def run(self) -> None:
        """For ever."""
        await keep_reading(self._read_on, self._rest, "the log can't be read")

    async def _rest(self) -> None:
        await woken(self.wake, _POLL_SECONDS if self._followers else None)

    async def _read_on(self) -> bool:
        """Whether there may be more."""
        if not self._followers:
            return False
        place = self._place
        found = await self._store.transitions.after(place, _STEP)
        if place != self._place:
            # All have gone meanwhile, and somebody has come who is elsewhere.
            return True
        if found and found[0].sequence > place + 1:
            log.warning("what is deleted of the log has overtaken who follows it")
            self._cut_all_off()
        for transition in found:
            self._hand_out(transition)
            self._place = transition.sequence
        return len(found) == _STEP

    def _hand_out(self, transition: Transition) -> None:
        crossing = transition.crossing
        for key in (None, crossing.segment_id, crossing.customer_id):
            for follower in self._followers.get(key, ()):
                follower.put(transition)

    def _cut_all_off(self) -> None:
        for follower in chain.from_iterable(self._followers.values()):
            follower.cut_off()
