"""Reads the transition log for clients, and trims it to its retention."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import structlog

from app.domain.consumers import Consumer
from app.domain.inputs import CustomerRef
from app.domain.transitions import Transition, TransitionType
from app.errors import BadRequest, CursorExpired, InputError, Problem, UserErrorCode, input_error
from app.services.definitions_reader import DefinitionsReader
from app.services.transition_feed import TransitionFeed, TransitionFilter
from app.store import Store, Transaction
from app.store.retention import ENTRANCES_REVISION

log = structlog.get_logger()

_BATCH_SIZE = 1_000
_SUBSCRIPTION_BATCH_SIZE = 100
# Shorter than the timeout of a job.
_TRIM_BUDGET_SECONDS = 120


class _Page(NamedTuple):
    """Transitions, and the last sequence of the log in the same snapshot."""

    transitions: list[Transition]
    end: int


class Transitions:
    """Queries of, and subscriptions to, the transition log."""

    def __init__(self, store: Store, definitions: DefinitionsReader, feed: TransitionFeed) -> None:
        self._store = store
        self._definitions = definitions
        self._feed = feed

    async def get(self, id_: str) -> Transition | None:
        return (await self.get_many([id_])).get(id_)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Transition]:
        """Returns the transitions by id; unknown ids are left out."""
        return await self._store.transitions.get_many(ids)

    async def end(self) -> int:
        """The last sequence of the log."""
        return await self._store.transitions.last_sequence()

    async def page(
        self,
        after: int | None,
        limit: int,
        segment_ids: Sequence[str] | None = None,
        customer_ref: CustomerRef | None = None,
    ) -> list[Transition]:
        """Returns up to `limit` transitions after a sequence, oldest first: of all or some
        segments, of all or one customer. `after` None starts at the beginning of the log.

        Raises CursorExpired if transitions after that sequence have been deleted, and InputError
        for an unknown segment or customer.
        """
        transition_filter = await self._build_filter(segment_ids, customer_ref)
        return (await self._read(after, limit, transition_filter)).transitions

    async def latest_of_segments(
        self,
        segment_ids: Iterable[str],
        type_: TransitionType | None,
        before_sequence: int | None,
        limit: int,
    ) -> dict[str, list[Transition]]:
        """Returns, by segment, up to `limit` transitions, newest first, of one type or of both,
        before a sequence; None is the end of the log. A segment without any is left out."""
        return await self._store.transitions.latest_of_segments(
            segment_ids, type_, before_sequence, limit
        )

    async def subscribe(
        self,
        after: int | None,
        segment_ids: Sequence[str] | None = None,
        customer_ref: CustomerRef | None = None,
    ) -> AsyncGenerator[list[Transition]]:
        """Yields the transitions after a sequence, then the new ones as they are committed, in
        batches of at most 100. `after` None starts with new ones.

        Raises what page() raises; BadRequest if `after` is beyond the end of the log; SlowConsumer
        if too many transitions are pending.
        """
        transition_filter = await self._build_filter(segment_ids, customer_ref)
        last_sequence = await self.end()
        if after is not None and after > last_sequence:
            # After an election the end that a majority has acknowledged may be known late. A
            # transaction reads it from the primary.
            last_sequence = await self._store.transaction(self._store.transitions.last_sequence)
        if after is not None and after > last_sequence:
            raise BadRequest("after lies beyond the end of the log; query transitionsCursor.")
        may_have_more, last_sequence = after is not None, last_sequence if after is None else after
        while may_have_more or self._feed.is_past(last_sequence):
            page = await self._read(last_sequence, _BATCH_SIZE, transition_filter)
            for start in range(0, len(page.transitions), _SUBSCRIPTION_BATCH_SIZE):
                batch = page.transitions[start : start + _SUBSCRIPTION_BATCH_SIZE]
                yield batch
                last_sequence = batch[-1].sequence
            may_have_more = len(page.transitions) == _BATCH_SIZE
            if not may_have_more:
                last_sequence = max(last_sequence, page.end)
        with self._feed.subscribe(transition_filter, last_sequence) as subscriber:
            while True:
                yield await subscriber.next_batch(_SUBSCRIPTION_BATCH_SIZE)

    async def _read(
        self, after_sequence: int | None, limit: int, transition_filter: TransitionFilter
    ) -> _Page:
        """Returns transitions after a sequence, None for the beginning. Raises CursorExpired if
        transitions after it have been deleted."""

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

    async def _min_handled_sequence(self) -> int:
        """The last sequence that all consumers and member backfills have handled."""
        deliveries_sequence = await self._store.checkpoints.get(Consumer.DELIVERIES)
        backfill_sequence = await self._store.distributions.min_backfill_sequence(
            deliveries_sequence
        )
        handled_sequence = await self._store.checkpoints.min_sequence()
        return min(
            handled_sequence, handled_sequence if backfill_sequence is None else backfill_sequence
        )

    async def trim_log(self, retention: timedelta, now: datetime) -> int:
        """Deletes transitions older than `retention` from the beginning of the log, up to the first
        that a consumer or a member backfill has yet to handle. Returns how many were deleted.

        The quarantine has copies of its transitions, so it does not delay the deletion.
        """
        handled_sequence = await self._min_handled_sequence()
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
                # This conflicts with the deletion of a segment: the segments found here exist until
                # the transaction ends.
                await self._store.increment_revision(ENTRANCES_REVISION, transaction)
                segment_ids = {transition.details.segment_id for transition in expired}
                segments = await self._store.segments.existing_ids(segment_ids, transaction)
                return await self._store.retention.delete_oldest(
                    deleted_sequence, expired, segments, transaction
                )

            if await self._store.transaction(work):
                deleted_count += len(expired)
        if deleted_count:
            log.info("transition log trimmed", deleted_transitions=deleted_count)
        return deleted_count


def _expired_prefix(
    transitions: Sequence[Transition], handled_sequence: int, expired_before: datetime
) -> list[Transition]:
    """The leading transitions that may be deleted. The rest stays: the log has no gaps."""
    expired = []
    for transition in transitions:
        if transition.sequence > handled_sequence or transition.at >= expired_before:
            break
        expired.append(transition)
    return expired
