"""One worker's work on the partitions that it holds under one name."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from time import monotonic

from app.domain.changes import Commit, Document, Progress, State, Step, blamed
from app.services.engine.batch import Batch
from app.services.engine.bringing import Bringing
from app.services.engine.intake import Intake
from app.services.engine.pulse import Pulse
from app.services.engine.readings import Reading
from app.services.engine.standing import Standing
from app.services.engine.watch import Watch
from app.services.waking import Bell
from app.store import Store, Transaction
from app.store.stream import PARTITIONS

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
        self._bringing = Bringing(store, self._intake, standing)
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
        all_of_it, news = commits, [standing.news(commit) for commit in commits]
        commits = [
            replace(commit, changes=[new for new in news_of_it if watch.minds(new)])
            for commit, news_of_it in zip(commits, news, strict=True)
        ]
        readings = self._bringing.due(commits)
        batch = await self._load(commits, readings)
        made, settled = [], []
        ends = monotonic() + _MOST_SECONDS
        for index, commit in enumerate(commits):
            if len(batch.crossings) > _MOST_CROSSINGS or monotonic() > ends:
                self._intake.give_back(all_of_it[index:])
                break
            self._settled += len(news[index])
            standing.come_by(commit)
            if commit.revision is not None and commit.revision in steps:
                # Whoever came by here first has said when it was.
                new = Step(commit.revision, commit.place, standing.instant)
                step = steps[commit.revision] or new
                standing.steps.append(step)
                made.append(step)
            self._settle_changes(commit, batch)
            settled += self._bringing.settle(commit.mark, readings, batch)
            if made and not self._intake.brings(watch.paths):
                self._intake.reopen(commit.place, watch.paths)
                break
        await self._commit(batch, standing.progress_with(settled), made, settled)

    def _settle_changes(self, commit: Commit, batch: Batch) -> None:
        self._bringing.touch(commit.changes)
        for change in commit.changes:
            with blamed(change.partition, change.customer_id):
                batch.change(change, self._standing.head, self._standing.instant)

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

    async def _load(self, commits: Sequence[Commit], readings: Sequence[Reading]) -> Batch:
        """What is stored of the customers in question, and the rows that their states include."""
        watch, steps, progress = self._standing.watch, self._standing.steps, self._standing.progress
        if not watch and not readings:
            # Imports into a shop that watches nothing pass at once.
            return Batch(watch, steps, progress, {}, {})
        documents: dict[str, list[Document]] = {}
        for change in chain.from_iterable(commit.changes for commit in commits):
            states = documents.setdefault(change.customer_id, [])
            states += filter(None, (change.before, change.after))
        changed = set(documents)
        for reading in readings:
            for id_, (_, document) in reading.left().items():
                documents.setdefault(id_, []).append(document)
            for orphan in reading.orphans:
                documents.setdefault(orphan.customer_id, [])
        stored = await self._store.states.of(documents)
        wakes = [state.wakes_at for state in stored.values() if state.wakes_at]
        since = min([*wakes, *(step.at for step in steps), self._standing.instant])
        stepping = self._only_stepping(commits, readings, stored) - changed
        all_of_it = {id_: of for id_, of in documents.items() if id_ not in stepping}
        rows = await self._store.history.of(all_of_it, watch.all.measures, since)
        if stepping:
            new = watch.turn(self._standing.base, self._standing.head).new
            measures = watch.compiled(new).measures
            some_of_it = {id_: documents[id_] for id_ in stepping}
            rows |= await self._store.history.of(some_of_it, measures, since)
        return Batch(watch, steps, progress, stored, rows, stepping)

    def _only_stepping(
        self,
        commits: Sequence[Commit],
        readings: Sequence[Reading],
        stored: Mapping[str, State],
    ) -> set[str]:
        """Those who pass one step, and have nothing else due by the end of the commits."""
        steps = self._standing.steps
        more_steps = len(steps) > 1 or any(commit.revision for commit in commits)
        if not steps or more_steps or steps[0].gaps:
            return set()
        until = max(self._standing.instant, *(commit.at for commit in commits))
        passing = (reading.left() for reading in readings if reading.target is not None)
        return {
            id_
            for id_ in chain.from_iterable(passing)
            if not (state := stored.get(id_)) or not state.wakes_at or state.wakes_at > until
        }

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
