"""The program in this process, and a client of its API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.database import Database
from starlette.applications import Starlette

from app.main import create_app
from app.services import Services
from app.settings import Settings
from tests.empty_databases import empty_database

Json = dict[str, Any]
Documents = Database[Json]

_SECRET_KEY = SecretStr("the secret key of the tests")
ALL_CUSTOMERS_FILTER: Json = {"attribute": {"path": "sourceId", "operator": "HAS_VALUE"}}


@dataclass(frozen=True)
class Api:
    """A client of the API. `services` and `database` give access to the program and its data."""

    http_client: httpx.AsyncClient
    services: Services
    database: Documents
    settings: Settings
    app: Starlette

    async def execute(self, query: str, **variables: Any) -> Json:
        """Sends a query; returns the whole response: data, errors, or both."""
        request_body = {"query": query, "variables": variables}
        response: Json = (await self.http_client.post("/graphql", json=request_body)).json()
        return response

    async def fetch(self, query: str, **variables: Any) -> Any:
        """Sends a query with one field; returns the data of the field. Fails on errors."""
        response = await self.execute(query, **variables)
        assert "errors" not in response, response["errors"]
        (field,) = response["data"].values()
        return field

    async def list_errors(self, query: str, **variables: Any) -> list[str]:
        """Sends a query; returns the errors of the response, each as CODE and path."""
        return list_errors(await self.execute(query, **variables))

    async def bulk_upsert(self, mutation: str, rows: list[Json]) -> Json:
        """Sends a bulk mutation; returns the number of accepted rows, and the errors as CODE and
        path."""
        input_types = {
            "customersUpsert": "Customer",
            "eventsTrack": "Event",
            "ordersUpsert": "Order",
        }
        payload: Json = await self.fetch(
            f"mutation($rows: [{input_types[mutation]}Input!]!) {{ {mutation}(inputs: $rows)"
            " { accepted userErrors { code path message } } }",
            rows=rows,
        )
        return {"accepted": payload["accepted"], "refused": _codes_and_paths(payload["userErrors"])}

    async def fetch_customer(self, source_id: str, fields: str = "id") -> Any:
        query = f"query($id: String!) {{ customer(ref: {{sourceId: $id}}) {{ {fields} }} }}"
        return await self.fetch(query, id=source_id)

    async def upsert(self, source_id: str, **fields: Any) -> str:
        """Creates or updates a customer; returns its id."""
        payload = await self.fetch(
            "mutation($input: CustomerInput!) { customerUpsert(input: $input)"
            " { customer { id } userErrors { code path message } } }",
            input={"sourceId": source_id, **fields},
        )
        assert not payload["userErrors"], payload
        return str(payload["customer"]["id"])

    def read_customer_document(self, source_id: str) -> Json:
        """Returns the customer's document in MongoDB."""
        document = self.database.customers.find_one({"sourceId": source_id})
        assert document is not None, source_id
        return document

    def hash_collections(self) -> dict[str, str]:
        """Returns a hash of all documents of each collection: less work than a dump."""
        hashes: dict[str, str] = self.database.command("dbHash")["collections"]
        return hashes

    def dump(self) -> Json:
        """Returns all documents of all collections."""
        return {
            name: sorted(self.database[name].find(), key=lambda document: str(document["_id"]))
            for name in self.database.list_collection_names()
        }


def list_errors(response: Json) -> list[str]:
    """Returns the GraphQL errors and the userErrors of a response, each as CODE and path."""
    errors = [
        {**error["extensions"], "path": error["extensions"].get("path", [])}
        for error in response.get("errors", ())
    ]
    payloads = (response.get("data") or {}).values()
    user_errors = [
        error
        for payload in payloads
        if isinstance(payload, dict)
        for error in payload.get("userErrors", ())
    ]
    return _codes_and_paths([*errors, *user_errors])


def _codes_and_paths(errors: list[Json]) -> list[str]:
    return [" ".join([error["code"], *error["path"]]) for error in errors]


class DataStore(Protocol):
    """A running MongoDB or Valkey."""

    @property
    def url(self) -> str: ...


@asynccontextmanager
async def running_api(mongod: DataStore, valkey: DataStore, **overrides: Any) -> AsyncIterator[Api]:
    """Starts the program with an empty database."""
    with (
        MongoClient[Json](mongod.url, tz_aware=True) as mongo_client,
        empty_database(mongo_client, mongod.url) as name,
    ):
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            mongodb_url=SecretStr(mongod.url),
            redis_url=SecretStr(valkey.url),
            database=name,
            **{"secret_key": _SECRET_KEY, "auth": "off", **overrides},
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                yield Api(http, app.state.services, mongo_client[name], settings, app)
