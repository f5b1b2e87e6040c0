"""How customers are brought on without a change of theirs: those whose time has come, and all of
them where the definitions have changed."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from app.domain.changes import Change, Commit
from app.services.engine.intake import Intake
from app.services.engine.loader import Loader, States
from app.services.engine.readings import Reading
from app.services.engine.standing import Standing
from app.store import Store

_LOOK_SECONDS = 0.1
# So many customers are brought at a time, and so many times before the first of them are settled.
_DUE, _PASSED, _AHEAD = 500, 2_000, 2
# So many are found due at once, of whom that many are brought at a time.
_FOUND_DUE = 20 * _DUE


class Bringing:
    """Reads customers at leisure; they are settled where the mark comes by that follows."""

    def __init__(self, store: Store, intake: Intake, loader: Loader, standing: Standing) -> None:
        self._store = store
        self._intake = intake
        self._loader = loader
        self._standing = standing
        # Those not settled yet, in the order in which they were begun.
        self._readings: list[Reading] = []

    # --- what is read

    async def those_due(self) -> None:
        """For ever: brings those whose time has come, each as soon as it has."""
        ahead = timedelta(seconds=_LOOK_SECONDS)
        while True:
            now = self._standing.estimated_now
            due = await self._store.states.due(self._standing.held, now + ahead, _FOUND_DUE)
            if ids := [id_ for id_, wakes_at in due if wakes_at <= now]:
                await self._bring(ids)
            else:
                next_at = due[0][1] if due else now + ahead
                await asyncio.sleep((next_at - now).total_seconds())

    async def _bring(self, ids: Sequence[str]) -> None:
        """Brings these customers, the next while the last are being settled."""
        unsettled: deque[Reading] = deque()
        for first in range(0, len(ids), _DUE):
            reading = self._begin(Reading(self._standing.watch.paths))
            some = ids[first : first + _DUE]
            reading.documents = await self._store.customers.documents(some, reading.paths)
            await self._prefetch(reading)
            reading.mark = await self._intake.mark()
            unsettled.append(reading)
            if len(unsettled) > _AHEAD:
                await unsettled.popleft().settled.wait()
        await _all_settled(unsettled)

    async def everybody(self) -> None:
        """For ever: brings all customers past the steps of the definitions."""
        while True:
            target = self._next_target()
            if target is None:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                await self._pass(target)

    def _next_target(self) -> int | None:
        """The revision to which a pass is under way, or is to begin. Not before the stream has come
        by its step: whoever changes before that is not brought past it by the change."""
        base, head = self._standing.base, self._standing.head
        targets = (each.target for each in self._standing.progress.values())
        under_way = [target for target in targets if target is not None]
        if under_way:
            return min(under_way) if min(under_way) <= head else None
        return head if base < head else None

    async def _pass(self, target: int) -> None:
        """Brings one customer after the other, the next while the last are being settled; until the
        end, or until more must be read of them."""
        passing = [each for each in self._standing.progress.values() if each.needs(target)]
        after = min(each.reached(target) for each in passing)
        unsettled: deque[Reading] = deque()
        while True:
            reading = self._begin(Reading(self._standing.watch.paths, target=target, after=after))
            found = await self._store.customers.documents_after(after, _PASSED, reading.paths)
            held = self._standing.progress
            reading.documents = {id_: of for id_, of in found.items() if of[0] in held}
            await self._prefetch(reading)
            reading.last = max(found, default=None)
            if reading.last is None and (gaps := self._standing.gaps):
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
            if len(unsettled) > _AHEAD:
                oldest = unsettled.popleft()
                await oldest.settled.wait()
                if oldest.in_vain:
                    return None

    async def _prefetch(self, reading: Reading) -> None:
        states: States = {id_: (part, [of]) for id_, (part, of) in reading.documents.items()}
        reading.rows = await self._loader.prefetch(states)

    def _begin(self, reading: Reading) -> Reading:
        """Before anything is read: what comes in from here on touches it."""
        self._readings.append(reading)
        return reading

    # --- what becomes of it

    def due(self, commits: Sequence[Commit]) -> list[Reading]:
        """Those that can be settled by the end of the commits."""
        return [r for r in self._readings if any(r.is_due(c.mark) for c in commits)]

    def touch(self, changes: Sequence[Change]) -> None:
        """Whoever has changed is settled with that, and left out of what was read."""
        for reading in self._readings:
            reading.touch(changes)

    def take_due(self, mark: int | None, readings: list[Reading]) -> list[Reading]:
        """Takes those of the readings that are due where the mark comes by out of the list. They
        are in vain where more is asked of customers by now than was read."""
        due = [reading for reading in readings if reading.is_due(mark)]
        for reading in due:
            readings.remove(reading)
            self._readings.remove(reading)
            reading.in_vain = not reading.paths.issuperset(self._standing.watch.paths)
        return due


async def _all_settled(readings: deque[Reading]) -> None:
    while readings:
        await readings.popleft().settled.wait()
