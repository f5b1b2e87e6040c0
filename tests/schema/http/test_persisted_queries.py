"""Apollo's automatic persisted queries, in a real Valkey."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from pydantic import SecretStr
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from app import persisted_documents, redis_breaker
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.main import create_app
from app.persisted_documents import PersistedDocuments
from app.rate_limits import RateLimiter
from app.redis_breaker import RedisBreaker
from app.schema.http.document_cache import MAX_DOCUMENT_CHARACTERS
from app.settings import Settings
from tests.api import Api, Json, running_api
from tests.server import running_server
from tests.websocket_client import open_websocket

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATA = {"data": {"viewer": {"role": "ADMIN"}}, "extensions": {"cost": 2}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey) as api:
        yield api


def viewer_query(name: str) -> str:
    """A document that no other test uses."""
    return f"query {name} {{ viewer {{ role }} }}"


def persisted(query: str, *, is_sent: bool = False) -> Json:
    """The parameters of a request with the hash, and with the document if it is sent."""
    persisted_query = {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}
    parameters: Json = {"extensions": {"persistedQuery": persisted_query}}
    return {**parameters, "query": query} if is_sent else parameters


async def post(api: Api, body: object) -> Json:
    response: Json = (await api.http_client.post("/graphql", json=body)).json()
    return response


def code(response: Json) -> str:
    (error,) = response["errors"]
    return str(error["extensions"]["code"])


async def test_a_document_is_sent_once(api: Api) -> None:
    query = viewer_query("Once")
    first = await post(api, persisted(query))

    assert first["errors"][0]["message"] == "PersistedQueryNotFound"
    assert code(first) == "PERSISTED_QUERY_NOT_FOUND"
    assert await post(api, persisted(query, is_sent=True)) == DATA
    assert await post(api, persisted(query)) == DATA
    parameters = {"extensions": orjson.dumps(persisted(query)["extensions"]).decode()}
    assert (await api.http_client.get("/graphql", params=parameters)).json() == DATA


async def test_the_other_transports_know_it_too(api: Api) -> None:
    query = viewer_query("Everywhere")
    await post(api, persisted(query, is_sent=True))
    headers = {"Accept": "text/event-stream"}
    stream = await api.http_client.post("/graphql/stream", json=persisted(query), headers=headers)

    assert orjson.dumps(DATA).decode() in stream.text
    async with running_server(api.app) as address, open_websocket(address) as socket:
        await socket.send({"id": "1", "type": "subscribe", "payload": persisted(query)})
        assert (await socket.receive())["payload"] == DATA


async def test_only_valid_documents_with_their_own_hash_are_kept(api: Api) -> None:
    query, other_query, invalid_query = viewer_query("A"), viewer_query("B"), "{ nope }"

    assert code(await post(api, {**persisted(query), "query": other_query})) == "BAD_REQUEST"
    invalid = await post(api, persisted(invalid_query, is_sent=True))
    assert code(invalid) == "GRAPHQL_VALIDATION_FAILED"
    for forgotten_query in (query, other_query, invalid_query):
        response = await post(api, persisted(forgotten_query))
        assert code(response) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_document_that_is_too_long_is_refused_before_it_is_hashed(api: Api) -> None:
    too_long_query = viewer_query("TooLong") + " " * MAX_DOCUMENT_CHARACTERS

    response = await post(api, {**persisted("{ other }"), "query": too_long_query})

    assert code(response) == "GRAPHQL_PARSE_FAILED"


async def test_a_known_document_is_not_saved_again(api: Api, redis_client: Redis) -> None:
    query = viewer_query("Known")
    await post(api, persisted(query, is_sent=True))
    document_hash = persisted(query)["extensions"]["persistedQuery"]["sha256Hash"]
    redis_client.expire(f"segments:{api.settings.database}:document:{document_hash}", 100)

    assert await post(api, persisted(query, is_sent=True)) == DATA
    lifetime: Any = redis_client.ttl(f"segments:{api.settings.database}:document:{document_hash}")
    assert 0 < lifetime <= 100


async def test_a_redis_that_hangs_delays_one_request(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(redis_breaker, "monotonic", lambda: now)
    async with AsyncRedis.from_url(valkey.url) as redis:
        breaker = RedisBreaker()
        documents = PersistedDocuments(redis, breaker, "test")
        limiter = RateLimiter(redis, breaker, "test", 1, 1_000)
        document_hash = "0" * 64
        await documents.save(document_hash, "{ a }")
        await redis.client_pause(round(4_000 * redis_breaker.TIMEOUT_SECONDS))
        async with asyncio.timeout(3 * redis_breaker.TIMEOUT_SECONDS):
            assert await documents.get(document_hash) is None
            await documents.save("1" * 64, "{ b }")
            assert await limiter.spend("key", 1_000) is None
            assert await limiter.spend("key", 1_000) is None
        # Answers at the end of the pause.
        await redis.ping()
        assert await documents.get(document_hash) is None
        now += redis_breaker.RETRY_SECONDS
        assert await documents.get(document_hash) == "{ a }"


@pytest.mark.parametrize(
    "persisted_query",
    [1, {}, {"version": 2, "sha256Hash": 64 * "0"}, {"version": 1, "sha256Hash": "x"}],
)
async def test_a_malformed_hash_is_reported(api: Api, persisted_query: object) -> None:
    response = await post(api, {"extensions": {"persistedQuery": persisted_query}})

    assert code(response) == "BAD_REQUEST"
    assert "64 hexadecimal digits" in response["errors"][0]["message"]


async def test_they_are_bounded_and_expire(
    api: Api, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisted_documents, "MAX_DOCUMENTS", 3)
    queries = [viewer_query(f"Bounded{number}") for number in range(5)]
    for query in queries:
        await post(api, persisted(query, is_sent=True))
    long_query = viewer_query("Long") + " " * persisted_documents.MAX_DOCUMENT_BYTES
    assert (await post(api, persisted(long_query, is_sent=True)))["data"] == DATA["data"]

    keys = [*redis_client.scan_iter(f"segments:{api.settings.database}:document:*")]
    assert len(keys) == 3
    lifetimes: Any = [redis_client.ttl(key) for key in keys]
    assert all(0 < seconds <= persisted_documents.EXPIRY_SECONDS for seconds in lifetimes)
    assert redis_client.zcard(f"segments:{api.settings.database}:documents") == 3
    assert code(await post(api, persisted(long_query))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_without_redis_documents_are_sent_each_time(settings: Settings) -> None:
    query = viewer_query("WithoutRedis")
    app = create_app(settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1")}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        first = (await http.post("/graphql", json=persisted(query))).json()
        second = (await http.post("/graphql", json=persisted(query, is_sent=True))).json()

    assert code(first) == "PERSISTED_QUERY_NOT_FOUND"
    assert second == DATA
