"""The state machine of a customer's memberships.

Pure: a state, the customer's facts and an instant determine the next state and the transitions.
"""

from collections.abc import Sequence
from datetime import datetime

from app.domain.progress import CustomerState, DefinitionChange
from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from app.filters import CustomerFacts
from app.services.engine.active_filter_set import ActiveFilterSet, earliest


class MembershipStateMachine:
    """Computes next states, and collects the pending transitions in order.

    `definition_changes` are in the order of their revisions.
    """

    def __init__(
        self, active_filters: ActiveFilterSet, definition_changes: Sequence[DefinitionChange]
    ) -> None:
        self._active_filters = active_filters
        self._definition_changes = definition_changes
        self.pending_transitions: list[PendingTransition] = []

    def advance(
        self, state: CustomerState, facts: CustomerFacts, instant: datetime
    ) -> CustomerState:
        """The state after all that was due by an instant: definition changes, and the timers
        before, between and after them, in the order of their instants."""
        for definition_change in self._pending_definition_changes(state):
            if not definition_change.gap_partitions:
                state = self._apply_due_timers(state, facts, definition_change.committed_at)
            state = self._apply_definition_change(state, facts, definition_change)
        return self._apply_due_timers(state, facts, instant)

    def _pending_definition_changes(self, state: CustomerState) -> list[DefinitionChange]:
        """The definition changes that the state has not passed. One after lost history replaces
        those before it: what happened before the end of the gap is unknown."""
        pending_changes: list[DefinitionChange] = []
        for definition_change in self._definition_changes:
            if definition_change.revision > state.revision and definition_change.applies_to(
                state.partition
            ):
                pending_changes = (
                    [definition_change]
                    if definition_change.gap_partitions
                    else [*pending_changes, definition_change]
                )
        return pending_changes

    def apply_only_definition_change(
        self, state: CustomerState, facts: CustomerFacts
    ) -> CustomerState:
        """The state after the only pending definition change; `facts` need only the rows that its
        new filters measure. Timers that are due stay due: the timer chunks apply them."""
        for definition_change in self._pending_definition_changes(state):
            state = self._apply_definition_change(state, facts, definition_change)
        return state

    def apply_change(
        self, state: CustomerState, facts: CustomerFacts, instant: datetime
    ) -> CustomerState:
        """The state after the customer's data became `facts`. advance() comes first."""
        return self._evaluate(state, facts, instant, TransitionCause.LIVE)

    def apply_deletion(self, state: CustomerState, instant: datetime) -> None:
        """Ends all memberships of a deleted customer. advance() comes first."""
        self._add_transitions(state, state.membership_bits, 0, instant, TransitionCause.DELETED)

    def apply_missed_deletion(self, state: CustomerState, instant: datetime) -> None:
        """Ends all memberships of a customer whose deletion fell into lost history."""
        known_bits = state.membership_bits & self._active_filters.bits_in_force(state.revision)
        self._add_transitions(state, known_bits, 0, instant, TransitionCause.DEFINITION)

    def _apply_due_timers(
        self, state: CustomerState, facts: CustomerFacts, until_instant: datetime
    ) -> CustomerState:
        while state.next_timer_at is not None and state.next_timer_at <= until_instant:
            state = self._evaluate(state, facts, state.next_timer_at, TransitionCause.TIME)
        return state

    def _evaluate(
        self, state: CustomerState, facts: CustomerFacts, instant: datetime, cause: TransitionCause
    ) -> CustomerState:
        match = self._active_filters.all_filters.match(facts, instant)
        current_bits = match.matching_slots & self._active_filters.bits_in_force(state.revision)
        self._add_transitions(state, state.membership_bits, current_bits, instant, cause)
        if (current_bits, match.next_timer_at) == (state.membership_bits, state.next_timer_at):
            return state
        return state._replace(membership_bits=current_bits, next_timer_at=match.next_timer_at)

    def _apply_definition_change(
        self, state: CustomerState, facts: CustomerFacts, definition_change: DefinitionChange
    ) -> CustomerState:
        """The state by the filters of the definition change, as of its instant.

        A filter of a newly active segment starts with the present members as its baseline, without
        transitions. A filter that replaces another is compared with the memberships of that one.
        After lost history all filters are evaluated anew and compared with the last known
        memberships.
        """
        filter_changes = self._active_filters.change_between(
            state.revision, definition_change.revision
        )
        known_bits = state.membership_bits & filter_changes.unchanged_bits
        reevaluated_bits = filter_changes.unchanged_bits if definition_change.gap_partitions else 0
        for old_bit, new_bit in filter_changes.replacements:
            reevaluated_bits |= new_bit
            known_bits |= new_bit if state.membership_bits & old_bit else 0
        next_timer_at = state.next_timer_at
        if reevaluated_bits or filter_changes.added_bits:
            compiled_filters = (
                self._active_filters.all_filters
                if definition_change.gap_partitions
                else self._active_filters.compiled_filters(filter_changes.new_bits)
            )
            match = compiled_filters.match(facts, definition_change.committed_at)
            next_timer_at = (
                match.next_timer_at
                if definition_change.gap_partitions
                else earliest(next_timer_at, match.next_timer_at)
            )
            current_bits = known_bits & ~reevaluated_bits | match.matching_slots & reevaluated_bits
            self._add_transitions(
                state,
                known_bits,
                current_bits,
                definition_change.committed_at,
                TransitionCause.DEFINITION,
            )
            known_bits = current_bits | match.matching_slots & filter_changes.added_bits
        return state._replace(
            revision=definition_change.revision,
            membership_bits=known_bits,
            next_timer_at=next_timer_at,
        )

    def _add_transitions(
        self,
        state: CustomerState,
        bits_before: int,
        bits_after: int,
        instant: datetime,
        cause: TransitionCause,
    ) -> None:
        for bit, active_filter in self._active_filters.filters_in(bits_before ^ bits_after):
            pending_transition = PendingTransition(
                TransitionType.ENTERED if bits_after & bit else TransitionType.LEFT,
                cause,
                active_filter.segment_id,
                active_filter.segment_name,
                state.customer_id,
                state.source_id,
                instant,
            )
            self.pending_transitions.append(pending_transition)
