"""The log of transitions as people read it, and how long it is kept."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import structlog

from app.domain.inputs import CustomerRef
from app.domain.transitions import Transition
from app.errors import BadRequest, CursorExpired, InputError, Problem, UserErrorCode, input_error
from app.services.definitions_reader import DefinitionsReader
from app.services.transition_feed import TransitionFeed, TransitionFilter
from app.store import Store, Transaction
from app.store.retention import ENTRANCES_REVISION

log = structlog.get_logger()

_BATCH_SIZE = 1_000
# Shorter than the time after which arq gives up a job.
_TRIM_BUDGET_SECONDS = 120


class _Page(NamedTuple):
    """A part of the log, and the sequence at which the log ended at the same instant."""

    transitions: list[Transition]
    end: int


class Transitions:
    """The verbs of the log."""

    def __init__(self, store: Store, definitions: DefinitionsReader, feed: TransitionFeed) -> None:
        self._store = store
        self._definitions = definitions
        self._feed = feed

    async def get(self, id_: str) -> Transition | None:
        return (await self.get_many([id_])).get(id_)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Transition]:
        """Those of the transitions that are there."""
        return await self._store.transitions.get_many(ids)

    async def end(self) -> int:
        """Where the log ends now."""
        return await self._store.transitions.last_sequence()

    async def page(
        self,
        after: int | None,
        limit: int,
        segment_ids: Sequence[str] | None = None,
        customer_ref: CustomerRef | None = None,
    ) -> list[Transition]:
        """The log from after a place, the oldest first: of all, of some segments, of one customer.
        CursorExpired where some have been deleted after the place."""
        transition_filter = await self._build_filter(segment_ids, customer_ref)
        return (await self._read(after, limit, transition_filter)).transitions

    async def subscribe(
        self,
        after: int | None,
        segment_ids: Sequence[str] | None = None,
        customer_ref: CustomerRef | None = None,
    ) -> AsyncGenerator[Transition]:
        """What was committed after a place, and then, or from now on, each as it is committed.
        CursorExpired as with a page; SlowConsumer where too many wait to be taken."""
        transition_filter = await self._build_filter(segment_ids, customer_ref)
        last_sequence = await self.end()
        if after is not None and after > last_sequence:
            # After an election a majority's end may be known late; the primary itself knows it.
            last_sequence = await self._store.transaction(self._store.transitions.last_sequence)
        if after is not None and after > last_sequence:
            raise BadRequest("after lies beyond the end of the log; ask for transitionsCursor.")
        may_have_more, last_sequence = after is not None, last_sequence if after is None else after
        while may_have_more or self._feed.is_past(last_sequence):
            page = await self._read(last_sequence, _BATCH_SIZE, transition_filter)
            for transition in page.transitions:
                yield transition
                last_sequence = transition.sequence
            may_have_more = len(page.transitions) == _BATCH_SIZE
            if not may_have_more:
                last_sequence = max(last_sequence, page.end)
        with self._feed.subscribe(transition_filter, last_sequence) as subscriber:
            while True:
                yield await subscriber.next()

    async def _read(
        self, after_sequence: int | None, limit: int, transition_filter: TransitionFilter
    ) -> _Page:
        """The log from after a place, or from its beginning. CursorExpired where some have been
        deleted after the place."""

        async def read(snapshot: Transaction) -> _Page:
            deleted_sequence = await self._store.retention.last_deleted_sequence(snapshot)
            if after_sequence is not None and deleted_sequence > after_sequence:
                raise CursorExpired(deleted_sequence)
            transitions = await self._store.transitions.read_after(
                deleted_sequence if after_sequence is None else after_sequence,
                limit,
                segment_ids=transition_filter.segment_ids,
                customer_id=transition_filter.customer_id,
                transaction=snapshot,
            )
            return _Page(transitions, await self._store.transitions.last_sequence(snapshot))

        return await self._store.read_snapshot(read)

    async def _build_filter(
        self, segment_ids: Sequence[str] | None, customer_ref: CustomerRef | None
    ) -> TransitionFilter:
        if segment_ids is not None:
            await self._require_segments(segment_ids)
        return TransitionFilter(
            None if segment_ids is None else frozenset(segment_ids),
            None if customer_ref is None else await self._find_customer_id(customer_ref),
        )

    async def _require_segments(self, segment_ids: Sequence[str]) -> None:
        segments = (await self._definitions.latest()).segments
        problems = [
            Problem(
                UserErrorCode.NOT_FOUND, "There is no such segment.", ("segmentIds", str(index))
            )
            for index, id_ in enumerate(segment_ids)
            if id_ not in segments
        ]
        if problems:
            raise InputError(problems)

    async def _find_customer_id(self, customer_ref: CustomerRef) -> str:
        customer = await self._store.customers.get(customer_ref)
        if customer is None:
            key = "id" if customer_ref.source_id is None else "sourceId"
            raise input_error(
                UserErrorCode.NOT_FOUND, "There is no such customer.", "customer", key
            )
        return customer.id

    async def trim_log(self, retention: timedelta, now: datetime) -> int:
        """Deletes what is older than so long from the beginning of the log, as far as all of its
        consumers have handled it, and returns how many. A transition in quarantine is kept there,
        and holds up nothing here."""
        handled_sequence = await self._store.checkpoints.min_sequence()
        deleted_count, deadline = 0, monotonic() + _TRIM_BUDGET_SECONDS
        while monotonic() < deadline:
            deleted_sequence = await self._store.retention.last_deleted_sequence()
            transitions = await self._store.transitions.read_after(deleted_sequence, _BATCH_SIZE)
            expired = _expired_prefix(transitions, handled_sequence, now - retention)
            if not expired:
                break

            async def work(
                transaction: Transaction,
                deleted_sequence: int = deleted_sequence,
                expired: list[Transition] = expired,
            ) -> bool:
                # The segments found here keep existing until the transaction ends.
                await self._store.increment_revision(ENTRANCES_REVISION, transaction)
                segment_ids = {each.details.segment_id for each in expired}
                segments = await self._store.segments.existing_ids(segment_ids, transaction)
                return await self._store.retention.delete_oldest(
                    deleted_sequence, expired, segments, transaction
                )

            if await self._store.transaction(work):
                deleted_count += len(expired)
        if deleted_count:
            log.info("old transitions deleted", number=deleted_count)
        return deleted_count


def _expired_prefix(
    transitions: Sequence[Transition], handled_sequence: int, expired_before: datetime
) -> list[Transition]:
    """Those at the beginning that may go: the log has no holes."""
    expired = []
    for transition in transitions:
        if transition.sequence > handled_sequence or transition.at >= expired_before:
            break
        expired.append(transition)
    return expired
