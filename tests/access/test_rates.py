"""The rate of each key, and its sockets and subscriptions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import pytest_asyncio
import structlog
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed

from app import rate_limits
from app.domain.api_keys import Role
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.rate_limits import RateLimiter
from app.redis_breaker import RedisBreaker
from tests.access.conftest import GRAPHQL, KeyedApi
from tests.access.test_validity import open_socket
from tests.api import running_api
from tests.patience import PATIENCE_SECONDS
from tests.server import running_server

MAX_COST = 2_000
# It costs a little more than half of that.
SAMPLE = "{ filterAttributes { path } }"
VIEWER = "{ viewer { role } }"
JUDGE = """
query ($filter: FilterInput!) {
  segmentPreview(filter: $filter) { judge(customer: {sourceId: "many texts"}) { holds } }
}
"""
FOLLOW = "subscription { segmentTransitions { id } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow_api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[KeyedApi]:
    """The program with a rate of one point per second, and three streams per key."""
    async with running_api(
        mongod,
        valkey,
        auth="keys",
        points_per_second=1,
        max_operation_cost=MAX_COST,
        max_streams_per_key=3,
    ) as api:
        yield KeyedApi(api)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_a_key_that_has_spent_its_points_has_to_wait(slow_api: KeyedApi, accept: str) -> None:
    headers = {**await slow_api.create_headers(Role.READ), "Accept": accept}
    other_headers = await slow_api.create_headers(Role.READ)

    first = await slow_api.post(SAMPLE, headers)
    second = await slow_api.post(SAMPLE, headers)

    assert "errors" not in first.json()
    assert second.status_code == 429
    assert 1 <= int(second.headers["Retry-After"]) <= 10
    assert second.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert "try again in" in second.json()["errors"][0]["message"]
    # A cheap operation and another key go on.
    assert (await slow_api.post(VIEWER, headers)).status_code == 200
    assert (await slow_api.post(SAMPLE, other_headers)).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_a_customer_with_much_data_costs_what_it_takes(slow_api: KeyedApi) -> None:
    """The cost says nothing of the stored texts, with each of which 100 conditions are compared."""
    now = datetime.now(UTC)
    customer = {"sourceId": "many texts", "createdAt": now, "updatedAt": now, "version": 1}
    texts = [f"text {number}" for number in range(20_000)]
    slow_api.api.database.customers.insert_one({**customer, "metadata": {"texts": texts}})
    conditions = [
        {
            "attribute": {
                "path": "metadata.texts",
                "operator": "CONTAINS",
                "value": f"absent {number}",
                "ignoreCase": True,
            }
        }
        for number in range(100)
    ]
    headers = await slow_api.create_headers(Role.READ)

    first = await slow_api.post(JUDGE, headers, filter={"any": conditions})
    second = await slow_api.post(VIEWER, headers)

    assert first.json()["data"]["segmentPreview"]["judge"] == {"holds": False}
    costs = first.json()["extensions"]
    assert costs["cost"] < MAX_COST < costs["extraCost"]
    assert second.status_code == 429
    # At a point per second.
    assert costs["extraCost"] - MAX_COST <= int(second.headers["Retry-After"])


@pytest.mark.asyncio(loop_scope="module")
async def test_sockets_and_subscriptions_of_a_key_are_limited(slow_api: KeyedApi) -> None:
    text, _ = await slow_api.create_key(Role.READ)
    authorization = {"authorization": f"Bearer {text}"}
    async with running_server(slow_api.api.app) as address:
        async with (
            open_socket(address, authorization) as first,
            open_socket(address, authorization) as second,
        ):
            assert await first.receive() == {"type": "connection_ack"}
            assert await second.receive() == {"type": "connection_ack"}
            await first.subscribe(FOLLOW, "1")
            await first.subscribe(VIEWER, "2")
            # The subscription has begun before.
            assert (await first.receive())["id"] == "2"
            assert (await first.receive())["type"] == "complete"
            await second.subscribe(FOLLOW, "3")
            refusal = await second.receive()
            assert refusal["type"] == "error"
            assert refusal["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
            async with open_socket(address, authorization) as third:
                assert await third.wait_for_close_code() == 1013
            stream = await slow_api.post(
                FOLLOW,
                {"Authorization": f"Bearer {text}", "Accept": "text/event-stream"},
                "/graphql/stream",
            )
            assert stream.status_code == 429

        # They count until they are closed.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with open_socket(address, authorization) as socket:
                    await socket.send({"type": "ping"})
                    with suppress(ConnectionClosed):
                        if await socket.receive() == {"type": "connection_ack"}:
                            break


async def test_a_bucket_is_shared_and_fills_up_again(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        limiters = [RateLimiter(redis, RedisBreaker(), "test", 100, 5_000) for _ in range(2)]

        assert await limiters[0].spend("key", 4_000) is None
        wait_seconds = await limiters[1].spend("key", 3_000)
        assert wait_seconds is not None
        assert 0 < wait_seconds < 30
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await limiters[1].spend("key", 1_020) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert await limiters[0].spend("key", 3_000) is not None
        assert await limiters[0].spend("another key", 3_000) is None


async def test_a_debt_is_taken_once_and_paid_off_in_time(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        limiters = [RateLimiter(redis, RedisBreaker(), "test", 1_000, 5_000) for _ in range(2)]
        assert await limiters[0].spend("key", 10) is None

        limiters[0].charge("key", 20_000)
        # The other process does not know it yet.
        assert await limiters[1].spend("key", 10) is None
        waits = await asyncio.gather(*(limiters[0].spend("key", 10) for _ in range(10)))
        waits += await asyncio.gather(*(limiter.spend("key", 200) for limiter in limiters))

        assert all(wait is not None and 9 < wait <= 11 for wait in waits), waits
        assert await redis.pttl("segments:test:points:key") > 20_000


async def test_a_debt_is_not_lost_while_another_operation_waits_for_redis(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        limiter = RateLimiter(redis, RedisBreaker(), "test", 1_000, 5_000)
        waiting = asyncio.create_task(limiter.spend("key", 10))
        await asyncio.sleep(0)
        limiter.charge("key", 20_000)

        assert await waiting is None
        assert await limiter.spend("key", 10) is not None


async def test_a_small_debt_is_paid_with_points_in_advance(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        limiter = RateLimiter(redis, RedisBreaker(), "test", 1_000, 5_000)
        assert await limiter.spend("key", 10) is None
        limiter.charge("key", 50)
        command_count = (await redis.info("stats"))["total_commands_processed"]

        assert await limiter.spend("key", 50) is None
        assert (await redis.info("stats"))["total_commands_processed"] == command_count + 1
        assert await limiter.spend("key", 1) is None


async def test_most_operations_do_not_wait_for_redis(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        limiter = RateLimiter(redis, RedisBreaker(), "test", 1_000, 5_000)
        assert await limiter.spend("key", 10) is None
        command_count = (await redis.info("stats"))["total_commands_processed"]
        for _ in range(10):
            assert await limiter.spend("key", 10) is None

        assert (await redis.info("stats"))["total_commands_processed"] == command_count + 1


async def test_points_of_few_keys_are_held(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_KEYS_IN_ADVANCE", 2)
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        limiter = RateLimiter(redis, RedisBreaker(), "test", 1_000, 5_000)
        for key in ("a", "b", "a", "c"):
            assert await limiter.spend(key, 10) is None

    assert [*limiter._points_in_advance] == ["a", "c"]


async def test_without_redis_nothing_is_refused_and_the_log_says_so() -> None:
    redis = Redis(port=1)
    limiter = RateLimiter(redis, RedisBreaker(), "test", 1, 1_000)
    with structlog.testing.capture_logs() as entries:
        for _ in range(10):
            assert await limiter.spend("key", 1_000) is None

    assert [entry["event"] for entry in entries] == [
        "Redis does not answer; the rates of keys are not limited, and clients have to send"
        " persisted queries in full"
    ]
    await redis.aclose()
