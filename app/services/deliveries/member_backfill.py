"""Makes the deliveries of those who were members when a distribution was created.

A page of the membership states and the log are read in one snapshot, in which the page's deliveries
are inserted and the progress is saved. A customer with a transition of the segment since the
creation is left to the deliveries consumer, which decides by the first such transition. The others
have the membership that they had at the creation.
"""

from dataclasses import replace
from functools import partial

from app.domain.distributions import Distribution, MemberBackfill
from app.services.deliveries.payload import DeliveryDraft
from app.services.deliveries.upkeep_failures import UpkeepFailures
from app.services.deliveries.writer import DeliveryWriter
from app.store import Store, Transaction
from app.store.distributions import DistributionProgress

_STATES_PER_PAGE = 2_000
_MAX_DELIVERIES_PER_PAGE = 500


class MemberBackfills:
    """Runs the member backfills of all distributions."""

    def __init__(self, store: Store, writer: DeliveryWriter, failures: UpkeepFailures) -> None:
        self._store = store
        self._writer = writer
        self._failures = failures

    async def run_page(self, session: Transaction) -> bool:
        """Handles a page of customers for each distribution whose segment is ready, in transactions
        of the session. Returns whether there may be more."""
        unfinished = await self._store.distributions.with_unfinished_backfill()
        results = [
            await self._failures.run(
                "member backfill",
                progress.distribution.id,
                partial(self._run_page_of, progress, session),
            )
            for progress in unfinished
        ]
        return any(results)

    async def _run_page_of(self, progress: DistributionProgress, session: Transaction) -> bool:
        backfill = progress.member_backfill
        assert backfill is not None
        if await self._store.partitions.min_base_revision() < backfill.filter_revision:
            # The engine has yet to find the members of the segment.
            return False

        async def work(transaction: Transaction) -> bool:
            current = await self._store.distributions.get_progress(
                progress.distribution.id, transaction
            )
            if current is None or current.member_backfill != backfill:
                # It is deleted, or another worker was faster.
                return current is not None
            return await self._handle_page(current.distribution, backfill, transaction)

        return await self._store.transaction(work, session)

    async def _handle_page(
        self, distribution: Distribution, backfill: MemberBackfill, transaction: Transaction
    ) -> bool:
        slots = await self._store.active_filters.slots_of(distribution.segment_id, transaction)
        page = await self._store.membership_states.page_of_members(
            slots,
            backfill.last_customer_id,
            _STATES_PER_PAGE,
            _MAX_DELIVERIES_PER_PAGE,
            transaction,
        )
        changed = await self._store.transitions.first_sequences(
            distribution.segment_id,
            [member.customer_id for member in page.members],
            distribution.created_after_sequence,
            transaction,
        )
        drafts = [
            DeliveryDraft(distribution, member.customer_id, member.source_id)
            for member in page.members
            if member.customer_id not in changed
        ]
        await self._writer.write(drafts, transaction)
        if page.last_customer_id is None:
            last_sequence = await self._store.transitions.last_sequence(transaction)
            backfill = replace(backfill, through_sequence=last_sequence)
        else:
            backfill = replace(backfill, last_customer_id=page.last_customer_id)
        await self._store.distributions.save_backfill(distribution.id, backfill, transaction)
        return page.last_customer_id is not None
