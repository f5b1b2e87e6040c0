"""Loads what customers are evaluated by: their stored states, and their rows, so many at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from app.domain.changes import Change, Document
from app.services.engine.batch import Batch, Loaded
from app.services.engine.histories import LONG_ROWS, Asked, Histories
from app.services.engine.standing import Standing
from app.services.engine.watch import Compiled
from app.store import Store

# So many rows, at the most, are read together.
MAX_ROWS = 50_000
_MAX_OVERDUE = timedelta(minutes=1)

States = Mapping[str, tuple[int, Sequence[Document]]]
"""By customer, the partition and the states of its data that are evaluated, oldest first."""


def states_of(changes: Sequence[Change]) -> States:
    """The states between which changes lead."""
    found: dict[str, tuple[int, list[Document]]] = {}
    for change in changes:
        _, states = found.setdefault(change.customer_id, (change.partition, []))
        states += (each for each in (change.before, change.after) if each is not None)
    return found


class Loader:
    """Loads for one batch after the other, and keeps long histories between them."""

    def __init__(self, store: Store, standing: Standing) -> None:
        self._store = store
        self._standing = standing
        self._kept: tuple[Compiled, Histories] | None = None

    @property
    def _histories(self) -> Histories:
        """The histories for all filters of the present set."""
        compiled = self._standing.watch.all
        if self._kept is None or self._kept[0] is not compiled:
            self._kept = compiled, Histories(self._store, compiled)
        return self._kept[1]

    def fitting(self, changes: Sequence[Sequence[Change]]) -> int:
        """How many commits' changes can be loaded together; one at least."""
        budget = MAX_ROWS
        for number, of_commit in enumerate(changes):
            budget -= sum(self._histories.rows_to_read(states_of(of_commit), self._instant))
            if budget < 0:
                return max(1, number)
        return len(changes)

    def parts(self, states: States) -> Iterator[States]:
        """Customers so many at a time as can be loaded together."""
        part, budget = dict[str, tuple[int, Sequence[Document]]](), MAX_ROWS
        rows_to_read = self._histories.rows_to_read(states, self._instant)
        for (id_, asked), rows in zip(states.items(), rows_to_read, strict=True):
            if part and rows > budget:
                yield part
                part, budget = {}, MAX_ROWS
            part[id_] = asked
            budget -= rows
        if part:
            yield part

    @property
    def _instant(self) -> datetime:
        return self._standing.instant

    async def load(self, states: States, batch: Batch) -> None:
        """Loads what the states are evaluated by, into the batch."""
        await self.load_stored(states, batch)
        batch.use(await self._loaded(self._standing.watch.all, self._histories, states, batch))

    async def load_chunk(self, states: States, batch: Batch) -> None:
        """The same of customers whose data have not changed. Where all that is due for them is a
        change of the definitions, no more is loaded than this asks of."""
        await self.load_stored(states, batch)
        stepping = self._only_stepping(states, batch)
        others = {id_: asked for id_, asked in states.items() if id_ not in stepping}
        loaded = await self._loaded(self._standing.watch.all, self._histories, others, batch)
        if stepping:
            watch = self._standing.watch
            new = watch.compiled(watch.turn(self._standing.base, self._standing.head).new)
            some = await self._loaded(new, Histories(self._store, new), stepping, batch)
            loaded = Loaded(
                {**loaded.histories, **some.histories}, {**loaded.lists, **some.lists}, stepping
            )
        batch.use(loaded)

    async def prefetch(self, states: States) -> int:
        """Loads long histories ahead, so that no batch has to wait for them. Returns how many rows
        there are to be read, at the most, to evaluate these states."""
        earliest = self._earliest
        rows = [*self._histories.rows_to_read(states, earliest)]
        long = [id_ for id_, number in zip(states, rows, strict=True) if number >= LONG_ROWS]
        await self._histories.prefetch({id_: Asked(*states[id_], earliest) for id_ in long})
        return sum(rows)

    async def load_stored(self, customer_ids: Iterable[str], batch: Batch) -> None:
        """Loads the stored states of customers into the batch."""
        if new := [id_ for id_ in customer_ids if not batch.knows(id_)]:
            batch.add_states(await self._store.states.of(new))

    async def _loaded(
        self, compiled: Compiled, histories: Histories, states: States, batch: Batch
    ) -> Loaded:
        if not states or not compiled.measures:
            return Loaded()
        asked = {
            id_: Asked(partition, documents, self._since(id_, partition, batch))
            for id_, (partition, documents) in states.items()
        }
        query = compiled.plan.since(self._instant)
        lists = await self._store.history.lists([*states], query)
        return Loaded(await histories.load(asked), lists)

    def _since(self, id_: str, partition: int, batch: Batch) -> datetime:
        """The first instant at which a customer is evaluated from now on."""
        revision, wakes_at = batch.revision(id_, partition), batch.wakes_at(id_)
        steps = (step.at for step in self._standing.steps if step.revision > revision)
        return min([self._instant, *steps, *([wakes_at] if wakes_at else [])])

    @property
    def _earliest(self) -> datetime:
        """Before which hardly any customer is evaluated: none that has waited for longer."""
        instants = [self._instant, *(step.at for step in self._standing.steps)]
        return min(instants) - _MAX_OVERDUE

    def _only_stepping(self, states: States, batch: Batch) -> States:
        """Those who pass the only definition change, and have nothing else due."""
        steps = self._standing.steps
        if len(steps) != 1 or steps[0].gaps:
            return {}
        return {
            id_: asked
            for id_, asked in states.items()
            if not (wakes_at := batch.wakes_at(id_)) or wakes_at > self._instant
        }
