"""One customer's way through the states of its data, the steps of the definitions, and time.

Pure: what it tells of follows from the states, the facts and the instants alone.
"""

from collections.abc import Sequence
from datetime import datetime

from app.domain.changes import State, Step
from app.domain.transitions import Crossing, TransitionCause, TransitionType
from app.filters import Facts
from app.services.engine.watch import Watch, earlier


class Course:
    """Moves states on, and keeps the crossings on the way, in their order."""

    def __init__(self, watch: Watch, steps: Sequence[Step]) -> None:
        self._watch = watch
        self._steps = steps
        self.crossings: list[Crossing] = []

    def settled(self, state: State, facts: Facts, at: datetime) -> State:
        """The state with all done that was due by an instant: the steps of the definitions, and
        what time changed before, between and after them."""
        for step in self._to_take(state):
            if not step.gaps:
                state = self._woken(state, facts, step.at)
            state = self._stepped(state, facts, step)
        return self._woken(state, facts, at)

    def _to_take(self, state: State) -> list[Step]:
        """The steps that are not behind it. What lies before a gap is as unknown as the gap."""
        steps: list[Step] = []
        for step in self._steps:
            if step.revision > state.revision and step.concerns(state.partition):
                steps = [step] if step.gaps else [*steps, step]
        return steps

    def stepped(self, state: State, facts: Facts) -> State:
        """The state past the only step, where nothing else is due: of the rows only those matter
        that the filters of the step measure. What is due by then is left to be woken."""
        for step in self._to_take(state):
            state = self._stepped(state, facts, step)
        return state

    def changed(self, state: State, facts: Facts, at: datetime) -> State:
        """The state once the customer's data are these, all before being settled."""
        return self._moved(state, facts, at, TransitionCause.LIVE)

    def deleted(self, state: State, at: datetime) -> None:
        """The customer leaves whatever it was in, all before being settled."""
        self._cross(state, state.holds, 0, at, TransitionCause.DELETED)

    def missed(self, state: State, at: datetime) -> None:
        """The same of a customer of whose deletion nothing was heard."""
        holds = state.holds & self._watch.in_force(state.revision)
        self._cross(state, holds, 0, at, TransitionCause.DEFINITION)

    def _woken(self, state: State, facts: Facts, until: datetime) -> State:
        while state.wakes_at is not None and state.wakes_at <= until:
            state = self._moved(state, facts, state.wakes_at, TransitionCause.TIME)
        return state

    def _moved(self, state: State, facts: Facts, at: datetime, cause: TransitionCause) -> State:
        match = self._watch.all.match(facts, at)
        holds = match.holds & self._watch.in_force(state.revision)
        self._cross(state, state.holds, holds, at, cause)
        if (holds, match.wakes_at) == (state.holds, state.wakes_at):
            return state
        return state._replace(holds=holds, wakes_at=match.wakes_at)

    def _stepped(self, state: State, facts: Facts, step: Step) -> State:
        """Who is in by the definitions of the step. Of filters that begin with it that is their
        baseline, and no crossing; of those that follow others it is compared with these."""
        turn = self._watch.turn(state.revision, step.revision)
        known = state.holds & turn.kept
        judged = turn.kept if step.gaps else 0
        for old, new in turn.followed:
            judged |= new
            known |= new if state.holds & old else 0
        wakes_at = state.wakes_at
        if judged or turn.begun:
            asked = self._watch.all if step.gaps else self._watch.compiled(turn.new)
            match = asked.match(facts, step.at)
            wakes_at = match.wakes_at if step.gaps else earlier(wakes_at, match.wakes_at)
            now = known & ~judged | match.holds & judged
            self._cross(state, known, now, step.at, TransitionCause.DEFINITION)
            known = now | match.holds & turn.begun
        return state._replace(revision=step.revision, holds=known, wakes_at=wakes_at)

    def _cross(
        self, state: State, before: int, after: int, at: datetime, cause: TransitionCause
    ) -> None:
        for bit, active in self._watch.among(before ^ after):
            crossing = Crossing(
                TransitionType.ENTERED if after & bit else TransitionType.LEFT,
                cause,
                active.segment_id,
                active.segment_name,
                state.customer_id,
                state.source_id,
                at,
            )
            self.crossings.append(crossing)
