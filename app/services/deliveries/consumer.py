"""The deliveries consumer: makes the deliveries of distributions from the transition log."""

from collections.abc import Sequence

from app.domain.transitions import Transition, TransitionType
from app.services.deliveries.payload import DeliveryDraft
from app.services.deliveries.writer import DeliveryWriter
from app.store import Store, Transaction
from app.store.distributions import DistributionProgress


class DeliveriesConsumer:
    """Makes one delivery for each transition that a distribution applies to.

    While the current members of a distribution are backfilled, it also makes the delivery of a
    member who leaves first: a customer was a member at the creation if and only if the first
    transition after it is LEFT, or there is none and the membership state has the segment. The
    backfill makes the deliveries of the latter. Both use the same id, so that only one is made.
    """

    def __init__(self, store: Store, writer: DeliveryWriter) -> None:
        self._store = store
        self._writer = writer

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        """Makes the deliveries for these consecutive transitions, in the given transaction."""
        segment_ids = list({transition.details.segment_id for transition in transitions})
        affected = await self._store.distributions.affected(
            segment_ids, transitions[0].sequence, transaction
        )
        if not affected:
            return
        members = await self._find_leaving_members(transitions, affected, transaction)
        drafts = []
        for transition in transitions:
            details = transition.details
            for distribution, _ in affected:
                customer = (details.customer_id, details.customer_source_id)
                if (distribution.id, transition.sequence) in members:
                    drafts.append(DeliveryDraft(distribution, *customer))
                if distribution.applies_to(transition):
                    drafts.append(DeliveryDraft(distribution, *customer, transition))
        await self._writer.write(drafts, transaction)

    async def _find_leaving_members(
        self,
        transitions: Sequence[Transition],
        affected: Sequence[DistributionProgress],
        transaction: Transaction,
    ) -> set[tuple[str, int]]:
        """Returns the distribution and the sequence of each LEFT that is the customer's first
        transition of the segment after the creation of the distribution."""
        members = set()
        for distribution, backfill in affected:
            if backfill is None:
                continue
            created_after = distribution.created_after_sequence
            candidates = [
                transition
                for transition in transitions
                if transition.details.segment_id == distribution.segment_id
                and transition.details.type is TransitionType.LEFT
                and transition.sequence > created_after
                and backfill.covers(transition.sequence)
            ]
            if candidates:
                first_sequences = await self._store.transitions.first_sequences(
                    distribution.segment_id,
                    [transition.details.customer_id for transition in candidates],
                    created_after,
                    transaction,
                )
                members |= {
                    (distribution.id, transition.sequence)
                    for transition in candidates
                    if first_sequences.get(transition.details.customer_id) == transition.sequence
                }
        return members
