"""One worker's work on the partitions that it holds under one name."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from time import monotonic

from app.domain.changes import Change, Commit, Document, Progress, State, Step, blamed
from app.services.engine.batch import Batch
from app.services.engine.intake import Intake
from app.services.engine.pulse import Pulse
from app.services.engine.readings import Reading
from app.services.engine.watch import Watch
from app.services.waking import Bell
from app.store import Store, Transaction
from app.store.stream import PARTITIONS

# A batch ends with the commit that brings it to one of these.
_MOST_CHANGES, _MOST_CROSSINGS, _MOST_SECONDS = 2_000, 5_000, 0.5
_LOOK_SECONDS = 0.1
# Where nothing happens, the place is written so often, so that it does not age.
_REST_SECONDS = 1.0
# So many customers are brought at a time, and so many times before the first of them are settled.
_DUE, _PASSED, _PASSES_AHEAD = 1_000, 2_000, 2


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
        self._progress = dict(progress)
        self._committed = committed
        self._pulse = pulse
        # Changes that are settled, and not committed yet.
        self._settled = 0
        # Who is ahead of the oldest place waits there for the stream.
        self._place, self._instant = min((each.place, each.at) for each in progress.values())
        self._watch = Watch([])
        self._steps: list[Step] = []
        self._intake = Intake(store, owner, self._held, self._place, ())
        self._readings: list[Reading] = []
        self._rested_since = monotonic()

    async def run(self) -> None:
        """For ever; LeaseLost, HistoryLost, Poisoned and errors of the database come out in a
        group."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._intake.keep_time())
                await self._look()
                self._intake.reopen(self._place, self._watch.paths)
                known = await self._store.partitions.steps(self._base)
                self._steps = [step for step in known if step.place <= self._place]
                tasks.create_task(self._intake.run())
                tasks.create_task(self._bring_due())
                tasks.create_task(self._bring_all())
                while True:
                    await self._take(await self._intake.next(_MOST_CHANGES))
        finally:
            await self._store.partitions.unmark(self._owner)

    async def _look(self) -> None:
        """Watches what is to be watched now, whoever is at that revision already."""
        filters = await self._store.active_filters.all()
        # Many take seconds, in which the lease must go on.
        self._watch = await asyncio.to_thread(Watch, filters, self._watch.trees)

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

    async def _bring_due(self) -> None:
        """Brings those whose time has come."""
        while True:
            ids = await self._store.states.due(self._held, self._instant, _DUE)
            if not ids:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            reading = self._begin(Reading(self._watch.paths))
            reading.documents = await self._store.customers.documents(ids, reading.paths)
            await self._complete(reading)

    async def _bring_all(self) -> None:
        """Brings all customers past the steps of the definitions."""
        while True:
            target = self._next_target()
            if target is None:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                await self._pass(target)

    async def _pass(self, target: int) -> None:
        """Brings one customer after the other, the next while the last are being settled; until the
        end, or until more must be read of them."""
        passing = [each for each in self._progress.values() if each.needs(target)]
        after = min(each.reached(target) for each in passing)
        unsettled: deque[Reading] = deque()
        while True:
            reading = self._begin(Reading(self._watch.paths, target=target, after=after))
            found = await self._store.customers.documents_after(after, _PASSED, reading.paths)
            reading.documents = {id_: of for id_, of in found.items() if of[0] in self._progress}
            reading.last = max(found, default=None)
            if reading.last is None and (gaps := self._gaps()):
                await _all_settled(unsettled)
                reading.orphans = await self._store.states.orphans(gaps, _PASSED)
                if reading.orphans:
                    # Not the end yet.
                    reading.last = after
            reading.mark = await self._intake.mark()
            unsettled.append(reading)
            if reading.last is None:
                return await _all_settled(unsettled)
            after = reading.last
            if len(unsettled) > _PASSES_AHEAD:
                oldest = unsettled.popleft()
                await oldest.settled.wait()
                if oldest.in_vain:
                    return None

    def _gaps(self) -> list[int]:
        """The partitions of whose customers some may have gone unheard of."""
        return [n for n in self._progress if any(n in step.gaps for step in self._steps)]

    def _next_target(self) -> int | None:
        """The revision to which a pass is under way, or is to begin. Not before the stream has come
        by its step: whoever changes before that is not brought past it by the change."""
        targets = (each.target for each in self._progress.values())
        under_way = [target for target in targets if target is not None]
        if under_way:
            return min(under_way) if min(under_way) <= self._head else None
        return self._head if self._base < self._head else None

    def _begin(self, reading: Reading) -> Reading:
        self._readings.append(reading)
        return reading

    async def _complete(self, reading: Reading) -> None:
        reading.mark = await self._intake.mark()
        await reading.settled.wait()

    # --- what becomes of it

    async def _take(self, commits: Sequence[Commit]) -> None:
        """Settles commits, and commits what comes of it."""
        steps = await self._learn(commits)
        all_of_it, news = commits, [self._news(commit) for commit in commits]
        commits = [
            replace(commit, changes=[new for new in news_of_it if self._watch.minds(new)])
            for commit, news_of_it in zip(commits, news, strict=True)
        ]
        readings = [r for r in self._readings if any(r.is_due(c.mark) for c in commits)]
        batch = await self._load(commits, readings)
        made, settled = [], []
        ends = monotonic() + _MOST_SECONDS
        for index, commit in enumerate(commits):
            if len(batch.crossings) > _MOST_CROSSINGS or monotonic() > ends:
                self._intake.give_back(all_of_it[index:])
                break
            self._settled += len(news[index])
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
            if made and not self._intake.brings(self._watch.paths):
                self._intake.reopen(commit.place, self._watch.paths)
                break
        await self._commit(batch, self._moved_on(settled), made, settled)

    def _news(self, commit: Commit) -> list[Change]:
        """The changes of customers who have not come past them yet."""
        return [
            change
            for change in commit.changes
            if change.partition in self._progress
            and self._progress[change.partition].place < commit.place
        ]

    def _settle_changes(self, commit: Commit, batch: Batch) -> None:
        for reading in self._readings:
            reading.touch(commit.changes)
        for change in commit.changes:
            with blamed(change.partition, change.customer_id):
                batch.change(change, self._head, self._instant)

    def _settle_readings(
        self, commit: Commit, readings: list[Reading], batch: Batch
    ) -> list[Reading]:
        due = [reading for reading in readings if reading.is_due(commit.mark)]
        for reading in due:
            readings.remove(reading)
            self._readings.remove(reading)
            reading.in_vain = not reading.paths.issuperset(self._watch.paths)
            if reading.in_vain:
                continue
            for id_, (partition, document) in reading.left().items():
                with blamed(partition, id_):
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
        if changed:
            await self._look()
        steps = revisions & {r for each in changed for r in (each.since, each.until)}
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
                target = None if reading.in_vain else reading.target
                if target is not None and progress.needs(target):
                    progress = progress.passing(target, reading.after, reading.last)
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
        self._pulse.beat(self._settled, len(batch.crossings))
        self._settled = 0
        self._steps = [step for step in self._steps if step.revision > self._base]
        for reading in settled:
            reading.settled.set()
        if batch.crossings:
            self._committed.ring()


async def _all_settled(readings: deque[Reading]) -> None:
    while readings:
        await readings.popleft().settled.wait()
