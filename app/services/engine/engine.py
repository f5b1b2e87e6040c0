"""The engine, which lives as long as its worker does."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import ceil
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from app.backoff import Backoff
from app.domain.changes import Progress, Step
from app.errors import HistoryLost, LeaseLost, Poisoned, SegmentsError
from app.services.engine.pulse import Pulse
from app.services.engine.shift import Shift
from app.services.engine.tidying import Sweeper
from app.services.waking import Bell
from app.store import DatabaseError, Store, Transaction
from app.store.leases import Holder
from app.store.segments import REVISION
from app.store.stream import PARTITIONS

log = structlog.get_logger()

Error = TypeVar("Error", bound=BaseException)

_LOOK_SECONDS, _CAUGHT_UP_SECONDS = 0.5, 1.0


class _Unfair(Exception):
    """Workers have come or gone: each is to have another share."""


class _CaughtUp(Exception):
    """What was set back is where the others are."""


class Engine:
    """Makes transitions of changes. `committed` rings whenever the log has grown."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._worker = uuid4().hex
        self._pulse = Pulse(monotonic)
        self._untold = False
        self.committed = Bell()

    async def run(self) -> None:
        """Until it is cancelled. Without MongoDB it tries again."""
        try:
            async with self._store.presence.keep(self._worker), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_cancelled(self._shift))
                tasks.create_task(self._until_cancelled(self._try_again))
                tasks.create_task(self._until_cancelled(Sweeper(self._store, self._worker).run))
        finally:
            await self._store.workers.part(self._worker)

    async def _until_cancelled(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it again and again; after a while, where MongoDB is lost, or something else is wrong
        that is no customer's fault."""
        backoff = Backoff(first=0.2, longest=5)
        # A group that ends with errors forgets that it was cancelled meanwhile.
        while not _is_cancelled():
            try:
                await work()
                backoff.reset()
            except* DatabaseError as errors:
                again = backoff.seconds
                log.warning(
                    "the engine has lost MongoDB", error=_first(errors), again_in_seconds=again
                )
                self._fail(f"MongoDB: {_first(errors)}")
            except* Exception as errors:
                log.error("the engine stumbles", exc_info=errors, again_in_seconds=backoff.seconds)
                self._fail(f"the engine stumbles: {_first(errors)}")
            else:
                continue
            if not _is_cancelled():
                await backoff.wait()
        raise asyncio.CancelledError

    async def _shift(self) -> None:
        """Works on a fair share of the partitions, until that is another one."""
        share = await self._share()
        claim = partial(self._store.partitions.claim, most=share)
        await self._work(claim, self._watch_the_share)

    async def _try_again(self) -> None:
        """Works on a partition that was set back, until it has caught up with the others."""
        await self._work(self._store.partitions.claim_set_back, self._watch_the_lag)

    async def _work(
        self,
        claim: Callable[..., Awaitable[dict[int, Progress]]],
        watch: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        """Works on what can be claimed, under a name never had before, until what watches over it
        ends it, or something else does."""
        owner = uuid4().hex
        try:
            async with self._store.session() as session, asyncio.TaskGroup() as tasks:
                progress = await claim(Holder(owner, self._worker, session))
                if not progress:
                    await asyncio.sleep(_LOOK_SECONDS)
                    return
                log.debug("the engine is at work", worker=owner, partitions=len(progress))
                tasks.create_task(watch(owner))
                await Shift(
                    self._store, session, owner, progress, self.committed, self._pulse
                ).run()
        except* HistoryLost as errors:
            await self._go_on_after_a_gap(owner, _first(errors))
        except* Poisoned as errors:
            await self._set_back(owner, errors)
        except* _CaughtUp:
            await self._store.partitions.recovered(owner)
            log.info("what was set back has caught up with the others")
        except* _Unfair:
            log.debug("the engine shares anew", worker=owner)
        except* LeaseLost:
            log.warning("another worker has taken over", worker=owner)
            self._fail("another worker has taken over what this one held")
        finally:
            await self._store.partitions.release(owner)

    async def _set_back(self, owner: str, errors: BaseExceptionGroup[Poisoned]) -> None:
        for poisoned in _flat(errors):
            log.error(
                "a customer can't be settled; it is tried again, and its partition waits for it",
                customer=poisoned.customer_id,
                partition=poisoned.partition,
                exc_info=poisoned,
            )
            self._fail(str(poisoned))
            await self._store.partitions.set_back(owner, poisoned)

    async def _go_on_after_a_gap(self, owner: str, reason: str) -> None:
        """Brings what this worker holds to the present, where every customer is settled anew."""
        held = await self._store.partitions.held(owner)
        self._fail(f"history is lost: {reason}")
        log.error(
            "history is lost; what changed meanwhile becomes one transition each, by DEFINITION",
            reason=reason,
            since=min((each.at.isoformat() for each in held.values()), default=None),
        )

        # Whoever dropped the customers dropped with them that images are kept.
        await self._store.prepare()

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
        """How many partitions are this worker's part. Writes its report."""
        report, untold, self._untold = self._pulse.report(), self._untold, False
        workers = await self._store.workers.report(self._worker, report)
        if untold:
            await self._store.workers.keep_error(report)
        return ceil(PARTITIONS / workers)

    def _fail(self, error: str) -> None:
        """What went wrong is told when MongoDB next answers."""
        self._pulse.fail(error)
        self._untold = True

    async def _watch_the_share(self, owner: str) -> None:
        """Ends the work where the worker holds more than its share, or could hold more."""
        held = len(await self._store.partitions.held(owner))
        while True:
            share = await self._share()
            if held > share or (held < share and await self._store.partitions.free()):
                raise _Unfair
            await asyncio.sleep(_LOOK_SECONDS)

    async def _watch_the_lag(self, owner: str) -> None:
        """Ends the work where nothing is left to do but what has just come in."""
        store = self._store
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            held, now = await store.partitions.held(owner), await store.partitions.now()
            until = now - timedelta(seconds=_CAUGHT_UP_SECONDS)
            if any(each.at < until for each in held.values()):
                continue
            base = min((each.base for each in held.values()), default=0)
            if await store.partitions.steps(base) or await store.states.due([*held], until, 1):
                continue
            raise _CaughtUp


def _is_cancelled() -> bool:
    """Whether the current task has been told to stop."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _flat(errors: BaseExceptionGroup[Error]) -> Iterator[Error]:
    """The errors themselves: groups lie in groups."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error


def _first(errors: BaseExceptionGroup[BaseException]) -> str:
    """What the first of them says."""
    first = next(_flat(errors))
    return str(first) if isinstance(first, (SegmentsError, DatabaseError)) else repr(first)
