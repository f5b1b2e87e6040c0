"""Referrals: programs with tiers, and the rewards of the referrers who reach them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from app.domain.log_interval import LogInterval
from app.domain.transitions import Transition, TransitionType

MAX_PROGRAMS = 1_000
MAX_TIERS = 100


@dataclass(frozen=True, slots=True)
class PointsReward:
    """Points in a loyalty program."""

    loyalty_program_id: str
    points: int


@dataclass(frozen=True, slots=True)
class CodeReward:
    """A code of a code pool."""

    pool_id: str


Reward = PointsReward | CodeReward


@dataclass(frozen=True, slots=True)
class ReferralTier:
    """Rewards a referrer with at least `min_referrals` referees in the program who is a member of
    the segment; `segment_id` None means everybody."""

    id: str
    program_id: str
    name: str
    min_referrals: int
    reward: Reward
    segment_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReferralProgram:
    """A program in which customers refer others. `log_interval` holds the transitions between its
    creation and its deletion. A deleted program stays in the store."""

    id: str
    name: str
    tiers: tuple[ReferralTier, ...]
    created_at: datetime
    log_interval: LogInterval

    def tiers_reached_at(self, count: int) -> list[ReferralTier]:
        """The tiers that a referrer reaches with this number of referees, and not with fewer."""
        return [tier for tier in self.tiers if tier.min_referrals == count]

    def tiers_entered_by(self, transition: Transition) -> Iterator[ReferralTier]:
        """Yields the tiers whose segment the customer entered by the transition."""
        details = transition.details
        if details.type is TransitionType.ENTERED and self.log_interval.contains(
            transition.sequence
        ):
            for tier in self.tiers:
                if tier.segment_id == details.segment_id:
                    yield tier


class RewardState(Enum):
    """PENDING: the referrer has enough referees, but was not in the segment since then.
    WAITING_FOR_CODE: the reward is earned, but its pool has run out. GIVEN: it was given."""

    PENDING = "PENDING"
    WAITING_FOR_CODE = "WAITING_FOR_CODE"
    GIVEN = "GIVEN"


@dataclass(frozen=True, slots=True)
class ReferralReward:
    """The one reward of a tier for a referrer, from the moment when the referrer has enough
    referees.

    `after_sequence` is the last sequence of the log at that moment. `check_at` is when a worker
    looks for memberships that the consumer has not seen; None if it need not. `waiting_pool_id` is
    the pool that the reward waits for.
    """

    tier_id: str
    program_id: str
    customer_id: str
    reached_at: datetime
    after_sequence: int
    state: RewardState = RewardState.PENDING
    check_at: datetime | None = None
    waiting_pool_id: str | None = None
    code: str | None = None
    given_at: datetime | None = None
