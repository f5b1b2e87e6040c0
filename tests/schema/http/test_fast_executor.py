"""The fast executor gives the results of Strawberry's executor, errors included."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import Enum
from random import Random
from typing import Any

import pytest
import strawberry
import structlog
from graphql import parse, validate
from strawberry.scalars import JSON

from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operations
from tests.schema.random_documents import RandomDocuments

DOCUMENTS = 400
# The ids of unexpected errors, by which they are found in the log, and the addresses of objects.
UNIQUE_TEXT = re.compile(r'"requestId": "[0-9a-f]+"|0x[0-9a-f]+')


@strawberry.enum
class Color(Enum):
    RED = "red"
    GREEN = "green"


class Broken:
    """An object whose attributes have values that do not fit, or raise."""

    color = "red"
    weight = 2**40
    ratio = float("nan")
    tag = ("a", "b")
    at = "yesterday"
    optional = RuntimeError("the attribute is an error")
    anything = RuntimeError("the attribute is an error")
    inner = None

    @property
    def name(self) -> str:
        raise ValueError("there is no name")


class Late(Broken):
    """An object with an attribute that has to be awaited."""

    @property
    def name(self) -> Any:
        async def read() -> str:
            return "late"

        return read()

    @property
    def anything(self) -> Any:  # type: ignore[override]
        return self.name


class Empty:
    """An object whose attributes are None, also those that must not be."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(name)


@strawberry.type
class Item:
    name: str
    weight: int
    ratio: float | None
    color: Color
    tag: str | None
    at: datetime
    id: strawberry.ID
    anything: JSON | None = None
    optional: int | None = None
    is_new: bool | None = None
    tags: list[str] = strawberry.field(default_factory=list)
    inner: "Item | None" = None

    @strawberry.field
    def twice(self) -> int:
        return 2 * self.weight

    @strawberry.field
    async def later(self) -> str:
        return f"later {self.name}"


def make_item(inner: Item | None = None) -> Item:
    return Item(
        name="apple",
        weight=3,
        ratio=0.5,
        color=Color.GREEN,
        tag=None,
        at=datetime(2026, 3, 29, tzinfo=UTC),
        id=strawberry.ID("1"),
        is_new=False,
        tags=["a"],
        inner=inner,
    )


def _items() -> list[Any]:
    return [make_item(make_item()), Broken(), make_item(Broken()), Late(), Empty(), None]  # type: ignore[arg-type]


@strawberry.type
class Query:
    @strawberry.field
    def item(self) -> Item:
        return make_item(make_item())

    @strawberry.field
    def broken(self) -> Item | None:
        return Broken()  # type: ignore[return-value]

    @strawberry.field
    async def items(self) -> list[Item | None]:
        return _items()

    @strawberry.field
    def required_items(self) -> list[Item] | None:
        return _items()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def changes(self) -> AsyncIterator[Item]:
        for item in (make_item(), Broken(), make_item(make_item())):
            yield item  # type: ignore[misc]


schema = strawberry.Schema(Query, subscription=Subscription)
OPERATIONS = {
    uses_fast_executor: Operations(schema, 10, 200_000, uses_fast_executor=uses_fast_executor)
    for uses_fast_executor in (False, True)
}


async def run(query: str, uses_fast_executor: bool) -> str:
    """Returns the result as text, so that the order of the fields counts."""
    operation = await OPERATIONS[uses_fast_executor].prepare(GraphQLRequest(query))
    # The log would show each error with its traceback.
    with structlog.testing.capture_logs():
        results = [result.result async for result in operation.results(_make_context)]
    return UNIQUE_TEXT.sub("", json.dumps(results))


async def _make_context() -> object:
    return {}


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_random_documents_have_the_same_results() -> None:
    documents, rng = RandomDocuments(schema._schema, {}), Random(2026)
    results_with_errors = 0
    for _ in range(DOCUMENTS):
        query = documents.make(rng)
        assert validate(schema._schema, parse(query)) == [], query

        expected = await run(query, uses_fast_executor=False)

        assert await run(query, uses_fast_executor=True) == expected, query
        results_with_errors += "errors" in expected

    assert 0 < results_with_errors < DOCUMENTS


async def test_events_of_a_subscription_have_the_same_results() -> None:
    query = "subscription { changes { ratio weight name color later inner { name at } } }"

    assert await run(query, uses_fast_executor=True) == await run(query, uses_fast_executor=False)
