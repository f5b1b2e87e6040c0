"""Without a valid key the API answers every request in the same way, and tells nothing."""

import asyncio
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from app.domain.api_keys import Role
from app.main import create_app
from app.services.authenticator import MIN_READ_INTERVAL_SECONDS
from app.settings import Settings
from tests.access.conftest import GRAPHQL, KeyedApi
from tests.schema.lists.test_commands import start_profile

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/graphql", {"json": {"query": "{ viewer { role } }"}}),
    ("POST", "/graphql", {"json": {"query": "{ __schema { types { name } } }"}}),
    ("POST", "/graphql", {"json": {"query": "{ viewr { role } }"}}),
    ("POST", "/graphql", {"json": {"query": "{"}}),
    ("POST", "/graphql", {"json": [{"query": "{ viewer { role } }"}]}),
    ("POST", "/graphql", {"content": b"no JSON", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/graphql", {"content": b"x" * 20_000_000}),
    ("GET", "/graphql?query={viewer{role}}", {}),
    ("GET", "/graphql", {}),
    ("PUT", "/graphql", {}),
    ("OPTIONS", "/graphql", {}),
    ("POST", "/graphql/stream", {"json": {"query": "subscription { nope }"}}),
    ("GET", "/graphql/stream?query={viewer{role}}", {"headers": {"Accept": "text/html"}}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wrong_values(keyed_api: KeyedApi) -> list[str]:
    """Values of the header Authorization with no valid key."""
    expired, _ = await keyed_api.create_key(Role.ADMIN, lifetime=timedelta(milliseconds=1))
    revoked, key = await keyed_api.create_key(Role.ADMIN)
    await keyed_api.api.services.api_keys.revoke(key.prefix)
    valid, _ = await keyed_api.create_key(Role.ADMIN)
    return [
        *("", "Bearer", "Bearer ", "Bearer admin", f"Basic {valid}", valid),
        *(f"Bearer {key}" for key in (expired, revoked, valid[:-1], valid.lower(), valid + "x")),
        f"Bearer {valid[:-3]}xyz",
        f"Bearer {valid} {valid}",
        "Bearer " + "x" * 50_000,
    ]


async def test_every_request_is_answered_the_same(
    keyed_api: KeyedApi, wrong_values: list[str]
) -> None:
    for value in wrong_values:
        answers = set()
        for method, path, options in REQUESTS:
            headers = {**options.get("headers", {}), "Authorization": value}
            response = await keyed_api.api.http_client.request(
                method, path, **{**options, "headers": headers}
            )
            answers.add((response.status_code, response.text))
            assert response.headers["www-authenticate"] == "Bearer"
        ((status, text),) = answers
        assert status == 401
        assert '"code":"UNAUTHENTICATED"' in text
        assert '"data"' not in text


async def test_the_status_holds_for_both_media_types(keyed_api: KeyedApi) -> None:
    for media_type in (GRAPHQL, "application/json"):
        response = await keyed_api.post("{ viewer { role } }", {"Accept": media_type})

        assert response.status_code == 401
        assert response.headers["content-type"].startswith(media_type)


async def test_what_needs_no_key(keyed_api: KeyedApi) -> None:
    client = keyed_api.api.http_client
    page = await client.get("/graphql", headers={"Accept": "text/html"})

    # The bundle of GraphiQL is not built.
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    # Its signature is the permission.
    assert (await client.get("/exports/exp_1/1/x")).status_code == 403


async def test_metrics_need_the_role_read(
    keyed_api: KeyedApi, headers_by_role: dict[Role, dict[str, str]]
) -> None:
    client = keyed_api.api.http_client
    statuses = {
        role: (await client.get("/metrics", headers=headers)).status_code
        for role, headers in headers_by_role.items()
    }

    assert (await client.get("/metrics")).status_code == 401
    assert statuses == {Role.ADMIN: 200, Role.WRITE: 200, Role.READ: 200, Role.CHECK: 403}


async def test_a_key_is_accepted_in_any_case_of_the_scheme(
    keyed_api: KeyedApi,
) -> None:
    text, _ = await keyed_api.create_key(Role.READ)
    for value in (f"Bearer {text}", f"bearer {text}", f"BEARER   {text} "):
        response = await keyed_api.post("{ viewer { role } }", {"Authorization": value})

        assert response.json()["data"] == {"viewer": {"role": "READ"}}


async def test_many_wrong_keys_share_a_few_reads(
    keyed_api: KeyedApi, headers_by_role: dict[Role, dict[str, str]]
) -> None:
    database = keyed_api.api.database
    await keyed_api.post("{ viewer { role } }", headers_by_role[Role.READ])
    start_profile(database)
    began_at = monotonic()
    responses = await asyncio.gather(
        *(
            keyed_api.post("{ viewer { role } }", {"Authorization": f"Bearer sgk_aaaaaaaa_{n:043}"})
            for n in range(200)
        )
    )
    passed_seconds = monotonic() - began_at
    database.command("profile", 0)

    reads = database["system.profile"].count_documents({"ns": f"{database.name}.apiKeys"})
    assert {response.status_code for response in responses} == {401}
    # One for each interval that began, and the periodic one.
    assert 1 <= reads <= 2 + passed_seconds / MIN_READ_INTERVAL_SECONDS


async def test_only_the_digest_of_a_key_is_stored(keyed_api: KeyedApi) -> None:
    text, key = await keyed_api.create_key(Role.READ)
    row = keyed_api.api.database.apiKeys.find_one({"_id": key.prefix})

    assert row is not None
    assert text.startswith(key.prefix)
    assert text.removeprefix(key.prefix) not in str(row)


async def test_readiness_tells_no_address(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1")}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        response = await http.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"redis": "does not answer"}
