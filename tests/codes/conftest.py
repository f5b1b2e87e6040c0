"""The program, once for all tests of a file, and a client of its code pools."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.store import Store
from app.store.code_pools import claim_key
from tests.api import Api, Json, running_api

POOL_FIELDS = "id name totalCount availableCount generatingCount createdAt usedBy { id }"
_PAYLOAD = f"{{ codePool {{ {POOL_FIELDS} }} userErrors {{ code path message }} }}"
CREATE_POOL = f"mutation($input: CodePoolInput!) {{ codePoolCreate(input: $input) {_PAYLOAD} }}"
ADD_CODES = (
    "mutation($id: ID!, $codes: [String!]!)"
    f" {{ codePoolAddCodes(id: $id, codes: $codes) {_PAYLOAD} }}"
)
DELETE_POOL = f"mutation($id: ID!) {{ codePoolDelete(id: $id) {_PAYLOAD} }}"
LIST_POOLS = f"{{ codePools {{ {POOL_FIELDS} }} }}"


class CodePoolClient:
    """Creates and changes code pools through the API, and claims codes as a consumer does."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def create(self, name: str = "pool", **fields: Any) -> str:
        return str((await self.create_pool(name, **fields))["id"])

    async def create_pool(self, name: str = "pool", **fields: Any) -> Json:
        return _pool(await self.api.fetch(CREATE_POOL, input={"name": name, **fields}))

    async def add(self, id_: str, codes: Sequence[str]) -> Json:
        return _pool(await self.api.fetch(ADD_CODES, id=id_, codes=codes))

    async def delete(self, id_: str) -> Json:
        return _pool(await self.api.fetch(DELETE_POOL, id=id_))

    async def fetch(self, id_: str) -> Json:
        pools = await self.api.fetch(LIST_POOLS)
        (pool,) = [pool for pool in pools if pool["id"] == id_]
        return dict(pool)

    async def fetch_counts(self, id_: str) -> tuple[int, int, int]:
        """Returns totalCount, availableCount and generatingCount."""
        pool = await self.fetch(id_)
        return pool["totalCount"], pool["availableCount"], pool["generatingCount"]

    async def claim(self, id_: str, count: int, store: Store | None = None) -> list[str]:
        store = store or self.api.services.store
        return await store.transaction(
            lambda transaction: store.code_pools.claim(id_, count, transaction),
            keys=[claim_key(id_)],
        )


def _pool(payload: Json) -> Json:
    assert not payload["userErrors"], payload
    return dict(payload["codePool"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pools(api: Api) -> CodePoolClient:
    return CodePoolClient(api)
