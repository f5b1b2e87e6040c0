"""Workers that are killed neither lose a reward nor give one twice."""

import asyncio
import os
import random
import signal
from pathlib import Path

from tests.engine.conftest import ShopWithEngine, wait_until
from tests.engine.model.cluster import WorkerProcess
from tests.engine.test_transitions import is_true_filter
from tests.loyalty_client import LoyaltyClient
from tests.referral_client import ReferralClient, points_reward, tier_input
from tests.services.referral_model import list_problems

_REFERRERS = 100
# Those who stay as they are: rewarded by the baseline only, or not at all.
_STEADY_REFERRERS = 20
_TRANSITIONS = 1_200
_TURNS = _TRANSITIONS // (_REFERRERS - _STEADY_REFERRERS)


async def test_killed_workers_give_each_reward_once(
    shop_without_engine: ShopWithEngine, tmp_path: Path
) -> None:
    shop, api, rng = shop_without_engine, shop_without_engine.api, random.Random(1)
    client, names = ReferralClient(api), [f"r{number}" for number in range(_REFERRERS)]
    segment = await shop.create_segment("gold", is_true_filter("gold"))
    is_gold = {name: number % 2 == 1 for number, name in enumerate(names)}

    async def save() -> None:
        rows = [{"sourceId": name, "metadata": {"gold": is_gold[name]}} for name in names]
        await api.bulk_upsert("customersUpsert", rows)

    await save()
    referees = [f"{name} {number}" for name in names for number in range(2)]
    await api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in referees])
    points = points_reward(await LoyaltyClient(api).create_program("Club"))
    pool = await client.create_pool(*(f"CODE {number}" for number in range(_REFERRERS)))
    program = await client.create_program(
        tier_input("Gold", 1, segment, points=points),
        tier_input("Two", 2, points=points),
        tier_input("Gold code", 2, segment, codePoolId=pool),
    )
    baseline = [
        (row["segmentId"], api.read_customer_document(name)["_id"])
        for row in api.database.activeFilters.find()
        for name in names
        if is_gold[name]
    ]
    workers = [WorkerProcess(tmp_path / f"{number}", number, api.settings) for number in range(2)]
    is_over = asyncio.Event()

    async def kill() -> int:
        kills = 0
        while not is_over.is_set():
            await asyncio.sleep(rng.uniform(0.5, 2))
            worker = rng.choice(workers)
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            await asyncio.to_thread(worker.stop)
            worker.start()
            kills += 1
        return kills

    async def change_members() -> None:
        for turn in range(_TURNS):
            for name in names[_STEADY_REFERRERS:]:
                is_gold[name] = not is_gold[name]
            await save()
            await asyncio.sleep(rng.uniform(0, 0.4) if turn else 2)

    async def record() -> None:
        calls = [(name, f"{name} {number}") for name in names for number in range(2)]
        rng.shuffle(calls)
        for name, referee in calls:
            await client.record(program["id"], name, referee)
            await asyncio.sleep(rng.uniform(0, 0.08))

    async def is_handled() -> bool:
        end = await api.services.store.transitions.last_sequence()
        checkpoint = api.database.checkpoints.find_one({"_id": "referrals"})
        checks = api.database.referralRewards.count_documents({"checkAt": {"$exists": True}})
        assert checkpoint is not None
        return checkpoint["sequence"] == end and not checks

    try:
        for worker in workers:
            worker.start()
        killing = asyncio.create_task(kill())
        await asyncio.gather(change_members(), record())
        is_over.set()
        kills = await killing
        await wait_until(lambda: shop.has_transitions(segment, _TRANSITIONS), 60)
        await wait_until(is_handled, 60)
    finally:
        for worker in workers:
            worker.stop()
    assert kills > 3
    assert list_problems(api.database, baseline) == []
    given = api.database.referralRewards.count_documents({"state": "GIVEN"})
    print(
        f"{kills} kills, {given} rewards, {len(await shop.list_transitions(segment))} transitions"
    )
    assert given > 200
