"""Pages of other origins: allowed ones may use everything, others nothing."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import Response
from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings
from tests.access.conftest import KeyedApi
from tests.api import running_api
from tests.server import running_server
from tests.websocket_client import PROTOCOL

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXTENSION_ORIGIN = "chrome-extension://flnheeellpciglgpaodhkhmapeljopja"
ALLOWED_ORIGINS = ("https://shop.example.com", "http://localhost:5173", EXTENSION_ORIGIN)
FORBIDDEN_ORIGINS = (
    "https://evil.example",
    "http://shop.example.com",
    "https://shop.example.com:8443",
    "https://shop.example.com.evil.example",
    "https://a.shop.example.com",
    "http://localhost:5174",
    "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "null",
)
PATHS = ("/graphql", "/graphql/stream", "/metrics", "/exports/exp_1/1/x")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keyed_api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[KeyedApi]:
    async with running_api(mongod, valkey, auth="off", allowed_origins=ALLOWED_ORIGINS) as api:
        yield KeyedApi(api)


def preflight_headers(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-apollo-operation-name",
    }


@pytest.mark.parametrize("path", PATHS)
async def test_preflight_requests(keyed_api: KeyedApi, path: str) -> None:
    client = keyed_api.api.http_client
    for origin in ALLOWED_ORIGINS:
        answer = await client.options(path, headers=preflight_headers(origin))
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert "POST" in answer.headers["access-control-allow-methods"]
        allowed_headers = answer.headers["access-control-allow-headers"]
        assert allowed_headers == "authorization,content-type,x-apollo-operation-name"
        assert "access-control-allow-credentials" not in answer.headers
    for origin in FORBIDDEN_ORIGINS:
        answer = await client.options(path, headers=preflight_headers(origin))
        assert answer.status_code == 403
        assert "SEGMENTS_ALLOWED_ORIGINS" in answer.text
        assert "access-control-allow-origin" not in answer.headers


async def test_responses_name_the_allowed_origin(keyed_api: KeyedApi) -> None:
    for origin in ALLOWED_ORIGINS:
        for response in await query_both_endpoints(keyed_api, {"Origin": origin}):
            assert response.status_code == 200
            assert response.headers["access-control-allow-origin"] == origin
            assert "Origin" in response.headers["vary"]


async def test_other_origins_run_no_operation(keyed_api: KeyedApi) -> None:
    for origin in FORBIDDEN_ORIGINS:
        for response in await query_both_endpoints(keyed_api, {"Origin": origin}):
            assert response.status_code == 403
            assert "SEGMENTS_ALLOWED_ORIGINS" in response.text
            assert "access-control-allow-origin" not in response.headers
            assert "Origin" in response.headers["vary"]


async def test_the_pages_of_the_server_run_operations(keyed_api: KeyedApi) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    for response in await query_both_endpoints(keyed_api, headers):
        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_an_image_or_a_script_runs_no_operation(keyed_api: KeyedApi, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    responses = await query_both_endpoints(keyed_api, headers)

    assert [response.status_code for response in responses if response.request.method == "GET"] == [
        403,
        403,
    ]


@pytest.mark.parametrize("path", ["/graphql", "/app/", "/graphql?query={viewer{role}}"])
async def test_links_from_other_sites_work(keyed_api: KeyedApi, path: str) -> None:
    headers = {
        "Accept": "text/html,*/*;q=0.8",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
    }
    response = await keyed_api.api.http_client.get(path, headers=headers)

    # 503 says that a page has not been built.
    assert response.status_code in (200, 503)


async def query_both_endpoints(keyed_api: KeyedApi, headers: dict[str, str]) -> list[Response]:
    """Responses to a query by POST and by GET, and as a stream of events by both."""
    client, query = keyed_api.api.http_client, {"query": "{ viewer { role } }"}
    return [
        await client.request(
            method,
            path,
            headers={**headers, "Accept": accept},
            json=query if method == "POST" else None,
            params=query if method == "GET" else None,
        )
        for path, accept in (("/graphql", "*/*"), ("/graphql/stream", "text/event-stream"))
        for method in ("POST", "GET")
    ]


async def test_an_error_can_be_read_by_the_page(mongod: Mongod, valkey: Valkey) -> None:
    async with running_api(mongod, valkey, auth="keys", allowed_origins=ALLOWED_ORIGINS) as api:
        answer = await KeyedApi(api).post("{ viewer { role } }", {"Origin": ALLOWED_ORIGINS[0]})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == ALLOWED_ORIGINS[0]


async def test_a_request_of_a_program_gets_no_headers(keyed_api: KeyedApi) -> None:
    answer = await keyed_api.post("{ viewer { role } }", {})

    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "vary" not in answer.headers


async def test_sockets(keyed_api: KeyedApi) -> None:
    async with running_server(keyed_api.api.app) as address:
        for origin in (None, f"http://{address}", *ALLOWED_ORIGINS, "HTTPS://SHOP.example.com"):
            assert await socket_answer(address, origin) is None, origin
        for origin in FORBIDDEN_ORIGINS:
            refusal = await socket_answer(address, origin)
            assert refusal is not None, origin
            assert refusal.response.status_code == 403
            assert b"SEGMENTS_ALLOWED_ORIGINS" in (refusal.response.body or b"")


async def socket_answer(address: str, origin: str | None) -> InvalidStatus | None:
    """The refusal of the socket; None if it is opened."""
    headers = {} if origin is None else {"Origin": origin}
    try:
        async with connect(
            f"ws://{address}/graphql",
            subprotocols=[PROTOCOL],
            additional_headers=headers,
            proxy=None,
        ):
            return None
    except InvalidStatus as error:
        return error


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("https://a.example", ("https://a.example",)),
        (
            "https://A.example/, http://localhost:5173,http://[::1]:80",
            ("https://a.example", "http://localhost:5173", "http://[::1]:80"),
        ),
        (
            f"{EXTENSION_ORIGIN},moz-extension://6F5ca7ab-91d0-4c8f-a0e6-2b7a1ff1cd02",
            (EXTENSION_ORIGIN, "moz-extension://6f5ca7ab-91d0-4c8f-a0e6-2b7a1ff1cd02"),
        ),
    ],
)
async def test_the_setting_is_a_list(
    monkeypatch: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SEGMENTS_ALLOWED_ORIGINS", text)
    assert Settings(_env_file=None).allowed_origins == origins  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "text",
    [
        "a.example",
        "https://a.example/path",
        "*",
        "https://*.example",
        "ftp://a",
        "null",
        "chrome-extension://*",
    ],
)
async def test_anything_else_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SEGMENTS_ALLOWED_ORIGINS", text)
    with pytest.raises(ValidationError, match="is not an origin"):
        Settings(_env_file=None)  # type: ignore[call-arg]
