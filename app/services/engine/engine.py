"""The engine, which lives as long as its worker does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from math import ceil
from uuid import uuid4

import structlog

from app.domain.changes import Step
from app.errors import HistoryLost, LeaseLost
from app.services.engine.shift import Shift
from app.services.engine.tidying import tidy
from app.services.waking import Bell
from app.store import DatabaseError, Store, Transaction
from app.store.segments import REVISION
from app.store.stream import PARTITIONS

log = structlog.get_logger()

_LOOK_SECONDS = 0.5
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


class _Unfair(Exception):
    """Workers have come or gone: each is to have another share."""


class Engine:
    """Makes transitions of changes. `committed` rings whenever the log has grown."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._worker = uuid4().hex
        self.committed = Bell()

    async def run(self) -> None:
        """Until it is cancelled. Without MongoDB it tries again."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_cancelled(self._shift))
                tasks.create_task(self._until_cancelled(partial(tidy, self._store)))
        finally:
            await self._store.partitions.part(self._worker)

    async def _until_cancelled(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it again and again; where MongoDB is lost, after a while."""
        delay = _FIRST_DELAY
        while True:
            try:
                await work()
                delay = _FIRST_DELAY
            except* DatabaseError as errors:
                log.warning(
                    "the engine has lost MongoDB", error=_first(errors), again_in_seconds=delay
                )
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY)

    async def _shift(self) -> None:
        """Works on a fair share of the partitions, until that is another one."""
        owner, share = uuid4().hex, await self._share()
        try:
            async with self._store.session() as session, asyncio.TaskGroup() as tasks:
                progress = await self._store.partitions.claim(owner, self._worker, share, session)
                if not progress:
                    await asyncio.sleep(_LOOK_SECONDS)
                    return
                log.debug("the engine is at work", worker=owner, partitions=len(progress))
                tasks.create_task(self._watch_the_share(len(progress)))
                await Shift(self._store, session, owner, progress, self.committed).run()
        except* HistoryLost as errors:
            await self._go_on_after_a_gap(owner, _first(errors))
        except* _Unfair:
            log.debug("the engine shares anew", worker=owner)
        except* LeaseLost:
            log.warning("another worker has taken over", worker=owner)
        finally:
            await self._store.partitions.release(owner)

    async def _go_on_after_a_gap(self, owner: str, reason: str) -> None:
        """Brings what this worker holds to the present, where every customer is settled anew."""
        held = await self._store.partitions.held(owner)
        log.error(
            "history is lost; what changed meanwhile becomes one transition each, by DEFINITION",
            reason=reason,
            since=min((each.at.isoformat() for each in held.values()), default=None),
        )

        async def work(transaction: Transaction) -> None:
            # Held still first: whatever they were changed by lies before the place.
            revision = await self._store.fence(REVISION, transaction)
            place, now = await self._store.partitions.end()
            step = Step(revision, place, now, frozenset(held))
            await self._store.partitions.add_steps([step], transaction)
            present = {n: replace(each, place=place, at=now) for n, each in held.items()}
            await self._store.partitions.advance(owner, present, transaction)

        await self._store.transaction(work)

    async def _share(self) -> int:
        return ceil(PARTITIONS / await self._store.partitions.join(self._worker))

    async def _watch_the_share(self, held: int) -> None:
        while True:
            share = await self._share()
            if held > share or (held < share and await self._store.partitions.free()):
                raise _Unfair
            await asyncio.sleep(_LOOK_SECONDS)


def _first(errors: BaseExceptionGroup[BaseException]) -> str:
    """What the first of them says; groups lie in groups."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)
