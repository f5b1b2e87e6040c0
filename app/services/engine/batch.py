"""Commits that are settled together, and written in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.changes import Change, Document, Progress, State, Step
from app.domain.transitions import Crossing
from app.filters import Facts
from app.filters.sources import LISTS
from app.services.customer_history import CustomerHistory
from app.services.engine.course import Course
from app.services.engine.watch import Watch


@dataclass(frozen=True)
class Loaded:
    """The rows of some customers. Of those who are only stepping, no rows are there but those that
    the step asks of."""

    histories: Mapping[str, CustomerHistory] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    only_stepping: Collection[str] = ()


class Batch:
    """The customers of some commits: what was stored of their states, and what becomes of it."""

    def __init__(
        self, watch: Watch, steps: Sequence[Step], progress: Mapping[int, Progress]
    ) -> None:
        self._progress = progress
        self._stored: dict[str, State] = {}
        self.loaded = Loaded()
        self._course = Course(watch, steps)
        self._states: dict[str, State] = {}
        self.gone: set[str] = set()

    def add_states(self, stored: Mapping[str, State]) -> None:
        """What is stored of customers that come next."""
        self._stored.update(stored)

    def use(self, loaded: Loaded) -> None:
        """The rows of the customers that come next, in place of those before."""
        self.loaded = loaded

    def knows(self, customer_id: str) -> bool:
        """Whether the customer's state is here."""
        return customer_id in self._states or customer_id in self._stored

    def wakes_at(self, customer_id: str) -> datetime | None:
        """When a customer's answers may next change by the passing of time alone."""
        state = self._states.get(customer_id) or self._stored.get(customer_id)
        return None if state is None else state.wakes_at

    def revision(self, customer_id: str, partition: int) -> int:
        """The revision of the definitions that a customer has passed."""
        state = self._states.get(customer_id)
        return state.revision if state else self._told(customer_id, partition, self._progress)[0]

    @property
    def crossings(self) -> list[Crossing]:
        return self._course.crossings

    def change(self, change: Change, head: int, at: datetime) -> None:
        """A customer goes from one state of its data to the next. `head` is the revision of the
        definitions at that place."""
        id_ = change.customer_id
        if change.before is None:
            assert change.after is not None
            state = State(id_, change.partition, head, 0, None, change.after["sourceId"])
        else:
            state = self._state(id_, change.partition, change.before["sourceId"])
            state = self._course.settled(state, self._facts(id_, change.before), at)
        if change.after is not None:
            self.gone.discard(id_)
            self._states[id_] = self._course.changed(state, self._facts(id_, change.after), at)
        elif change.before is not None:
            self._course.deleted(state, at)
            self._states.pop(id_, None)
            self.gone.add(id_)

    def settle(self, id_: str, partition: int, document: Document, at: datetime) -> None:
        """Does what is due for a customer whose data have not changed."""
        state = self._state(id_, partition, document["sourceId"])
        facts = self._facts(id_, document)
        if id_ in self.loaded.only_stepping:
            self._states[id_] = self._course.stepped(state, facts)
        else:
            self._states[id_] = self._course.settled(state, facts, at)

    def miss(self, state: State, at: datetime) -> None:
        """A customer is not there of whose deletion nothing was heard."""
        state = self._state(state.customer_id, state.partition, state.source_id)
        self._course.missed(state, at)
        self.gone.add(state.customer_id)

    def to_save(self, progress: Mapping[int, Progress]) -> list[State]:
        """The states that are not yet told by what is stored, and how far the partitions have
        come."""
        return [
            state
            for id_, state in self._states.items()
            if (state.revision, state.holds, state.wakes_at)
            != self._told(id_, state.partition, progress)
        ]

    def _state(self, id_: str, partition: int, source_id: str) -> State:
        if state := self._states.get(id_):
            return state
        told, stored = self._told(id_, partition, self._progress), self._stored.get(id_)
        return State(id_, partition, *told, stored.source_id if stored else source_id)

    def _told(
        self, id_: str, partition: int, progress: Mapping[int, Progress]
    ) -> tuple[int, int, datetime | None]:
        """The revision, what holds, and when to look again, as what is stored tells, or that
        nothing is; who was passed by a revision without being changed by it has passed it, too."""
        passed = progress[partition].passed(id_)
        stored = None if id_ in self.gone else self._stored.get(id_)
        if stored is None:
            return passed, 0, None
        return max(passed, stored.revision), stored.holds, stored.wakes_at

    def _facts(self, id_: str, document: Document) -> Facts:
        loaded = self.loaded
        lists = {LISTS: loaded.lists[id_]} if id_ in loaded.lists else {}
        if (history := loaded.histories.get(id_)) is None:
            return Facts(document, lists)
        return Facts(document, lists, history.at(document.get("version")))
