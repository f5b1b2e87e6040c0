"""The program in the time zone Europe/Warsaw, once for all tests of a file; each test uses its own
metadata keys."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running_api

_DEFINE = """mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input) {
    definition { key type isArray required allowedValues label state problem }
    userErrors { code message path } } }"""
_LIST_DEFINITIONS = (
    "{ metadataDefinitions { key type isArray required allowedValues label state problem } }"
)


class MetadataShop:
    """Defines metadata keys and reads their state; `convert` runs the conversion in this
    process."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def set_definition(self, key: str, type_: str, **options: Any) -> Json:
        payload: Json = await self.api.fetch(_DEFINE, input={"key": key, "type": type_, **options})
        return payload

    async def list_errors(self, key: str, type_: str, **options: Any) -> list[str]:
        return await self.api.list_errors(_DEFINE, input={"key": key, "type": type_, **options})

    async def convert(self, key: str) -> Json:
        await self.api.services.metadata.convert(key)
        return await self.fetch_definition(key)

    async def define_and_convert(self, key: str, type_: str, **options: Any) -> Json:
        """Defines a key, converts its values, and returns the definition."""
        payload = await self.set_definition(key, type_, **options)
        assert not payload["userErrors"], payload
        return await self.convert(key)

    async def fetch_definition(self, key: str) -> Json:
        definitions = await self.api.fetch(_LIST_DEFINITIONS)
        (metadata_definition,) = [
            definition for definition in definitions if definition["key"] == key
        ]
        assert isinstance(metadata_definition, dict)
        return metadata_definition

    async def create_customer(self, **metadata: Any) -> str:
        source_id = uuid4().hex
        await self.api.upsert(source_id, metadata=metadata)
        return source_id

    async def fetch_metadata(self, source_id: str) -> Json:
        """Returns the customer's metadata by the API."""
        customer = await self.api.fetch_customer(source_id, "metadata")
        metadata: Json = customer["metadata"]
        return metadata

    def read_stored_metadata(self, source_id: str) -> Json:
        """Returns the customer's metadata as stored in MongoDB."""
        metadata: Json = self.api.read_customer_document(source_id)["metadata"]
        return metadata

    async def create_segment(self, condition: Json) -> str:
        """Creates a segment with one condition; returns its id."""
        payload = await self.api.fetch(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { code message path } } }",
            input={"name": uuid4().hex, "definition": {"filter": {"attribute": condition}}},
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[MetadataShop]:
    async with running_api(mongod, valkey, time_zone="Europe/Warsaw") as api:
        yield MetadataShop(api)


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"key {uuid4().hex}"


@pytest.fixture
def delete_definitions(shop: MetadataShop) -> Iterator[None]:
    """Deletes all definitions after the test."""
    yield
    shop.api.database.metadataDefinitions.delete_many({})
    shop.api.database.counters.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})
