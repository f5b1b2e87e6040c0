"""One worker's work on the partitions that it holds under one name."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from time import monotonic

from app.domain.changes import Change, Commit, Progress, Step, blamed
from app.services.engine.batch import Batch
from app.services.engine.bringing import Bringing
from app.services.engine.intake import Intake
from app.services.engine.loader import MAX_ROWS, Loader, States, states_of
from app.services.engine.pulse import Pulse
from app.services.engine.readings import Reading
from app.services.engine.standing import Standing
from app.services.engine.watch import Watch
from app.services.waking import Bell
from app.store import Store, Transaction
from app.store.stream import PARTITIONS
from app.time_slice import TimeSlice

# A batch ends with the commit that brings it to one of these.
_MOST_CHANGES, _MOST_CROSSINGS, _MOST_SECONDS = 2_000, 5_000, 0.5
# Where nothing happens, the place is written so often, so that it does not age.
_REST_SECONDS = 1.0


class Shift:
    """Reads the stream from the oldest of its partitions' places on, settles, commits."""

    def __init__(
        self,
        store: Store,
        session: Transaction,
        owner: str,
        progress: Mapping[int, Progress],
        committed: Bell,
        pulse: Pulse,
    ) -> None:
        self._store = store
        self._session = session
        self._owner = owner
        self._committed = committed
        self._pulse = pulse
        # Changes that are settled, and not committed yet.
        self._settled = 0
        self._standing = standing = Standing(progress)
        self._intake = Intake(store, owner, standing.held, standing.place, ())
        self._loader = Loader(store, standing)
        self._bringing = Bringing(store, self._intake, self._loader, standing)
        self._time_slice = TimeSlice()
        self._rested_since = monotonic()

    async def run(self) -> None:
        """For ever; LeaseLost, HistoryLost, Poisoned and errors of the database come out in a
        group."""
        standing = self._standing
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._intake.keep_time())
                await self._look()
                self._intake.reopen(standing.place, standing.watch.paths)
                known = await self._store.partitions.steps(standing.base)
                standing.steps = [step for step in known if step.place <= standing.place]
                tasks.create_task(self._intake.run())
                tasks.create_task(self._bringing.those_due())
                tasks.create_task(self._bringing.everybody())
                while True:
                    await self._take(await self._intake.next(_MOST_CHANGES))
        finally:
            await self._store.partitions.unmark(self._owner)

    async def _look(self) -> None:
        """Watches what is to be watched now, whoever is at that revision already."""
        filters = await self._store.active_filters.all()
        # Many take seconds, in which the lease must go on.
        trees = self._standing.watch.trees
        self._standing.watch = await asyncio.to_thread(Watch, filters, trees)

    async def _take(self, commits: Sequence[Commit]) -> None:
        """Settles commits, and commits what comes of it."""
        steps = await self._learn(commits)
        standing, watch = self._standing, self._standing.watch
        news = [standing.news(commit) for commit in commits]
        minded = [[new for new in of_commit if watch.minds(new)] for of_commit in news]
        if (fitting := self._loader.fitting(minded)) < len(commits):
            self._intake.give_back(commits[fitting:])
            commits, news, minded = commits[:fitting], news[:fitting], minded[:fitting]
        batch = Batch(watch, standing.steps, standing.progress)
        readings = self._bringing.due(commits)
        made: list[Step] = []
        settled: list[Reading] = []
        in_one_part = len(commits) > 1 and bool(watch)
        if in_one_part:
            await self._loader.load(states_of([*chain.from_iterable(minded)]), batch)
        loaded = batch.loaded
        ends = monotonic() + _MOST_SECONDS
        for index, commit in enumerate(commits):
            if len(batch.crossings) > _MOST_CROSSINGS or monotonic() > ends:
                self._intake.give_back(commits[index:])
                break
            self._settled += len(news[index])
            standing.come_by(commit)
            if commit.revision is not None and commit.revision in steps:
                # Whoever came by here first has said when it was.
                new = Step(commit.revision, commit.place, standing.instant)
                step = steps[commit.revision] or new
                standing.steps.append(step)
                made.append(step)
            self._bringing.touch(minded[index])
            if in_one_part:
                batch.use(loaded)
                await self._settle_changes(minded[index], batch)
            else:
                await self._load_and_settle(minded[index], batch)
            for reading in self._bringing.take_due(commit.mark, readings):
                await self._settle_reading(reading, batch)
                settled.append(reading)
            if made and not self._intake.brings(watch.paths):
                self._intake.reopen(commit.place, watch.paths)
                break
        await self._commit(batch, standing.progress_with(settled), made, settled)

    async def _settle_changes(self, changes: Sequence[Change], batch: Batch) -> None:
        for change in changes:
            with blamed(change.partition, change.customer_id):
                at = self._standing.instant_of(change.partition)
                batch.change(change, self._standing.head, at)
            await self._time_slice.turn()

    async def _load_and_settle(self, changes: Sequence[Change], batch: Batch) -> None:
        """The same of one commit alone, which may be too large to be loaded as a whole."""
        for part in self._loader.parts(states_of(changes)):
            if self._standing.watch:
                await self._loader.load(part, batch)
            await self._settle_changes([c for c in changes if c.customer_id in part], batch)

    async def _settle_reading(self, reading: Reading, batch: Batch) -> None:
        """Settles customers who were read, and have not changed since."""
        if reading.in_vain:
            return
        left = reading.left()
        states: States = {id_: (partition, [of]) for id_, (partition, of) in left.items()}
        parts = [states] if reading.rows <= MAX_ROWS else self._loader.parts(states)
        for part in parts:
            await self._loader.load_chunk(part, batch)
            for id_, (partition, (document,)) in part.items():
                with blamed(partition, id_):
                    batch.settle(id_, partition, document, self._standing.instant_of(partition))
                await self._time_slice.turn()
        orphans = reading.orphans_left()
        await self._loader.load_stored([state.customer_id for state in orphans], batch)
        for state in orphans:
            batch.miss(state, self._standing.instant_of(state.partition))

    async def _learn(self, commits: Sequence[Commit]) -> dict[int, Step | None]:
        """The revisions that change what is watched, with their steps where somebody else has come
        by them; it is watched from now on."""
        revisions = {commit.revision for commit in commits if commit.revision is not None}
        if not revisions:
            return {}
        changed = await self._store.active_filters.since(min(revisions))
        if changed:
            await self._look()
        head = self._standing.head
        known = {step.revision: step for step in await self._store.partitions.steps(head)}
        # A gap of other workers' customers is a step, too, and of no filter.
        steps = {r for each in changed for r in (each.since, each.until)} | known.keys()
        return {r: known.get(r) for r in revisions & steps if r > head}

    async def _commit(
        self,
        batch: Batch,
        progress: dict[int, Progress],
        steps: Sequence[Step],
        settled: Sequence[Reading],
    ) -> None:
        states = batch.to_save(progress)
        rests = not (states or batch.gone or batch.crossings or steps or settled)
        if rests and monotonic() < self._rested_since + _REST_SECONDS:
            return

        async def work(transaction: Transaction) -> None:
            await self._store.states.save(states, batch.gone, transaction)
            await self._store.customer_tombstones.add_missing(batch.gone, transaction)
            await self._store.partitions.add_steps(steps, transaction)
            await self._store.partitions.advance(self._owner, progress, transaction)
            await self._store.transitions.append(batch.crossings, transaction)

        among_others = batch.crossings and len(progress) < PARTITIONS
        turn = self._store.transitions.turn(self._owner) if among_others else nullcontext()
        async with turn:
            await self._store.transaction(work, self._session)
        self._standing.written(progress)
        self._rested_since = monotonic()
        self._pulse.beat(self._settled, len(batch.crossings))
        self._settled = 0
        for reading in settled:
            reading.settled.set()
        if batch.crossings:
            self._committed.ring()
