"""The log of transitions as people read it, and how long it is kept."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import structlog

from app.domain.inputs import CustomerRef
from app.domain.transitions import Transition
from app.errors import BadRequest, Code, CursorExpired, Problem, Refused, refuse
from app.services.definitions import DefinitionsReader
from app.services.feed import Feed, Wanted
from app.store import Store, Transaction
from app.store.retention import FENCE

log = structlog.get_logger()

_STEP = 1_000
# Shorter than the time after which arq gives up a job.
_TURN_SECONDS = 120


class _Page(NamedTuple):
    """A part of the log, and the sequence at which the log ended at the same instant."""

    transitions: list[Transition]
    end: int


class Transitions:
    """The verbs of the log."""

    def __init__(self, store: Store, definitions: DefinitionsReader, feed: Feed) -> None:
        self._store = store
        self._definitions = definitions
        self._feed = feed

    async def get(self, id_: str) -> Transition | None:
        return (await self.named([id_])).get(id_)

    async def named(self, ids: Iterable[str]) -> dict[str, Transition]:
        """Those of the transitions that are there."""
        return await self._store.transitions.named(ids)

    async def end(self) -> int:
        """Where the log ends now."""
        return await self._store.transitions.end()

    async def page(
        self,
        after: int | None,
        most: int,
        segment_ids: Sequence[str] | None = None,
        ref: CustomerRef | None = None,
    ) -> list[Transition]:
        """The log from after a place, the oldest first: of all, of some segments, of one customer.
        CursorExpired where some have been deleted after the place."""
        wanted = await self._wanted(segment_ids, ref)
        return (await self._read(after, most, wanted)).transitions

    async def since(
        self,
        after: int | None,
        segment_ids: Sequence[str] | None = None,
        ref: CustomerRef | None = None,
    ) -> AsyncGenerator[Transition]:
        """What was committed after a place, and then, or from now on, each as it is committed.
        CursorExpired as with a page; SlowConsumer where too many wait to be taken."""
        wanted = await self._wanted(segment_ids, ref)
        place = await self.end()
        if after is not None and after > place:
            # After an election a majority's end may be known late; the primary itself knows it.
            place = await self._store.transaction(self._store.transitions.end)
        if after is not None and after > place:
            raise BadRequest("after lies beyond the end of the log; ask for transitionsCursor.")
        behind, place = after is not None, place if after is None else after
        while behind or self._feed.is_past(place):
            page = await self._read(place, _STEP, wanted)
            for transition in page.transitions:
                yield transition
                place = transition.sequence
            behind = len(page.transitions) == _STEP
            if not behind:
                place = max(place, page.end)
        with self._feed.follow(wanted, place) as follower:
            while True:
                yield await follower.next()

    async def _read(self, place: int | None, most: int, wanted: Wanted) -> _Page:
        """The log from after a place, or from its beginning. CursorExpired where some have been
        deleted after the place."""

        async def read(snapshot: Transaction) -> _Page:
            deleted = await self._store.retention.deleted(snapshot)
            if place is not None and deleted > place:
                raise CursorExpired(deleted)
            found = await self._store.transitions.after(
                deleted if place is None else place,
                most,
                segment_ids=wanted.segment_ids,
                customer_id=wanted.customer_id,
                transaction=snapshot,
            )
            return _Page(found, await self._store.transitions.end(snapshot))

        return await self._store.read_snapshot(read)

    async def _wanted(self, segment_ids: Sequence[str] | None, ref: CustomerRef | None) -> Wanted:
        if segment_ids is not None:
            await self._require_segments(segment_ids)
        return Wanted(
            None if segment_ids is None else frozenset(segment_ids),
            None if ref is None else await self._customer(ref),
        )

    async def _require_segments(self, ids: Sequence[str]) -> None:
        known = (await self._definitions.now()).segments
        problems = [
            Problem(Code.NOT_FOUND, "There is no such segment.", ("segmentIds", str(index)))
            for index, id_ in enumerate(ids)
            if id_ not in known
        ]
        if problems:
            raise Refused(problems)

    async def _customer(self, ref: CustomerRef) -> str:
        found = await self._store.customers.get(ref)
        if found is None:
            key = "id" if ref.source_id is None else "sourceId"
            raise refuse(Code.NOT_FOUND, "There is no such customer.", "customer", key)
        return found.id

    async def trim(self, kept: timedelta, now: datetime) -> int:
        """Deletes what is older than so long from the beginning of the log, as far as all of its
        consumers have handled it, and returns how many. A transition in quarantine is kept there,
        and holds up nothing here."""
        done = await self._store.checkpoints.slowest()
        total, ends = 0, monotonic() + _TURN_SECONDS
        while monotonic() < ends:
            start = await self._store.retention.deleted()
            rows = await self._store.transitions.after(start, _STEP)
            old = _old(rows, done, now - kept)
            if not old:
                break

            async def work(
                transaction: Transaction, start: int = start, old: list[Transition] = old
            ) -> bool:
                # The segments found here keep existing until the transaction ends.
                await self._store.fence(FENCE, transaction)
                named = {each.crossing.segment_id for each in old}
                segments = await self._store.segments.existing(named, transaction)
                return await self._store.retention.delete(start, old, segments, transaction)

            if await self._store.transaction(work):
                total += len(old)
        if total:
            log.info("old transitions deleted", number=total)
        return total


def _old(rows: Sequence[Transition], done: int, before: datetime) -> list[Transition]:
    """Those at the beginning that may go: the log has no holes."""
    old = []
    for row in rows:
        if row.sequence > done or row.at >= before:
            break
        old.append(row)
    return old
