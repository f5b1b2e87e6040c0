"""The referrals consumer: rewards referrers who enter the segment of a tier that they reached."""

from collections.abc import Sequence

from app.domain.referrals import ReferralTier, RewardState
from app.domain.transitions import Transition, TransitionType
from app.services.referral_rewards import RewardGiver
from app.store import Store, Transaction
from app.store.referral_rewards import RewardKey


class ReferralConsumer:
    """Gives the pending rewards of customers who enter the segment of the tier."""

    def __init__(self, store: Store, reward_giver: RewardGiver) -> None:
        self._store = store
        self._reward_giver = reward_giver

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        """Gives the rewards for these consecutive transitions, in the given transaction."""
        segment_ids = {
            transition.details.segment_id
            for transition in transitions
            if transition.details.type is TransitionType.ENTERED
        }
        if not segment_ids:
            return
        programs = await self._store.referral_programs.in_force_since(
            list(segment_ids), transitions[0].sequence, transaction
        )
        # By reward, the tier and the customer's last entrance.
        entrances: dict[RewardKey, tuple[ReferralTier, int]] = {
            (tier.id, transition.details.customer_id): (tier, transition.sequence)
            for transition in transitions
            for program in programs
            for tier in program.tiers_entered_by(transition)
        }
        if not entrances:
            return
        earned = []
        for reward in await self._store.referral_rewards.get_many(entrances, transaction):
            tier, sequence = entrances[reward.tier_id, reward.customer_id]
            if reward.state is RewardState.PENDING and reward.after_sequence < sequence:
                earned.append((tier, reward))
        await self._reward_giver.give(earned, transaction)
