"""Checks pending rewards, and gives those that wait for codes.

The consumer of the log can't see a referral that is committed after the snapshot of its batch. So
each pending reward is checked once after its own commit: see "A reward is given once" in
app/README.md.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from app.domain.referrals import ReferralProgram, ReferralReward, ReferralTier
from app.domain.transitions import TransitionType
from app.services.log_boundary import run_with_deadline
from app.services.referral_rewards import RewardGiver, find_tier
from app.store import Store, Transaction, is_outage, message_of

log = structlog.get_logger()

_CONCURRENT_CHECKS = 10
_MAX_CODES_PER_TRANSACTION = 100
# The engine has not yet recorded the customer in the baseline of the segment.
_BASELINE_RETRY = timedelta(seconds=2)
_ERROR_RETRY = timedelta(minutes=1)


class ReferralChecks:
    """Runs in each worker. Workers that check the same reward conflict, and one of them gives
    it."""

    def __init__(
        self, store: Store, reward_giver: RewardGiver, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._reward_giver = reward_giver
        self._clock = clock

    async def run_once(self) -> bool:
        """Makes the due checks, and gives rewards whose pools have codes again. Returns whether
        there may be more."""
        due_rewards = await self._store.referral_rewards.due_checks(
            self._clock(), _CONCURRENT_CHECKS
        )
        outages = await asyncio.gather(
            *map(self._check_despite_errors, due_rewards), return_exceptions=True
        )
        for outage in filter(None, outages):
            raise outage
        given_count = 0
        pool_ids = await self._store.referral_rewards.pools_waited_for()
        if pool_ids:
            pools = await self._store.code_pools.get_many(pool_ids)
            for pool in pools.values():
                if pool.available_count:
                    given_count += await self._give_waiting(pool.id)
        return given_count > 0 or len(due_rewards) == _CONCURRENT_CHECKS

    async def _check_despite_errors(self, reward: ReferralReward) -> None:
        """Checks a reward. One that fails is checked again later, and holds up no other. Raises
        only errors that mean that MongoDB is unreachable."""

        async def work(transaction: Transaction) -> None:
            await self._check(reward, transaction)

        try:
            await run_with_deadline(self._store, work)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception(
                "check of a referral reward failed; retrying it later",
                tier_id=reward.tier_id,
                customer_id=reward.customer_id,
                error=message_of(error),
            )
            await self._store.referral_rewards.postpone_check(reward, self._clock() + _ERROR_RETRY)

    async def _check(self, checked_reward: ReferralReward, transaction: Transaction) -> None:
        key = checked_reward.tier_id, checked_reward.customer_id
        rewards = await self._store.referral_rewards.get_many([key], transaction)
        # The consumer may have given it, or the sweeper deleted it.
        for reward in rewards:
            if reward.check_at is None:
                continue
            programs = await self._store.referral_programs.get_many(
                [reward.program_id], transaction
            )
            program = programs[reward.program_id]
            tier = find_tier([program], reward)
            match await self._was_member(reward, tier, program, transaction):
                case True:
                    # A deleted customer gets nothing, and needs no further check.
                    await self._save_check(reward, None, transaction)
                    await self._reward_giver.give([(tier, reward)], transaction)
                case False:
                    await self._save_check(reward, None, transaction)
                case None:
                    check_at = self._clock() + _BASELINE_RETRY
                    await self._save_check(reward, check_at, transaction)

    async def _save_check(
        self, reward: ReferralReward, check_at: datetime | None, transaction: Transaction
    ) -> None:
        await self._store.referral_rewards.save([replace(reward, check_at=check_at)], transaction)

    async def _was_member(
        self,
        reward: ReferralReward,
        tier: ReferralTier,
        program: ReferralProgram,
        transaction: Transaction,
    ) -> bool | None:
        """Whether the log has the customer in the segment when the tier was reached or later.
        None if it does not tell yet."""
        assert tier.segment_id is not None, "only tiers on a segment have pending rewards"
        transitions = await self._store.transitions.read_after(
            reward.after_sequence,
            1,
            segment_ids=[tier.segment_id],
            customer_id=reward.customer_id,
            transaction=transaction,
        )
        for transition in transitions:
            # One who leaves was a member before. One who enters was not.
            return transition.details.type is TransitionType.LEFT or (
                program.log_interval.contains(transition.sequence)
            )
        memberships = await self._store.logged_memberships.segments_of(
            reward.customer_id, [tier.segment_id], transaction
        )
        is_member = memberships.get(tier.segment_id)
        if is_member is None and not await self._store.segments.get(tier.segment_id, transaction):
            # The program was deleted, and the segment after it.
            return False
        return is_member

    async def _give_waiting(self, pool_id: str) -> int:
        """Gives codes of the pool to the rewards that wait for them, the oldest first. Returns how
        many it gave."""

        async def work(transaction: Transaction) -> int:
            rewards = await self._store.referral_rewards.waiting_for(
                pool_id, _MAX_CODES_PER_TRANSACTION, transaction
            )
            programs = await self._store.referral_programs.get_many(
                {reward.program_id for reward in rewards}, transaction
            )
            earned = [(find_tier(programs.values(), reward), reward) for reward in rewards]
            return await self._reward_giver.give(earned, transaction)

        return await run_with_deadline(self._store, work)
