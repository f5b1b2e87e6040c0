"""A segment's changes name the key that made them."""

import asyncio

import pytest

from app.domain.api_keys import Role
from tests.access.conftest import KeyedApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation($name: String!) {
  segmentCreate(input: {name: $name, definition: {filter: {attribute: {
    path: "sourceId", operator: HAS_VALUE
  }}}}) { segment { id } }
}"""
RENAME = """mutation($id: ID!, $name: String!) {
  segmentUpdate(id: $id, input: {name: $name}) { segment { changes(first: 5) {
    nodes { kind by }
  } } }
}"""


async def test_changes_name_the_key_of_each_caller(keyed_api: KeyedApi) -> None:
    async def create_and_rename(number: int) -> None:
        creator, _ = await keyed_api.create_key(Role.WRITE, f"creator {number}")
        editor, _ = await keyed_api.create_key(Role.ADMIN, f"editor {number}")
        created = await keyed_api.execute(
            CREATE, {"Authorization": f"Bearer {creator}"}, name=f"changed by {number}"
        )
        id_ = created["data"]["segmentCreate"]["segment"]["id"]
        renamed = await keyed_api.execute(
            RENAME, {"Authorization": f"Bearer {editor}"}, id=id_, name=f"renamed {number}"
        )
        assert renamed["data"]["segmentUpdate"]["segment"]["changes"]["nodes"] == [
            {"kind": "RENAMED", "by": f"editor {number}"},
            {"kind": "CREATED", "by": f"creator {number}"},
        ]

    await asyncio.gather(*map(create_and_rename, range(8)))
