"""`viewer` and `project`."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from app.domain.api_keys import Role
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.access.conftest import KeyedApi
from tests.api import Api, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIEWER = "{ viewer { keyName role expiresAt } }"
PROJECT = """{ project {
  timeZone weekStart currency customerCount mostStaticMembers mostConditions mostLevels version
} }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    """A program without keys, with other settings than the defaults."""
    settings = {"time_zone": "Europe/Warsaw", "week_start": "SUNDAY", "currency": "PLN"}
    async with running_api(mongod, valkey, **settings) as api:
        yield api


@pytest.mark.parametrize("role", Role)
async def test_the_viewer_is_the_key(keyed_api: KeyedApi, role: Role) -> None:
    text, _ = await keyed_api.create_key(role, f"a {role.value} key")
    result = await keyed_api.execute(VIEWER, {"Authorization": f"Bearer {text}"})

    expected = {"keyName": f"a {role.value} key", "role": role.value, "expiresAt": None}
    assert result["data"] == {"viewer": expected}


async def test_a_key_has_an_expiry_and_is_named_by_its_prefix(keyed_api: KeyedApi) -> None:
    text, key = await keyed_api.create_key(Role.READ, lifetime=timedelta(days=1))
    result = await keyed_api.execute(VIEWER, {"Authorization": f"Bearer {text}"})

    assert key.expires_at is not None
    viewer = result["data"]["viewer"]
    assert viewer["keyName"] == key.prefix
    assert viewer["expiresAt"].startswith(f"{key.expires_at:%FT%T}")


async def test_where_keys_are_off_everyone_is_an_administrator(open_api: Api) -> None:
    expected = {"keyName": None, "role": "ADMIN", "expiresAt": None}

    assert await open_api.fetch(VIEWER) == expected


async def test_the_project_has_settings_and_limits(open_api: Api) -> None:
    await open_api.upsert("one")
    await open_api.upsert("two")

    assert await open_api.fetch(PROJECT) == {
        "timeZone": "Europe/Warsaw",
        "weekStart": "SUNDAY",
        "currency": "PLN",
        "customerCount": 2,
        "mostStaticMembers": 20_000,
        "mostConditions": 200,
        "mostLevels": 10,
        "version": "0.1.0",
    }


async def test_the_currency_may_be_unset(
    keyed_api: KeyedApi, headers_by_role: dict[Role, dict[str, str]]
) -> None:
    result = await keyed_api.execute("{ project { currency } }", headers_by_role[Role.READ])

    assert result["data"] == {"project": {"currency": None}}
