"""Keys expire and are revoked, also for streams that are open, and in every process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest

from app.domain.api_keys import Role
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.main import create_app
from app.services import authenticator
from tests.access.conftest import KeyedApi
from tests.api import running_api
from tests.patience import PATIENCE_SECONDS
from tests.server import running_server
from tests.websocket_client import WebSocketClient, open_websocket

SUBSCRIPTION = "subscription { segmentTransitions { id } }"
VIEWER = "{ viewer { role } }"


@pytest.fixture
async def keyed_api(
    mongod: Mongod, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KeyedApi]:
    """A program that looks for revoked keys ten times a second."""
    monkeypatch.setattr(authenticator, "REFRESH_INTERVAL_SECONDS", 0.1)
    async with running_api(mongod, valkey, auth="keys") as api:
        yield KeyedApi(api)


@asynccontextmanager
async def open_socket(address: str, payload: object) -> AsyncIterator[WebSocketClient]:
    async with open_websocket(address, initialize=False) as client:
        await client.send({"type": "connection_init", "payload": payload})
        yield client


async def wait_for_status(client: httpx.AsyncClient, key: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (  # noqa: ASYNC110 - there is no event in the program of another process
            await client.post("/graphql", json={"query": VIEWER}, headers=headers)
        ).status_code != status:
            # A request with a known key waits for nothing, so that nothing else would run.
            await asyncio.sleep(0.01)


async def test_a_key_expires(keyed_api: KeyedApi) -> None:
    text, _ = await keyed_api.create_key(Role.READ, lifetime=timedelta(seconds=2))
    async with running_server(keyed_api.api.app) as address:
        async with open_socket(address, {"authorization": f"Bearer {text}"}) as socket:
            assert await socket.receive() == {"type": "connection_ack"}
            await socket.subscribe(SUBSCRIPTION)
            assert await socket.wait_for_close_code() == 4403

        assert (
            await keyed_api.post(VIEWER, {"Authorization": f"Bearer {text}"})
        ).status_code == 401


async def test_a_revoked_key_closes_its_socket_and_its_stream(keyed_api: KeyedApi) -> None:
    text, key = await keyed_api.create_key(Role.READ)
    other_text, _ = await keyed_api.create_key(Role.READ)
    headers = {"Authorization": f"Bearer {text}", "Accept": "text/event-stream"}
    async with (
        running_server(keyed_api.api.app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client,
        client.stream(
            "POST", "/graphql/stream", json={"query": SUBSCRIPTION}, headers=headers
        ) as stream,
        open_socket(address, {"authorization": f"Bearer {text}"}) as socket,
        open_socket(address, {"authorization": f"Bearer {other_text}"}) as other_socket,
    ):
        assert stream.status_code == 200
        assert await socket.receive() == {"type": "connection_ack"}
        assert await other_socket.receive() == {"type": "connection_ack"}
        await keyed_api.api.services.api_keys.revoke(key.prefix)

        assert await socket.wait_for_close_code() == 4403
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert [line async for line in stream.aiter_lines()] == []
        await wait_for_status(client, text, 401)
        await other_socket.subscribe(VIEWER)
        assert (await other_socket.receive())["payload"]["data"] == {"viewer": {"role": "READ"}}


@pytest.mark.parametrize("payload", [None, {}, {"authorization": "Bearer x"}, {"authorization": 1}])
async def test_a_socket_without_a_valid_key_is_closed(keyed_api: KeyedApi, payload: object) -> None:
    async with (
        running_server(keyed_api.api.app) as address,
        open_socket(address, payload) as socket,
    ):
        assert await socket.wait_for_close_code() == 4403


async def test_the_role_holds_on_a_socket(keyed_api: KeyedApi) -> None:
    text, _ = await keyed_api.create_key(Role.CHECK)
    async with (
        running_server(keyed_api.api.app) as address,
        open_socket(address, {"authorization": f"Bearer {text}"}) as socket,
    ):
        await socket.receive()
        await socket.subscribe(SUBSCRIPTION)
        refusal = await socket.receive()
        await socket.subscribe("{ segments { totalCount } viewer { role } }", "2")
        result = (await socket.receive())["payload"]

    assert refusal["type"] == "error"
    assert refusal["payload"][0]["extensions"]["code"] == "FORBIDDEN"
    assert result["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_keys_hold_in_every_process(keyed_api: KeyedApi) -> None:
    other_app = create_app(keyed_api.api.settings)
    async with (
        other_app.router.lifespan_context(other_app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(other_app), base_url="http://localhost"
        ) as other_client,
    ):
        await wait_for_status(other_client, "sgk_aaaaaaaa_" + 43 * "x", 401)
        text, key = await keyed_api.create_key(Role.READ)
        headers = {"Authorization": f"Bearer {text}"}
        # A new key works at once.
        for client in (keyed_api.api.http_client, other_client):
            response = await client.post("/graphql", json={"query": VIEWER}, headers=headers)
            assert response.status_code == 200
        await keyed_api.api.services.api_keys.revoke(key.prefix)

        for client in (keyed_api.api.http_client, other_client):
            await wait_for_status(client, text, 401)


async def test_the_last_use_is_saved_once_a_minute(keyed_api: KeyedApi) -> None:
    text, _ = await keyed_api.create_key(Role.READ)
    _, unused_key = await keyed_api.create_key(Role.READ)
    client, keys = keyed_api.api.http_client, keyed_api.api.services.api_keys
    last_uses: set[datetime | None] = set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not last_uses:
            await wait_for_status(client, text, 200)
            last_uses = {key.last_used_at for key in await keys.all()} - {None}
    (last_used_at,) = last_uses
    assert last_used_at is not None
    assert abs(last_used_at - keyed_api.api.services.now().at) < timedelta(seconds=10)

    database = keyed_api.api.database
    database.apiKeys.update_many({}, {"$set": {"seen": True}})
    # The program has refreshed its keys since the update.
    await wait_for_status(client, "sgk_aaaaaaaa_" + 43 * "x", 401)
    await wait_for_status(client, text, 200)
    await wait_for_status(client, "sgk_aaaaaaaa_" + 43 * "y", 401)
    assert {key.last_used_at for key in await keys.all()} == {last_used_at, None}
    assert database.apiKeys.find_one({"_id": unused_key.prefix}, {"lastUsedAt": 1}) == {
        "_id": unused_key.prefix
    }
