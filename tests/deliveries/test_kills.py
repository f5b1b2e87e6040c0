"""Workers are killed at random while they make and send deliveries: each comes out exactly once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.deliveries.distribution_client import DistributionClient
from tests.deliveries.receiver import Receiver
from tests.deliveries.test_codes import create_pool

_CUSTOMERS = 100
_ROUNDS = 6
_WORKERS = 2
_KILLS = 8


def start_worker(
    client: DistributionClient, mongod: Mongod, valkey: Valkey
) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "MONGODB_URL": mongod.url,
        "REDIS_URL": valkey.url,
        "SEGMENTS_DATABASE": client.api.settings.database,
        "SEGMENTS_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "app", "worker", "--only", "consumers"],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.timeout(400)
async def test_each_transition_has_one_delivery_with_one_code(
    client: DistributionClient, receiver: Receiver, mongod: Mongod, valkey: Valkey
) -> None:
    chance = random.Random(3)
    names = [f"c{index}" for index in range(_CUSTOMERS)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    transition_count = _CUSTOMERS * _ROUNDS
    pool = await create_pool(client, *(f"code {index}" for index in range(transition_count + 10)))
    coded = await client.create(segment, receiver.url("/coded"), codePoolId=pool)
    plain = await client.create(segment, receiver.url("/plain"), on="LEFT")
    workers = [start_worker(client, mongod, valkey) for _ in range(_WORKERS)]
    try:
        for round_ in range(max(_ROUNDS, _KILLS)):
            if round_ < _ROUNDS:
                await client.append_entered(segment, *names)
                await client.append_left(segment, *names)
            await asyncio.sleep(chance.uniform(0.5, 4.0))
            victim = chance.randrange(_WORKERS)
            workers[victim].send_signal(signal.SIGKILL)
            workers[victim].wait()
            workers[victim] = start_worker(client, mongod, valkey)
        for distribution in (coded, plain):
            await client.wait_for_counts(distribution, 240, DELIVERED=transition_count)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    rows = list(client.api.database.deliveries.find())
    pairs = Counter((row["distributionId"], row["transitionId"]) for row in rows)
    assert set(pairs.values()) == {1}
    codes = [row["code"] for row in rows if "code" in row]
    assert len(codes) == len(set(codes)) == transition_count
    assert sorted(codes) == sorted(f"code {index}" for index in range(transition_count))
    bodies: dict[str, set[bytes]] = {}
    for request in receiver.requests:
        bodies.setdefault(request.headers["webhook-id"], set()).add(request.body)
    assert bodies.keys() == {f"dlv_{row['_id']}" for row in rows}
    assert all(len(versions) == 1 for versions in bodies.values())
