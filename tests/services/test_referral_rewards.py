"""Each reward is given once, whichever of its two conditions comes last."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from app.domain.consumers import Consumer
from app.domain.inputs import CustomerRef
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.consumers import ConsumerRunner
from app.services.referral_checks import ReferralChecks
from app.services.referral_consumer import ReferralConsumer
from app.services.referral_rewards import RewardGiver
from app.store import Transaction
from tests.api import Api, Json, running_api
from tests.engine.test_transitions import is_true_filter
from tests.loyalty_client import LoyaltyClient
from tests.referral_client import ReferralClient, points_reward, tier_input
from tests.services.referral_model import StepwiseEngine, list_problems


@dataclass
class ReferralShop:
    """A shop whose engine and consumer run step by step, with one program."""

    api: Api
    client: ReferralClient
    engine: StepwiseEngine
    segment: str
    program: Json

    def __post_init__(self) -> None:
        services, store = self.api.services, self.api.services.store
        self.giver = RewardGiver(store, lambda: services.now().at)
        self.runner = ConsumerRunner(
            store,
            Consumer.REFERRALS,
            ReferralConsumer(store, self.giver).handle,
            store.referral_programs.segments_used_after,
            max_batch_size=4,
        )
        self.checks = ReferralChecks(store, self.giver, lambda: services.now().at)

    async def consume(self) -> None:
        """Runs the consumer to the end of the log, without the checks."""
        while await self.runner.run_once():
            pass

    async def check(self) -> None:
        while await self.checks.run_once():
            pass

    def reward_state(self, source_id: str, tier_index: int = 0) -> str | None:
        return self.client.reward_state(self.program["tiers"][tier_index]["id"], source_id)


@pytest.fixture
async def referral_shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ReferralShop]:
    async with running_api(mongod, valkey) as api:
        loyalty, client = LoyaltyClient(api), ReferralClient(api)
        segment = await loyalty.create_segment("gold", filter=is_true_filter("gold"))
        loyalty_program = await loyalty.create_program("Club")
        pool = await client.create_pool(*(f"CODE {number}" for number in range(20)))
        points = points_reward(loyalty_program)
        program = await client.create_program(
            tier_input("Gold", 1, segment, points=points),
            tier_input("Two", 2, points=points),
            tier_input("Gold code", 2, segment, codePoolId=pool),
        )
        yield ReferralShop(api, client, StepwiseEngine(api), segment, program)


@pytest.mark.parametrize("types", ["", "E", "EL", "ELE"])
async def test_a_referral_that_commits_after_the_consumer_has_passed_is_rewarded(
    referral_shop: ReferralShop, types: str
) -> None:
    """The customer enters, and the consumer handles it, between the snapshot and the commit of the
    transaction that records the referral."""
    shop, store = referral_shop, referral_shop.api.services.store
    customer_id = await shop.api.upsert("ann")
    shop.engine.finish_backfill()
    program = await shop.api.services.referrals.program(shop.program["id"])
    assert program is not None
    referee_id = await shop.api.upsert("ben")

    async def work(transaction: Transaction) -> None:
        count = await store.referrals.add(program.id, customer_id, referee_id, transaction)
        await shop.giver.reach_tiers(program, customer_id, count, transaction)
        for type_ in types:
            await shop.engine.set_member(shop.segment, "ann", type_ == "E")
        await shop.consume()

    await store.transaction(work)
    await shop.consume()
    assert shop.reward_state("ann") == "PENDING"
    await shop.check()
    assert shop.reward_state("ann") == ("GIVEN" if types else "PENDING")
    assert shop.client.read_points("ann") == (10 if types else 0)
    assert list_problems(shop.api.database) == []

    await shop.engine.set_member(shop.segment, "ann", False)
    await shop.engine.set_member(shop.segment, "ann", True)
    await shop.consume()
    await shop.check()
    assert shop.client.read_points("ann") == 10
    assert list_problems(shop.api.database) == []


async def test_one_who_left_before_the_referral_is_not_rewarded(
    referral_shop: ReferralShop,
) -> None:
    shop = referral_shop
    for name in ("ann", "ben"):
        await shop.api.upsert(name)
    shop.engine.finish_backfill()
    for is_member in (True, False):
        await shop.engine.set_member(shop.segment, "ann", is_member)
    await shop.client.record(shop.program["id"], "ann", "ben")
    await shop.consume()
    await shop.check()
    assert shop.reward_state("ann") == "PENDING"
    assert list_problems(shop.api.database) == []


@pytest.mark.parametrize("is_member", [True, False])
async def test_a_reward_waits_until_the_engine_has_recorded_the_baseline(
    referral_shop: ReferralShop, is_member: bool
) -> None:
    shop = referral_shop
    await shop.api.upsert("ann")
    await shop.api.upsert("ben")
    await shop.client.record(shop.program["id"], "ann", "ben")
    await shop.check()
    (reward,) = shop.api.database.referralRewards.find()
    assert "checkAt" in reward

    await shop.engine.set_baseline(shop.segment, "ann", is_member)
    shop.api.database.referralRewards.update_one({}, {"$set": {"checkAt": reward["reachedAt"]}})
    await shop.check()
    assert shop.reward_state("ann") == ("GIVEN" if is_member else "PENDING")
    assert shop.api.database.referralRewards.count_documents({"checkAt": {"$exists": True}}) == 0
    assert shop.client.read_points("ann") == 10 * is_member


async def test_the_sweeper_removes_the_rows_of_deleted_customers(
    referral_shop: ReferralShop,
) -> None:
    shop, database = referral_shop, referral_shop.api.database
    ids = {name: await shop.api.upsert(name) for name in ("ann", "ben", "cleo")}
    await shop.client.record(shop.program["id"], "ann", "ben")
    await shop.client.record(shop.program["id"], "ben", "cleo")
    await shop.client.record(shop.program["id"], "cleo", "ann")
    await shop.api.services.customers.delete(CustomerRef.by_id(ids["ben"]))
    while await shop.api.services.store.customer_tombstones.sweep([ids["ben"]], 1):
        pass
    # Ann's referee was deleted, and still counts. Nobody can refer Cleo again.
    left = {
        role: {f"cus_{row['_id'][role]}" for row in database[name].find()}
        for name, role in (("referrals", "referee"), ("referralCounts", "referrer"))
    }
    assert left == {"referee": {ids["cleo"], ids["ann"]}, "referrer": {ids["ann"], ids["cleo"]}}
    assert database.referralRewards.count_documents({}) == 2
    assert await shop.client.record(shop.program["id"], "ann", "cleo") == 1


async def test_a_deleted_customer_is_not_checked_again(referral_shop: ReferralShop) -> None:
    shop = referral_shop
    ids = {name: await shop.api.upsert(name) for name in ("ann", "ben")}
    shop.engine.finish_backfill()
    await shop.client.record(shop.program["id"], "ann", "ben")
    await shop.engine.set_member(shop.segment, "ann", True)
    await shop.api.services.customers.delete(CustomerRef.by_id(ids["ann"]))
    await shop.check()
    await shop.consume()
    (reward,) = shop.api.database.referralRewards.find()
    assert reward["state"] == "PENDING"
    assert "checkAt" not in reward
    assert shop.api.database.ledger.count_documents({}) == 0


async def test_a_deleted_program_still_rewards_what_was_before(referral_shop: ReferralShop) -> None:
    shop, names = referral_shop, ["before", "after", "referee 1", "referee 2"]
    for name in names:
        await shop.api.upsert(name)
    shop.engine.finish_backfill()
    await shop.client.record(shop.program["id"], "before", "referee 1")
    await shop.client.record(shop.program["id"], "after", "referee 2")
    await shop.engine.set_member(shop.segment, "before", True)
    await shop.client.delete_program(shop.program["id"])
    await shop.engine.set_member(shop.segment, "after", True)
    await shop.consume()
    await shop.check()
    assert (shop.reward_state("before"), shop.reward_state("after")) == ("GIVEN", "PENDING")
    assert list_problems(shop.api.database) == []


@pytest.mark.parametrize("seed", range(4))
async def test_rewards_equal_the_model_in_any_order(referral_shop: ReferralShop, seed: int) -> None:
    shop, rng = referral_shop, random.Random(seed)
    referrers = [f"referrer {number}" for number in range(6)]
    referees = [f"referee {number}" for number in range(24)]
    for name in [*referrers, *referees]:
        await shop.api.upsert(name)
    shop.engine.finish_backfill()
    is_over = asyncio.Event()

    async def record() -> None:
        for _ in range(30):
            await shop.client.record(
                shop.program["id"], rng.choice(referrers), rng.choice(referees)
            )
            await asyncio.sleep(rng.uniform(0, 0.02))

    async def change_members() -> None:
        for _ in range(60):
            await shop.engine.set_member(shop.segment, rng.choice(referrers), rng.random() < 0.5)
            await asyncio.sleep(rng.uniform(0, 0.02))

    async def repeat(step: str) -> None:
        while not is_over.is_set():
            await (shop.consume() if step == "consume" else shop.check())
            await asyncio.sleep(rng.uniform(0, 0.2))

    background = [asyncio.create_task(repeat(step)) for step in ("consume", "check", "check")]
    await asyncio.gather(record(), record(), change_members())
    is_over.set()
    await asyncio.gather(*background)
    await shop.consume()
    await shop.check()
    assert list_problems(shop.api.database) == []
    assert shop.api.database.referralRewards.count_documents({"state": "GIVEN"}) > 3
