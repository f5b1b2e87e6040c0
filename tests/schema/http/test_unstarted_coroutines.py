"""An operation that is cancelled at any moment leaves no coroutine that was never awaited."""

import asyncio
import gc
import warnings
from collections.abc import AsyncGenerator, Coroutine
from contextlib import suppress
from typing import Any

import pytest
import strawberry

from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operation, Operations

# More than the longest operation here takes.
LOOP_ITERATIONS = 40

DOCUMENTS = {
    "fields": "{ root { name number } other: root { name number leaf } }",
    "one field": "{ root { name } }",
    "lists": "{ roots { name child { name number } } awaitedRoots { children { name leaf } } }",
    "lists in lists": "{ roots { children { child { name } children { name number } } } }",
    "a mutation": "mutation { first: root { name number } second: root { child { name } } }",
    "an event": "subscription { roots { name number child { name } } }",
    "an error": "{ root { broken name } other: root { child { name broken } } }",
}


@strawberry.type
class Leaf:
    leaf: int = 1

    @strawberry.field
    async def name(self) -> str:
        await asyncio.sleep(0)
        return "name"

    @strawberry.field
    async def number(self) -> int:
        return 1

    @strawberry.field
    async def child(self) -> "Leaf":
        await asyncio.sleep(0)
        return Leaf()

    @strawberry.field
    def children(self) -> list["Leaf"]:
        return [Leaf(), Leaf()]

    @strawberry.field
    def broken(self) -> str:
        raise ValueError("broken")


@strawberry.type
class Root:
    @strawberry.field
    async def root(self) -> Leaf:
        return Leaf()

    @strawberry.field
    def roots(self) -> list[Leaf]:
        return [Leaf(), Leaf(), Leaf()]

    @strawberry.field
    async def awaited_roots(self) -> list[Leaf]:
        await asyncio.sleep(0)
        return [Leaf(), Leaf()]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def root(self) -> Leaf:
        return Leaf()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def roots(self) -> AsyncGenerator[Leaf]:
        yield Leaf()
        yield Leaf()


SCHEMA = strawberry.Schema(Root, Mutation, Subscription)


class Context:
    """What the program's roles look for."""

    role = None


async def make_context() -> object:
    return Context()


async def run(operation: Operation) -> None:
    async for _ in operation.results(make_context):
        pass


async def cancel_after(loop_iterations: int, work: Coroutine[Any, Any, None]) -> bool:
    """Cancels the work after so many iterations of the event loop. Whether it had not ended."""
    task = asyncio.create_task(work)
    for _ in range(loop_iterations):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
async def test_no_coroutine_is_left_unawaited(document: str) -> None:
    operations = Operations(SCHEMA, 10, 1_000)
    cancelled = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for loop_iterations in range(LOOP_ITERATIONS):
            operation = await operations.prepare(GraphQLRequest(document))
            cancelled.append(await cancel_after(loop_iterations, run(operation)))
            del operation
        gc.collect()

    assert [str(warning.message) for warning in caught] == []
    assert cancelled[0]
    assert not cancelled[-1]
