"""The whole program in Warsaw, once for all tests of a file; each test has keys of its own."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running

_SET = """mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input) {
    definition { key type isArray required allowedValues label state problem }
    userErrors { code message path } } }"""
_LIST = "{ metadataDefinitions { key type isArray required allowedValues label state problem } }"


class Shop:
    """Defines keys and asks for what came of them; `settle` does the job's work here and now."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def set(self, key: str, type_: str, **more: Any) -> Json:
        payload: Json = await self.api.ask(_SET, input={"key": key, "type": type_, **more})
        return payload

    async def refusals(self, key: str, type_: str, **more: Any) -> list[str]:
        return await self.api.refusals(_SET, input={"key": key, "type": type_, **more})

    async def settle(self, key: str) -> Json:
        await self.api.services.metadata.settle(key)
        return await self.definition(key)

    async def define(self, key: str, type_: str, **more: Any) -> Json:
        """The definition, once its job is done."""
        payload = await self.set(key, type_, **more)
        assert not payload["userErrors"], payload
        return await self.settle(key)

    async def definition(self, key: str) -> Json:
        listed = await self.api.ask(_LIST)
        (found,) = [definition for definition in listed if definition["key"] == key]
        assert isinstance(found, dict)
        return found

    async def customer(self, **metadata: Any) -> str:
        source_id = uuid4().hex
        await self.api.upsert(source_id, metadata=metadata)
        return source_id

    async def read(self, source_id: str) -> Json:
        """The customer's metadata, as the API gives it."""
        found = await self.api.customer(source_id, "metadata")
        metadata: Json = found["metadata"]
        return metadata

    def stored(self, source_id: str) -> Json:
        """The customer's metadata, as it is kept."""
        metadata: Json = self.api.stored(source_id)["metadata"]
        return metadata

    async def segment(self, condition: Json) -> str:
        """The id of a segment with one condition."""
        payload = await self.api.ask(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { code message path } } }",
            input={"name": uuid4().hex, "definition": {"filter": {"attribute": condition}}},
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey, time_zone="Europe/Warsaw") as api:
        yield Shop(api)


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"key {uuid4().hex}"
