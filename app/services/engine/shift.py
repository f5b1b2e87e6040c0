"""One worker's work on the partitions that it holds under one name."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from time import monotonic

from app.domain.changes import Commit, Document, Progress, State, Step
from app.services.engine.batch import Batch
from app.services.engine.readings import Reading
from app.services.engine.watch import Watch
from app.store import Store, Transaction
from app.store.stream import PARTITIONS

# A batch ends with the commit that brings it to one of these.
_MOST_CHANGES, _MOST_CROSSINGS, _MOST_SECONDS = 2_000, 5_000, 0.5
# The stream is read ahead by so many answers.
_AHEAD = 3
_MARK_SECONDS = 0.2
_MARKS_A_LEASE = 5
# Where nothing happens, the place is written so often, so that it does not age.
_REST_SECONDS = 1.0
_DUE, _PASSED = 1_000, 2_000


class Shift:
    """Reads the stream from the oldest of its partitions' places on, settles, commits."""

    def __init__(
        self,
        store: Store,
        session: Transaction,
        owner: str,
        progress: Mapping[int, Progress],
        committed: asyncio.Event,
    ) -> None:
        self._store = store
        self._session = session
        self._owner = owner
        self._progress = dict(progress)
        self._committed = committed
        # Who is ahead of the oldest place waits there for the stream.
        self._place, self._instant = min((each.place, each.at) for each in progress.values())
        self._watch = Watch([])
        self._steps: list[Step] = []
        self._ahead: asyncio.Queue[list[Commit]] = asyncio.Queue(_AHEAD)
        self._waiting: deque[Commit] = deque()
        self._readings: list[Reading] = []
        self._marks = 0
        self._rested_since = monotonic()

    async def run(self) -> None:
        """For ever; LeaseLost, HistoryLost and errors of the database come out in a group."""
        self._watch = Watch(await self._store.active_filters.all())
        known = await self._store.partitions.steps(self._base)
        self._steps = [step for step in known if step.place <= self._place]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read_ahead())
                tasks.create_task(self._write_marks())
                tasks.create_task(self._bring_due())
                tasks.create_task(self._bring_all())
                while True:
                    await self._take(await self._next())
        finally:
            await self._store.partitions.unmark(self._owner)

    @property
    def _held(self) -> list[int]:
        return list(self._progress)

    @property
    def _base(self) -> int:
        """The revision that all customers have passed."""
        return min(each.base for each in self._progress.values())

    @property
    def _head(self) -> int:
        """The revision of the last step."""
        return self._steps[-1].revision if self._steps else self._base

    # --- what comes in

    async def _read_ahead(self) -> None:
        stream = await self._store.stream(self._place, self._held, self._owner)
        try:
            while True:
                if commits := await stream.read():
                    await self._ahead.put(commits)
        finally:
            await stream.close()

    async def _write_marks(self) -> None:
        """Marks move time on where nothing else happens."""
        while True:
            if await self._write_mark() % _MARKS_A_LEASE == 0:
                await self._store.partitions.prolong(self._owner, self._held)
            await asyncio.sleep(_MARK_SECONDS)

    async def _write_mark(self) -> int:
        self._marks += 1
        mark = self._marks
        await self._store.partitions.mark(self._owner, mark)
        return mark

    async def _bring_due(self) -> None:
        """Brings those whose time has come."""
        while True:
            ids = await self._store.states.due(self._held, self._instant, _DUE)
            if not ids:
                await asyncio.sleep(_MARK_SECONDS / 2)
                continue
            reading = self._begin(Reading())
            reading.documents = await self._store.customers.documents(ids)
            await self._complete(reading)

    async def _bring_all(self) -> None:
        """Brings all customers, one after the other, past the steps of the definitions."""
        while True:
            target = self._next_target()
            if target is None:
                await asyncio.sleep(_MARK_SECONDS / 2)
                continue
            after = min(
                each.reached(target) for each in self._progress.values() if each.needs(target)
            )
            reading = self._begin(Reading(target=target))
            found = await self._store.customers.documents_after(after, _PASSED)
            reading.documents = {id_: of for id_, of in found.items() if of[0] in self._progress}
            reading.last = max(found, default=None)
            if reading.last is None and (gaps := self._gaps()):
                reading.orphans = await self._store.states.orphans(gaps, _PASSED)
                if reading.orphans:
                    # Not the end yet.
                    reading.last = after
            await self._complete(reading)

    def _gaps(self) -> list[int]:
        """The partitions of whose customers some may have gone unheard of."""
        return [n for n in self._progress if any(n in step.gaps for step in self._steps)]

    def _next_target(self) -> int | None:
        """The revision to which a pass is under way, or is to begin."""
        under_way = [each.target for each in self._progress.values() if each.target is not None]
        if under_way:
            return min(under_way)
        return self._head if self._base < self._head else None

    def _begin(self, reading: Reading) -> Reading:
        self._readings.append(reading)
        return reading

    async def _complete(self, reading: Reading) -> None:
        reading.mark = await self._write_mark()
        await reading.settled.wait()

    # --- what becomes of it

    async def _next(self) -> list[Commit]:
        """The next commits, not many more than make a batch."""
        if not self._waiting:
            self._waiting.extend(await self._ahead.get())
        while not self._ahead.empty() and len(self._waiting) < _MOST_CHANGES:
            self._waiting.extend(self._ahead.get_nowait())
        commits, changes = [], 0
        while self._waiting and changes < _MOST_CHANGES:
            commits.append(self._waiting.popleft())
            changes += len(commits[-1].changes)
        return commits

    async def _take(self, commits: Sequence[Commit]) -> None:
        """Settles commits, and commits what comes of it."""
        steps = await self._learn(commits)
        readings = [r for r in self._readings if any(r.is_due(c.mark) for c in commits)]
        batch = await self._load(commits, readings)
        made, settled = [], []
        ends = monotonic() + _MOST_SECONDS
        for index, commit in enumerate(commits):
            if len(batch.crossings) > _MOST_CROSSINGS or monotonic() > ends:
                self._waiting.extendleft(reversed(commits[index:]))
                break
            self._place = commit.place
            self._instant = max(self._instant, commit.at)
            if commit.revision is not None and commit.revision in steps:
                # Whoever came by here first has said when it was.
                new = Step(commit.revision, commit.place, self._instant)
                step = steps[commit.revision] or new
                self._steps.append(step)
                made.append(step)
            self._settle_changes(commit, batch)
            settled += self._settle_readings(commit, readings, batch)
        await self._commit(batch, self._moved_on(settled), made, settled)

    def _settle_changes(self, commit: Commit, batch: Batch) -> None:
        changes = [
            change
            for change in commit.changes
            if change.partition in self._progress
            and self._progress[change.partition].place < commit.place
        ]
        for reading in self._readings:
            reading.touch(changes)
        for change in changes:
            batch.change(change, self._head, self._instant)

    def _settle_readings(
        self, commit: Commit, readings: list[Reading], batch: Batch
    ) -> list[Reading]:
        due = [reading for reading in readings if reading.is_due(commit.mark)]
        for reading in due:
            readings.remove(reading)
            self._readings.remove(reading)
            for id_, (partition, document) in reading.left().items():
                batch.settle(id_, partition, document, self._instant)
            for state in reading.orphans_left():
                batch.miss(state, self._instant)
        return due

    async def _learn(self, commits: Sequence[Commit]) -> dict[int, Step | None]:
        """The revisions that change what is watched, with their steps where somebody else has come
        by them; it is watched from now on."""
        revisions = {commit.revision for commit in commits if commit.revision is not None}
        if not revisions:
            return {}
        changed = await self._store.active_filters.since(min(revisions))
        steps = revisions & {r for each in changed for r in (each.since, each.until)}
        if steps:
            self._watch = Watch(await self._store.active_filters.all())
        known = {step.revision: step for step in await self._store.partitions.steps(self._head)}
        return {revision: known.get(revision) for revision in steps if revision > self._head}

    async def _load(self, commits: Sequence[Commit], readings: Sequence[Reading]) -> Batch:
        """What is stored of the customers in question, and the rows that their states include."""
        if not self._watch:
            return Batch(self._watch, self._steps, self._progress, {}, {})
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
        since = min([*wakes, *(step.at for step in self._steps), self._instant])
        stepping = self._only_stepping(commits, readings, stored) - changed
        all_of_it = {id_: of for id_, of in documents.items() if id_ not in stepping}
        rows = await self._store.history.of(all_of_it, self._watch.all.measures, since)
        if stepping:
            new = self._watch.turn(self._base, self._head).new
            measures = self._watch.compiled(new).measures
            some_of_it = {id_: documents[id_] for id_ in stepping}
            rows |= await self._store.history.of(some_of_it, measures, since)
        return Batch(self._watch, self._steps, self._progress, stored, rows, stepping)

    def _only_stepping(
        self,
        commits: Sequence[Commit],
        readings: Sequence[Reading],
        stored: Mapping[str, State],
    ) -> set[str]:
        """Those who pass one step, and have nothing else due by the end of the commits."""
        more_steps = len(self._steps) > 1 or any(commit.revision for commit in commits)
        if not self._steps or more_steps or self._steps[0].gaps:
            return set()
        until = max(self._instant, *(commit.at for commit in commits))
        passing = (reading.left() for reading in readings if reading.target is not None)
        return {
            id_
            for id_ in chain.from_iterable(passing)
            if not (state := stored.get(id_)) or not state.wakes_at or state.wakes_at > until
        }

    def _moved_on(self, settled: Sequence[Reading]) -> dict[int, Progress]:
        """How far the partitions have come with a batch."""
        moved = {}
        for number, progress in self._progress.items():
            for reading in settled:
                if reading.target is not None and progress.needs(reading.target):
                    progress = progress.passing(reading.target, reading.last)
            place, at = max(progress.place, self._place), max(progress.at, self._instant)
            moved[number] = replace(progress, place=place, at=at)
        return moved

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
            await self._store.departures.told(batch.gone, transaction)
            await self._store.partitions.add_steps(steps, transaction)
            await self._store.partitions.advance(self._owner, progress, transaction)
            await self._store.transitions.append(batch.crossings, transaction)

        among_others = batch.crossings and len(progress) < PARTITIONS
        turn = self._store.transitions.turn(self._owner) if among_others else nullcontext()
        async with turn:
            await self._store.transaction(work, self._session)
        self._progress = progress
        self._rested_since = monotonic()
        self._steps = [step for step in self._steps if step.revision > self._base]
        for reading in settled:
            reading.settled.set()
        if batch.crossings:
            self._committed.set()
