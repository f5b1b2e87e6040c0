"""Gives referrers their rewards, each once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

from app.domain.referrals import (
    CodeReward,
    ReferralProgram,
    ReferralReward,
    ReferralTier,
    RewardState,
)
from app.services.loyalty_accounts import LoyaltyAccounts
from app.store import Store, Transaction

EarnedReward = tuple[ReferralTier, ReferralReward]


class RewardGiver:
    """Writes rewards in the transaction of the caller, which has read their state there.

    Transactions that write the same reward conflict, so each reward is given once.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def reach_tiers(
        self, program: ReferralProgram, customer_id: str, count: int, transaction: Transaction
    ) -> None:
        """Adds the rewards of the tiers that a referrer reaches with this number of referees.
        Gives those whose segment the customer is in, as the log has it in this transaction."""
        tiers = program.tiers_reached_at(count)
        if not tiers:
            return
        now, last_sequence = self._clock(), await self._store.transitions.last_sequence(transaction)
        segment_ids = {tier.segment_id for tier in tiers if tier.segment_id is not None}
        memberships = await self._store.logged_memberships.segments_of(
            customer_id, segment_ids, transaction
        )
        earned: list[EarnedReward] = []
        pending: list[ReferralReward] = []
        for tier in tiers:
            reward = ReferralReward(tier.id, program.id, customer_id, now, last_sequence)
            if tier.segment_id is None or memberships.get(tier.segment_id):
                earned.append((tier, reward))
            else:
                pending.append(replace(reward, check_at=now))
        await self._store.referral_rewards.save(pending, transaction)
        await self.give(earned, transaction)

    async def give(self, earned: Sequence[EarnedReward], transaction: Transaction) -> int:
        """Gives the rewards and returns how many. A reward whose pool has run out waits for a code.
        Rewards of deleted customers are skipped."""
        if not earned:
            return 0
        now, given = self._clock(), list[ReferralReward]()
        customer_ids = [reward.customer_id for _, reward in earned]
        accounts = await LoyaltyAccounts.load(self._store, customer_ids, now, transaction)
        rewards_by_pool: defaultdict[str, list[ReferralReward]] = defaultdict(list)
        for tier, reward in earned:
            if accounts.get_document(reward.customer_id) is None:
                continue
            if isinstance(tier.reward, CodeReward):
                rewards_by_pool[tier.reward.pool_id].append(reward)
                continue
            accounts.grant(
                reward.customer_id,
                tier.reward.loyalty_program_id,
                tier.reward.points,
                tier_id=tier.id,
            )
            given.append(_as_given(reward, now))
        await accounts.save(self._store, transaction)
        waiting: list[ReferralReward] = []
        for pool_id, rewards in rewards_by_pool.items():
            codes = await self._store.code_pools.claim(pool_id, len(rewards), transaction)
            for reward, code in zip_longest(rewards, codes):
                if code is None:
                    waiting.append(_as_waiting(reward, pool_id))
                else:
                    given.append(_as_given(reward, now, code))
        await self._store.referral_rewards.save([*given, *waiting], transaction)
        return len(given)


def find_tier(programs: Iterable[ReferralProgram], reward: ReferralReward) -> ReferralTier:
    """Returns the tier of a reward."""
    return next(tier for program in programs for tier in program.tiers if tier.id == reward.tier_id)


def _as_given(reward: ReferralReward, now: datetime, code: str | None = None) -> ReferralReward:
    return replace(
        reward,
        state=RewardState.GIVEN,
        check_at=None,
        waiting_pool_id=None,
        code=code,
        given_at=now,
    )


def _as_waiting(reward: ReferralReward, pool_id: str) -> ReferralReward:
    return replace(
        reward, state=RewardState.WAITING_FOR_CODE, check_at=None, waiting_pool_id=pool_id
    )
