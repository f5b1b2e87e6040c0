"""DNS rebinding: a page whose host name resolves to this machine gets no access."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.main import create_app
from app.settings import Settings
from tests.api import Api, running_api
from tests.server import running_server
from tests.websocket_client import PROTOCOL

ALLOWED_HOSTS = (
    "localhost",
    "LOCALHOST:8000",
    "localhost.",
    "127.0.0.1:1",
    "127.1.2.3",
    "[::1]:8000",
    "shop.example.com",
    "Shop.Example.com:443",
    "192.0.2.7:8000",
)
FORBIDDEN_HOSTS = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.evil.example",
    "api.shop.example.com",
    "shop.example.com.evil.example",
    "localhost@evil.example",
    "evil.example#localhost",
    "localhost:80:evil.example",
    "[::1].evil.example",
    "[::2]",
    "192.0.2.8",
    "0.0.0.0",
    "",
)


@pytest.fixture
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey, allowed_hosts=("shop.example.com", "192.0.2.7")) as api:
        yield api


def headers_of_page(host: str) -> dict[str, str]:
    return {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "query",
    ["{ __typename }", 'mutation { customerUpsert(input: {sourceId: "a"}) { customer { id } } }'],
)
async def test_queries_and_mutations_of_another_host_are_refused(api: Api, query: str) -> None:
    sent = {"query": query}
    for host in FORBIDDEN_HOSTS:
        answer = await api.http_client.post("/graphql", json=sent, headers=headers_of_page(host))
        assert answer.status_code == 421, host
        assert "SEGMENTS_ALLOWED_HOSTS" in answer.text
    assert api.database.customers.count_documents({}) == 0
    for host in ALLOWED_HOSTS:
        answer = await api.http_client.post("/graphql", json=sent, headers=headers_of_page(host))
        assert answer.status_code == 200, host


@pytest.mark.parametrize("path", ["/graphql", "/graphql/stream", "/metrics", "/healthz", "/nope"])
async def test_every_path_is_refused(api: Api, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = await api.http_client.request(
            method, path, headers=headers_of_page("evil.example")
        )
        assert answer.status_code == 421
    assert answer.text == (
        "This server does not answer to the host evil.example. Add it to SEGMENTS_ALLOWED_HOSTS."
    )


async def test_a_socket_of_another_host_is_refused(api: Api) -> None:
    async with running_server(api.app) as address:
        for host in FORBIDDEN_HOSTS:
            assert await websocket_status(address, host) == 421, host
        for host in ALLOWED_HOSTS:
            assert await websocket_status(address, host) == 101, host


async def websocket_status(address: str, host: str) -> int:
    """The status with which the socket is opened, or not."""
    head = (
        f"Host: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n"
    )
    return await request_status(address, "/graphql", head)


async def test_no_host_and_several_hosts_are_refused(api: Api) -> None:
    async with running_server(api.app) as address:
        for head in ("", "Host: localhost\r\nHost: evil.example\r\n"):
            assert await request_status(address, "/healthz", head) == 421
        assert await request_status(address, "/healthz", "Host: localhost\r\n") == 200


async def request_status(address: str, path: str, head: str) -> int:
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    status = (await reader.readline()).split()[1]
    writer.close()
    await writer.wait_closed()
    return int(status)


async def test_it_answers_to_the_host_on_which_it_listens(settings: Settings) -> None:
    app = create_app(settings, "192.0.2.9")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://192.0.2.9") as http:
        assert (await http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", ()),
        ("a.example", ("a.example",)),
        (" a.example , b.example,", ("a.example", "b.example")),
        ("::1,[::2]", ("::1", "[::2]")),
    ],
)
def test_the_setting_is_a_list(
    monkeypatch: pytest.MonkeyPatch, text: str, hosts: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SEGMENTS_ALLOWED_HOSTS", text)
    assert Settings(_env_file=None).allowed_hosts == hosts  # type: ignore[call-arg]


@pytest.mark.parametrize("text", ["http://a.example", "a.example:80", "*", "a.example/x", "a b"])
def test_what_is_no_host_is_said(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SEGMENTS_ALLOWED_HOSTS", text)
    with pytest.raises(ValidationError, match="is not a host name"):
        Settings(_env_file=None)  # type: ignore[call-arg]
