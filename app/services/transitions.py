"""The log of transitions as people read it, and how long it is kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic

import structlog

from app.domain.inputs import CustomerRef
from app.domain.transitions import Transition
from app.errors import Code, CursorExpired, Problem, Refused, refuse
from app.services.definitions import DefinitionsReader
from app.store import Store, Transaction

log = structlog.get_logger()

_STEP = 1_000
# Shorter than the time after which arq gives up a job.
_TURN_SECONDS = 120


class Transitions:
    """The verbs of the log."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

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
        if segment_ids is not None:
            await self._require_segments(segment_ids)
        customer_id = None if ref is None else await self._customer(ref)
        while True:
            start = await self._store.retention.deleted() if after is None else after
            found = await self._store.transitions.after(
                start, most, segment_ids=segment_ids, customer_id=customer_id
            )
            # Looked at afterwards: what is deleted meanwhile is noticed, too.
            deleted = await self._store.retention.deleted()
            if deleted <= start:
                return found
            if after is not None:
                raise CursorExpired(deleted)

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
        """Deletes what is older than so long from the beginning of the log, as far as all its
        readers are done with it, and tells how many."""
        done = await self._store.places.slowest()
        segments = (await self._definitions.now()).segments
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
