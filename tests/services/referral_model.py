"""What referrers must have got, computed from the transition log; and an engine that a test drives
step by step."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from app.domain.ids import EntityKind
from app.domain.progress import CustomerState
from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from app.store import Transaction
from app.store.ids import to_object_id
from tests.api import Api, Documents, Json


@dataclass
class StepwiseEngine:
    """Commits memberships as the engine does: the state of the customer and its transition in one
    transaction."""

    api: Api
    bits_by_customer: dict[str, int] = field(default_factory=dict)

    def finish_backfill(self) -> None:
        """Makes all customers pass the definitions. Those without a state are in no segment."""
        (counter,) = self.api.database.counters.find({"_id": "definitions"})
        update = {"$set": {"baseRevision": counter["revision"]}}
        self.api.database.partitions.update_many({}, update)

    async def set_member(self, segment_id: str, source_id: str, is_member: bool) -> None:
        """Commits a transition, if the customer is not as wanted already."""
        await self._save(segment_id, source_id, is_member, has_transition=True)

    async def set_baseline(self, segment_id: str, source_id: str, is_member: bool) -> None:
        """Records a customer in the baseline of the segment, without a transition."""
        await self._save(segment_id, source_id, is_member, has_transition=False)

    async def _save(
        self, segment_id: str, source_id: str, is_member: bool, *, has_transition: bool
    ) -> None:
        database, store = self.api.database, self.api.services.store
        segment_key = to_object_id(EntityKind.SEGMENT, segment_id)
        active_filter = database.activeFilters.find_one({"segmentId": segment_key})
        assert active_filter is not None
        bit, bits = 1 << active_filter["_id"], self.bits_by_customer.get(source_id, 0)
        new_bits = bits | bit if is_member else bits & ~bit
        if has_transition and new_bits == bits:
            return
        customer_id = f"cus_{self.api.read_customer_document(source_id)['_id']}"
        revision = active_filter["sinceRevision"]
        state = CustomerState(customer_id, 0, revision, new_bits, None, source_id)
        transition = PendingTransition(
            TransitionType.ENTERED if is_member else TransitionType.LEFT,
            TransitionCause.LIVE,
            segment_id,
            "a segment",
            customer_id,
            source_id,
            datetime.now(UTC),
        )

        async def work(transaction: Transaction) -> None:
            await store.membership_states.save([state], [], transaction)
            transitions = [transition] if has_transition else []
            await store.transitions.append(transitions, transaction)

        await store.transaction(work)
        self.bits_by_customer[source_id] = new_bits


def list_problems(database: Documents) -> list[str]:
    """Compares the rewards, the ledger and the codes with the referrals and the log."""
    problems = list_reward_problems(database)
    codes = [row["code"] for row in database.referralRewards.find() if "code" in row]
    claimed = sum(row["claimedCount"] for row in database.codeClaims.find())
    if not len(codes) == len(set(codes)) == claimed:
        problems.append(f"{claimed} codes were claimed: {sorted(codes)}")
    return problems


def list_reward_problems(
    database: Documents, baseline: Iterable[tuple[ObjectId, ObjectId]] = ()
) -> list[str]:
    """Compares the rewards and the ledger with the referrals and the log. `baseline` holds the
    segments and customers that were members at the activation."""
    problems: list[str] = []
    members, customers = set(baseline), {row["_id"] for row in database.customers.find()}
    log = list(database.transitions.find().sort("_id", 1))
    rewards = {
        (row["_id"]["tier"], row["_id"]["referrer"]): row for row in database.referralRewards.find()
    }
    entries = Counter((row.get("tierId"), row["customerId"]) for row in database.ledger.find())
    for program in database.referralPrograms.find():
        for count in database.referralCounts.find({"_id.program": program["_id"]}):
            customer = count["_id"]["referrer"]
            for tier in program["tiers"] if customer in customers else ():
                key = tier["id"], customer
                reward = rewards.get(key)
                if (reward is not None) != (count["count"] >= tier["minReferrals"]):
                    problems.append(f"{key} with {count['count']} referees: {reward}")
                if reward is None:
                    continue
                is_earned = "segmentId" not in tier or _is_earned(
                    reward, tier["segmentId"], program["untilSequence"], log, members
                )
                if (reward["state"] == "GIVEN") != is_earned:
                    problems.append(f"{key} must be given: {is_earned}; {reward}")
                if entries[key] != (is_earned and "points" in tier["reward"]):
                    problems.append(f"{key} has {entries[key]} ledger entries; {reward}")
    return problems


def _is_earned(
    reward: Json,
    segment: ObjectId,
    until_sequence: int | None,
    log: Iterable[Json],
    baseline: set[tuple[Any, Any]],
) -> bool:
    """Whether the referrer was in the segment when the tier was reached, or entered it later."""
    customer = reward["_id"]["referrer"]
    is_member_then = (segment, customer) in baseline
    for transition in log:
        if (transition["segmentId"], transition["customerId"]) == (segment, customer):
            sequence, is_entrance = (
                int(str(transition["_id"]), 16),
                transition["type"] == "ENTERED",
            )
            if sequence <= reward["afterSequence"]:
                is_member_then = is_entrance
            elif is_entrance and (until_sequence is None or sequence <= until_sequence):
                return True
    return is_member_then
