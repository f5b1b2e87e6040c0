"""A worker keeps running while Redis is down, and ends when it is told to."""

import asyncio
import subprocess
import sys
from pathlib import Path

from redis import Redis

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import running_api
from tests.environment import store_environment
from tests.local.conftest import RunProgram, WaitUntil
from tests.local_processes import running_process
from tests.loyalty_client import LoyaltyClient
from tests.patience import PATIENCE_SECONDS
from workers.main import STOP_SECONDS, serve_jobs

HEALTH = "arq:queue:health-check"
_TURNS_OF_THE_START = 20


def test_it_works_again_once_redis_is_back(
    run_program: RunProgram, settings: Settings, tmp_path: Path, until: WaitUntil
) -> None:
    with running_process(Valkey(tmp_path / "valkey")) as valkey:
        worker = run_program("worker", **store_environment(settings) | {"REDIS_URL": valkey.url})
        with Redis.from_url(valkey.url) as redis:
            until(lambda: redis.exists(HEALTH))
            valkey.stop()
            worker.wait_for_output("Redis is unreachable; retrying")
            valkey.start()
            valkey.wait_until_ready()
            redis.delete(HEALTH)
            until(lambda: redis.exists(HEALTH))
        assert worker.process.poll() is None
        worker.process.terminate()
        assert worker.wait_for_exit() == 0


async def test_points_are_given_without_redis(
    mongod: Mongod, valkey: Valkey, run_forked: RunProgram, until: WaitUntil
) -> None:
    async with running_api(mongod, valkey) as api:
        club = LoyaltyClient(api)
        await api.upsert("ann")
        vips = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
        await club.create_rule(
            await club.create_program("points"), await club.create_segment("VIPs", filter=vips), 10
        )
        urls = store_environment(api.settings) | {"REDIS_URL": "redis://127.0.0.1:1"}
        worker = run_forked("worker", **urls)
        await api.upsert("ann", metadata={"vip": True})
        until(lambda: api.read_customer_document("ann").get("loyalty") == {"points": 10})
        worker.process.terminate()
        assert worker.wait_for_exit() == 0


def test_bare_arq_runs_the_same_jobs(settings: Settings, tmp_path: Path) -> None:
    arq = Path(sys.executable).with_name("arq")
    ran = subprocess.run(
        [arq, "workers.main.WorkerSettings", "--burst"],
        cwd=tmp_path,
        env=store_environment(settings),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert "cron:warn_about_job_backlog" in ran.stderr


async def test_each_part_runs_in_a_worker_of_its_own(
    mongod: Mongod, valkey: Valkey, run_forked: RunProgram, until: WaitUntil, redis_client: Redis
) -> None:
    redis_client.flushall()
    async with running_api(mongod, valkey) as api:
        club = LoyaltyClient(api)
        await api.upsert("ann")
        vips = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
        await club.create_rule(
            await club.create_program("points"), await club.create_segment("VIPs", filter=vips), 10
        )
        urls = store_environment(api.settings)
        transitions = api.database.transitions

        engine = run_forked("worker", "--only", "engine", **urls)
        await api.upsert("ann", metadata={"vip": True})
        until(lambda: transitions.count_documents({}) == 1)
        assert "loyalty" not in api.read_customer_document("ann")
        engine.process.terminate()
        assert engine.wait_for_exit() == 0

        consumers = run_forked("worker", "--only", "consumers", **urls)
        until(lambda: api.read_customer_document("ann").get("loyalty") == {"points": 10})
        assert not redis_client.exists(HEALTH)
        await api.upsert("ann", metadata={"vip": False})

        jobs = run_forked("worker", "--only", "jobs", **urls)
        until(lambda: redis_client.exists(HEALTH))
        assert transitions.count_documents({}) == 1
        for worker in (consumers, jobs):
            worker.process.terminate()
            assert worker.wait_for_exit() == 0


async def test_the_jobs_end_in_any_turn_of_their_start(settings: Settings) -> None:
    for turns in range(_TURNS_OF_THE_START):
        worker = asyncio.create_task(serve_jobs(settings))
        for _ in range(turns):
            await asyncio.sleep(0)
        worker.cancel()
        _, running = await asyncio.wait({worker}, timeout=PATIENCE_SECONDS)
        assert not running, f"it goes on after a cancellation in turn {turns}"
        assert worker.cancelled()


def test_it_ends_although_mongodb_is_gone(
    own_mongod: Mongod,
    settings: Settings,
    run_forked: RunProgram,
    until: WaitUntil,
    redis_client: Redis,
) -> None:
    worker = run_forked("worker", **store_environment(settings) | {"MONGODB_URL": own_mongod.url})
    until(lambda: redis_client.exists(HEALTH))
    own_mongod.stop(timeout_seconds=0)
    worker.process.terminate()
    worker.wait_for_exit(STOP_SECONDS + 10)


def test_only_names_a_part(run_forked: RunProgram) -> None:
    worker = run_forked("worker", "--only", "everything")
    assert worker.wait_for_exit() == 2
    assert "'engine', 'jobs', 'consumers'" in worker.stderr
