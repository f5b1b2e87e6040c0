"""Idempotency keys belong to the name of the caller's API key."""

from uuid import uuid4

import pytest

from app.domain.api_keys import Role
from tests.access.conftest import KeyedApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation($name: String!) {
  loyaltyProgramCreate(input: {name: $name}, idempotencyKey: "1") {
    program { id } userErrors { code }
  }
}"""


async def test_callers_of_one_name_share_their_keys(keyed_api: KeyedApi) -> None:
    shop, newsletter = f"shop {uuid4().hex}", f"newsletter {uuid4().hex}"

    created_id = await create(keyed_api, shop)

    # The shop has a new API key.
    assert await create(keyed_api, shop) == created_id
    assert await create(keyed_api, newsletter) != created_id


async def create(keyed_api: KeyedApi, key_name: str) -> str:
    """Creates a program, or repeats it, with a new API key of this name; returns the id."""
    text, _ = await keyed_api.create_key(Role.ADMIN, key_name)
    answer = await keyed_api.execute(CREATE, {"Authorization": f"Bearer {text}"}, name="club")
    payload = answer["data"]["loyaltyProgramCreate"]
    assert not payload["userErrors"], payload
    return str(payload["program"]["id"])
