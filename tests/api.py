"""The whole program in this process, asked over HTTP by a small client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import httpx
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.database import Database
from starlette.applications import Starlette

from app.main import create_app
from app.services import Services
from app.settings import Settings

Json = dict[str, Any]
Documents = Database[Json]


@dataclass(frozen=True)
class Api:
    """Asks the program; `services` are its insides, `database` what it keeps."""

    http: httpx.AsyncClient
    services: Services
    database: Documents
    settings: Settings
    app: Starlette

    async def answer(self, query: str, **variables: Any) -> Json:
        """The whole answer: data, errors, or both."""
        sent = {"query": query, "variables": variables}
        answer: Json = (await self.http.post("/graphql", json=sent)).json()
        return answer

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of the one field that was asked for."""
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        (field,) = answer["data"].values()
        return field

    async def refusals(self, query: str, **variables: Any) -> list[str]:
        """What was refused, each as CODE and path."""
        return refusals(await self.answer(query, **variables))

    async def many(self, mutation: str, rows: list[Json]) -> Json:
        """What a bulk mutation makes of its rows; with what it refused as CODE and path."""
        types = {"customersUpsert": "Customer", "eventsTrack": "Event", "ordersUpsert": "Order"}
        answer: Json = await self.ask(
            f"mutation($rows: [{types[mutation]}Input!]!) {{ {mutation}(inputs: $rows)"
            " { accepted userErrors { code path message } } }",
            rows=rows,
        )
        return {"accepted": answer["accepted"], "refused": _worded(answer["userErrors"])}

    async def customer(self, source_id: str, fields: str = "id") -> Any:
        query = f"query($id: String!) {{ customer(ref: {{sourceId: $id}}) {{ {fields} }} }}"
        return await self.ask(query, id=source_id)

    async def upsert(self, source_id: str, **fields: Any) -> str:
        """The customer's id."""
        payload = await self.ask(
            "mutation($input: CustomerInput!) { customerUpsert(input: $input)"
            " { customer { id } userErrors { code path message } } }",
            input={"sourceId": source_id, **fields},
        )
        assert not payload["userErrors"], payload
        return str(payload["customer"]["id"])

    def stored(self, source_id: str) -> Json:
        """The customer's document."""
        found = self.database.customers.find_one({"sourceId": source_id})
        assert found is not None, source_id
        return found

    def dump(self) -> Json:
        """All that is kept."""
        return {
            name: sorted(self.database[name].find(), key=lambda document: str(document["_id"]))
            for name in self.database.list_collection_names()
        }


def refusals(answer: Json) -> list[str]:
    """Every refusal in an answer, be it an error of GraphQL or a userError, as CODE and path."""
    errors = [
        {**e["extensions"], "path": e["extensions"].get("path", [])}
        for e in answer.get("errors", ())
    ]
    payloads = (answer.get("data") or {}).values()
    inside = [e for p in payloads if isinstance(p, dict) for e in p.get("userErrors", ())]
    return _worded([*errors, *inside])


def _worded(errors: list[Json]) -> list[str]:
    return [" ".join([error["code"], *error["path"]]) for error in errors]


class Part(Protocol):
    """MongoDB or Valkey, at an address."""

    @property
    def url(self) -> str: ...


@asynccontextmanager
async def running(mongod: Part, valkey: Part, **settings: Any) -> AsyncIterator[Api]:
    """The program over a database of its own, dropped at the end."""
    chosen = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(mongod.url),
        redis_url=SecretStr(valkey.url),
        database=f"test_{uuid4().hex}",
        **settings,
    )
    app = create_app(chosen)
    with MongoClient[Json](mongod.url, tz_aware=True) as mongo:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                yield Api(http, app.state.services, mongo[chosen.database], chosen, app)
        mongo.drop_database(chosen.database)
