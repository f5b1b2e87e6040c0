"""One customer's way through the states of its data, the steps of the definitions, and time.

Pure: what it tells of follows from the states, the facts and the instants alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.changes import Document, State, Step
from app.domain.transitions import Crossing, TransitionCause, TransitionType
from app.filters import Facts
from app.services.engine.watch import Watch


class Course:
    """Moves states on, and keeps the crossings on the way, in their order."""

    def __init__(self, watch: Watch, steps: Sequence[Step]) -> None:
        self._watch = watch
        self._steps = steps
        self.crossings: list[Crossing] = []

    def settled(self, state: State, facts: Facts, at: datetime) -> State:
        """The state with all done that was due by an instant: the steps of the definitions, and
        what time changed before, between and after them."""
        for step in self._steps:
            if step.revision > state.revision:
                if not step.gap:
                    state = self._woken(state, facts, step.at)
                state = self._stepped(state, facts, step)
        return self._woken(state, facts, at)

    def changed(self, state: State, facts: Facts, at: datetime) -> State:
        """The state once the customer's data are these, all before being settled."""
        return self._moved(state, facts, at, TransitionCause.LIVE)

    def deleted(self, state: State, document: Document, at: datetime) -> None:
        """The customer leaves whatever it was in, all before being settled."""
        self._cross(state, 0, document, at, TransitionCause.DELETED)

    def _woken(self, state: State, facts: Facts, until: datetime) -> State:
        while state.wakes_at is not None and state.wakes_at <= until:
            state = self._moved(state, facts, state.wakes_at, TransitionCause.TIME)
        return state

    def _moved(self, state: State, facts: Facts, at: datetime, cause: TransitionCause) -> State:
        match = self._watch.match(facts, at)
        holds = match.holds & self._watch.in_force(state.revision)
        self._cross(state, holds, facts.document, at, cause)
        return replace(state, holds=holds, wakes_at=match.wakes_at)

    def _stepped(self, state: State, facts: Facts, step: Step) -> State:
        """Who is in by the definitions of the step. Of filters that begin with it that is their
        baseline, and no crossing; of those that follow others it is compared with these."""
        turn = self._watch.turn(state.revision, step.revision)
        known = state.holds & turn.kept
        judged = turn.kept if step.gap else 0
        for old, new in turn.followed:
            judged |= new
            known |= new if state.holds & old else 0
        wakes_at = state.wakes_at
        if judged or turn.begun:
            match = self._watch.match(facts, step.at)
            wakes_at = match.wakes_at
            now = known & ~judged | match.holds & judged
            cause = TransitionCause.DEFINITION
            self._cross(replace(state, holds=known), now, facts.document, step.at, cause)
            known = now | match.holds & turn.begun
        return replace(state, revision=step.revision, holds=known, wakes_at=wakes_at)

    def _cross(
        self,
        state: State,
        holds: int,
        document: Document,
        at: datetime,
        cause: TransitionCause,
    ) -> None:
        for bit, active in self._watch.among(state.holds ^ holds):
            type_ = TransitionType.ENTERED if holds & bit else TransitionType.LEFT
            crossing = Crossing(
                type_,
                cause,
                active.segment_id,
                active.segment_name,
                state.customer_id,
                document["sourceId"],
                at,
            )
            self.crossings.append(crossing)
