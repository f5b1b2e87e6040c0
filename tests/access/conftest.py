"""The program with keys turned on, and callers with keys."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from app.domain.api_keys import ApiKey, Role
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running_api

GRAPHQL = "application/graphql-response+json"


@dataclass(frozen=True)
class KeyedApi:
    """The program, and its keys."""

    api: Api

    async def create_key(
        self, role: Role, name: str | None = None, lifetime: timedelta | None = None
    ) -> tuple[str, ApiKey]:
        now = self.api.services.now().at
        return await self.api.services.api_keys.create(role, name, lifetime, now)

    async def create_headers(self, role: Role, lifetime: timedelta | None = None) -> dict[str, str]:
        """Returns the headers of a caller with a new key."""
        text, _ = await self.create_key(role, lifetime=lifetime)
        return {"Authorization": f"Bearer {text}"}

    async def post(
        self, query: str, headers: dict[str, str], path: str = "/graphql", **variables: Any
    ) -> httpx.Response:
        body = {"query": query, "variables": variables}
        return await self.api.http_client.post(path, json=body, headers=headers)

    async def execute(self, query: str, headers: dict[str, str], **variables: Any) -> Json:
        response: Json = (await self.post(query, headers, **variables)).json()
        return response


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keyed_api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[KeyedApi]:
    async with running_api(mongod, valkey, auth="keys") as api:
        yield KeyedApi(api)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def headers_by_role(keyed_api: KeyedApi) -> dict[Role, dict[str, str]]:
    return {role: await keyed_api.create_headers(role) for role in Role}
