"""A batch: commits that are evaluated together and written in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.changes import (
    CustomerChange,
    CustomerState,
    DefinitionChange,
    Document,
    PartitionProgress,
)
from app.domain.transitions import PendingTransition
from app.filters import CustomerFacts
from app.filters.sources import STATIC_MEMBERS_COLLECTION
from app.services.customer_history import CustomerHistory
from app.services.engine.active_filter_set import ActiveFilterSet
from app.services.engine.membership_state import MembershipStateMachine


@dataclass(frozen=True)
class LoadedRows:
    """The rows by which customers are evaluated: histories of events and orders, and static lists.

    For customers in `definition_change_only` it has only the rows that the new filters of the
    definition change need.
    """

    histories: Mapping[str, CustomerHistory] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    definition_change_only: Collection[str] = ()


class Batch:
    """The membership states of a batch's customers, as they are stored and as they will be."""

    def __init__(
        self,
        active_filters: ActiveFilterSet,
        definition_changes: Sequence[DefinitionChange],
        partition_progress: Mapping[int, PartitionProgress],
    ) -> None:
        self._partition_progress = partition_progress
        self._stored_states: dict[str, CustomerState] = {}
        self.loaded_rows = LoadedRows()
        self._state_machine = MembershipStateMachine(active_filters, definition_changes)
        self._new_states: dict[str, CustomerState] = {}
        self.deleted_ids: set[str] = set()

    def add_stored_states(self, states: Mapping[str, CustomerState]) -> None:
        """Adds stored states of customers that are evaluated next."""
        self._stored_states.update(states)

    def use_rows(self, loaded_rows: LoadedRows) -> None:
        """Replaces the rows by those of the customers that are evaluated next."""
        self.loaded_rows = loaded_rows

    def has_state(self, customer_id: str) -> bool:
        """Whether the batch has the customer's state."""
        return customer_id in self._new_states or customer_id in self._stored_states

    def next_timer_at(self, customer_id: str) -> datetime | None:
        """The next instant at which time alone may change a customer's memberships."""
        state = self._new_states.get(customer_id) or self._stored_states.get(customer_id)
        return None if state is None else state.next_timer_at

    def revision_of(self, customer_id: str, partition: int) -> int:
        """The definitions revision that a customer has reached."""
        state = self._new_states.get(customer_id)
        return (
            state.revision
            if state
            else self._committed_values(customer_id, partition, self._partition_progress)[0]
        )

    @property
    def pending_transitions(self) -> list[PendingTransition]:
        """The transitions of the batch so far, in order; they have no sequence yet."""
        return self._state_machine.pending_transitions

    def apply_change(self, change: CustomerChange, head_revision: int, instant: datetime) -> None:
        """Evaluates a change of a customer. `head_revision` is the definitions revision at the
        change's position: a new customer starts there.

        Timers and definition changes that are due come first and see the data before the change.
        """
        id_ = change.customer_id
        if change.before is None:
            assert change.after is not None
            state = CustomerState(
                id_, change.partition, head_revision, 0, None, change.after["sourceId"]
            )
        else:
            state = self._current_state(id_, change.partition, change.before["sourceId"])
            state = self._state_machine.advance(
                state, self._customer_facts(id_, change.before), instant
            )
        if change.after is not None:
            self.deleted_ids.discard(id_)
            self._new_states[id_] = self._state_machine.apply_change(
                state, self._customer_facts(id_, change.after), instant
            )
        elif change.before is not None:
            self._state_machine.apply_deletion(state, instant)
            self._new_states.pop(id_, None)
            self.deleted_ids.add(id_)

    def evaluate(
        self, customer_id: str, partition: int, document: Document, instant: datetime
    ) -> None:
        """Applies due timers and definition changes to a customer whose data have not changed."""
        state = self._current_state(customer_id, partition, document["sourceId"])
        facts = self._customer_facts(customer_id, document)
        if customer_id in self.loaded_rows.definition_change_only:
            self._new_states[customer_id] = self._state_machine.apply_only_definition_change(
                state, facts
            )
        else:
            self._new_states[customer_id] = self._state_machine.advance(state, facts, instant)

    def apply_missed_deletion(self, state: CustomerState, instant: datetime) -> None:
        """Ends the memberships of a customer whose deletion fell into lost history."""
        state = self._current_state(state.customer_id, state.partition, state.source_id)
        self._state_machine.apply_missed_deletion(state, instant)
        self.deleted_ids.add(state.customer_id)

    def states_to_save(
        self, partition_progress: Mapping[int, PartitionProgress]
    ) -> list[CustomerState]:
        """The states that differ from the stored ones, given the progress to be committed.

        A state that differs only by a revision which the partition's progress implies is not
        written.
        """
        return [
            state
            for id_, state in self._new_states.items()
            if (state.revision, state.membership_bits, state.next_timer_at)
            != self._committed_values(id_, state.partition, partition_progress)
        ]

    def _current_state(self, id_: str, partition: int, source_id: str) -> CustomerState:
        if state := self._new_states.get(id_):
            return state
        committed_values = self._committed_values(id_, partition, self._partition_progress)
        stored_state = self._stored_states.get(id_)
        return CustomerState(
            id_, partition, *committed_values, stored_state.source_id if stored_state else source_id
        )

    def _committed_values(
        self, id_: str, partition: int, partition_progress: Mapping[int, PartitionProgress]
    ) -> tuple[int, int, datetime | None]:
        """The revision, membership bits and next timer that the database implies. A customer
        without a stored state is in no segment. A backfill that passed a customer without changing
        it counts as well: the partition's progress has its revision."""
        passed_revision = partition_progress[partition].revision_of(id_)
        stored_state = None if id_ in self.deleted_ids else self._stored_states.get(id_)
        if stored_state is None:
            return passed_revision, 0, None
        return (
            max(passed_revision, stored_state.revision),
            stored_state.membership_bits,
            stored_state.next_timer_at,
        )

    def _customer_facts(self, id_: str, document: Document) -> CustomerFacts:
        loaded_rows = self.loaded_rows
        lists = (
            {STATIC_MEMBERS_COLLECTION: loaded_rows.lists[id_]} if id_ in loaded_rows.lists else {}
        )
        if (history := loaded_rows.histories.get(id_)) is None:
            return CustomerFacts(document, lists)
        return CustomerFacts(document, lists, history.advance_to(document.get("version")))
