"""One customer's way through the states of its data, the steps of the definitions, and time.

Pure: what it tells of follows from the states, the facts and the instants alone.
"""

from collections.abc import Sequence
from datetime import datetime

from app.domain.changes import CustomerState, DefinitionChange
from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from app.filters import CustomerFacts
from app.services.engine.active_filter_set import ActiveFilterSet, earliest


class MembershipState:
    """Moves states on, and keeps the crossings on the way, in their order."""

    def __init__(
        self, active_filters: ActiveFilterSet, definition_changes: Sequence[DefinitionChange]
    ) -> None:
        self._active_filters = active_filters
        self._definition_changes = definition_changes
        self.pending_transitions: list[PendingTransition] = []

    def advance(
        self, state: CustomerState, facts: CustomerFacts, instant: datetime
    ) -> CustomerState:
        """The state with all done that was due by an instant: the steps of the definitions, and
        what time changed before, between and after them."""
        for definition_change in self._pending_definition_changes(state):
            if not definition_change.gap_partitions:
                state = self._apply_due_timers(state, facts, definition_change.committed_at)
            state = self._apply_definition_change(state, facts, definition_change)
        return self._apply_due_timers(state, facts, instant)

    def _pending_definition_changes(self, state: CustomerState) -> list[DefinitionChange]:
        """The steps that are not behind it. What lies before a gap is as unknown as the gap."""
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
        """The state past the only step, where nothing else is due: of the rows only those matter
        that the filters of the step measure. What is due by then is left to be woken."""
        for definition_change in self._pending_definition_changes(state):
            state = self._apply_definition_change(state, facts, definition_change)
        return state

    def apply_change(
        self, state: CustomerState, facts: CustomerFacts, instant: datetime
    ) -> CustomerState:
        """The state once the customer's data are these, all before being settled."""
        return self._evaluate(state, facts, instant, TransitionCause.LIVE)

    def apply_deletion(self, state: CustomerState, instant: datetime) -> None:
        """The customer leaves whatever it was in, all before being settled."""
        self._add_transitions(state, state.membership_bits, 0, instant, TransitionCause.DELETED)

    def apply_missed_deletion(self, state: CustomerState, instant: datetime) -> None:
        """The same of a customer of whose deletion nothing was heard."""
        holds = state.membership_bits & self._active_filters.bits_in_force(state.revision)
        self._add_transitions(state, holds, 0, instant, TransitionCause.DEFINITION)

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
        holds = match.matching_slots & self._active_filters.bits_in_force(state.revision)
        self._add_transitions(state, state.membership_bits, holds, instant, cause)
        if (holds, match.next_timer_at) == (state.membership_bits, state.next_timer_at):
            return state
        return state._replace(membership_bits=holds, next_timer_at=match.next_timer_at)

    def _apply_definition_change(
        self, state: CustomerState, facts: CustomerFacts, definition_change: DefinitionChange
    ) -> CustomerState:
        """Who is in by the definitions of the step. Of filters that begin with it that is their
        baseline, and no crossing; of those that follow others it is compared with these."""
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
