"""A small schema with every case that the HTTP layer must handle."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import thread_time
from typing import Any

import strawberry
from starlette.requests import HTTPConnection
from strawberry.scalars import JSON

from app.errors import BadRequest, InputError, Problem, UserErrorCode
from app.schema.http.input_limits import InputLimit, set_input_limits
from app.schema.http.operation_cost import FieldCost, set_costs
from app.schema.http.request_errors import UNAUTHENTICATED_CODE, request_error
from app.worker_threads import run_in_thread


async def compute(seconds: float) -> bool:
    """Takes so much time of a thread."""

    def spend() -> None:
        started_at = thread_time()
        while thread_time() - started_at < seconds:
            pass

    await run_in_thread(spend)
    return True


@strawberry.type
class Fruit:
    name: str
    weight: int = 1
    prices: list[int] = strawberry.field(resolver=lambda: [1], metadata={"max_items": 1_000})

    @strawberry.field
    def taste(self) -> str:
        return "sweet"

    @strawberry.field
    def label(self) -> JSON:
        return JSON({"text": "x" * 1_000_000})

    @strawberry.field
    def neighbours(self, first: int = 50) -> list["Fruit"]:
        return [Fruit(name=f"{self.name}{n}") for n in range(first)]


@strawberry.input
class Wish:
    name: strawberry.Maybe[str]
    weight: int = 1


@strawberry.input(one_of=True)
class Ref:
    id: strawberry.Maybe[strawberry.ID]
    name: strawberry.Maybe[str]


@strawberry.type
class Query:
    @strawberry.field
    def fruit(self, name: str = "apple") -> Fruit:
        return Fruit(name=name)

    @strawberry.field
    def find(self, ref: Ref) -> str:
        return "found"

    @strawberry.field
    def wish(self, wish: Wish) -> str:
        return "granted"

    @strawberry.field
    def wishes(self, wishes: list[Wish]) -> int:
        return len(wishes)

    @strawberry.field
    def echo(self, value: JSON) -> JSON:
        return value

    @strawberry.field
    def count_objects(self, value: JSON) -> int | None:
        """Each object costs ten points."""

    @strawberry.field
    async def number(self, info: strawberry.Info) -> int:
        """How many contexts have been made."""
        return int(info.context["number"])

    @strawberry.field
    def init(self, info: strawberry.Info) -> JSON:
        return JSON(info.context["init"])

    @strawberry.field
    def count_words(self, words: list[str]) -> int:
        return len(words)

    @strawberry.field
    async def compute(self, seconds: float) -> bool:
        return await compute(seconds)

    @strawberry.field
    def refuse_often(self) -> str:
        raise InputError([Problem(UserErrorCode.INVALID, f"{number}") for number in range(1_000)])

    @strawberry.field
    def refuse(self) -> str:
        raise InputError(
            [
                Problem(UserErrorCode.INVALID_VALUE, "No such fruit.", ("filter", "all", "0")),
                Problem(UserErrorCode.TOO_MANY, "Too many."),
            ]
        )

    @strawberry.field
    def bad_cursor(self) -> str | None:
        raise BadRequest("This cursor is not ours.")

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("the password is 1234")

    @strawberry.field
    def beyond_json(self) -> JSON:
        return JSON(2**70)

    @strawberry.field
    async def slow(self, info: strawberry.Info) -> str:
        info.context["started"].set()
        try:
            await asyncio.Event().wait()
        finally:
            info.context["stopped"].set()
        return "never"

    @strawberry.field
    async def wait(self, info: strawberry.Info) -> str:
        """Ends when the test sets `released`."""
        info.context["started"].set()
        await info.context["released"].wait()
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def plant(self, name: str) -> Fruit:
        return Fruit(name=name)


@strawberry.type
class Seen:
    source: int

    @strawberry.field
    def event(self, info: strawberry.Info) -> int:
        return int(info.context["number"])


@strawberry.type
class Place:
    cursor: str

    @strawberry.field
    async def compute(self, seconds: float) -> bool:
        return await compute(seconds)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def contexts(self, info: strawberry.Info) -> AsyncIterator[Seen]:
        """What each event sees, and what the source saw."""
        for _ in range(2):
            yield Seen(source=info.context["number"])

    @strawberry.subscription
    async def endless(self, info: strawberry.Info) -> AsyncIterator[int]:
        yield 1
        info.context["started"].set()
        try:
            await asyncio.Event().wait()
        finally:
            info.context["stopped"].set()

    @strawberry.subscription
    async def flood(self, info: strawberry.Info) -> AsyncIterator[str]:
        """Yields large events as fast as the client reads them."""
        info.context["started"].set()
        try:
            while True:
                yield "x" * 100_000
        finally:
            info.context["stopped"].set()

    @strawberry.subscription
    async def places(self, to: int = 2) -> AsyncIterator[Place]:
        for number in range(to):
            yield Place(cursor=f"after-{number}")

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError("the password is 1234")

    @strawberry.subscription
    async def refuses(self) -> AsyncIterator[int]:
        raise BadRequest("This cursor is not ours.")
        yield 1


schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)
set_costs(
    schema._schema,
    {
        "Fruit.taste": FieldCost(100),
        "Query.countWords": FieldCost(0, 10, "words"),
        "Query.countObjects": FieldCost(0, 10, object_argument="value"),
    },
)
set_input_limits(
    schema._schema,
    {"String": InputLimit(1_000, "TOO_MANY"), "Wish": InputLimit(10, "FILTER_TOO_COMPLEX")},
)


class ContextFactory:
    """Opens sessions, and makes and counts their contexts. Setting `invalid` ends all sessions."""

    def __init__(self) -> None:
        self.context_count = 0
        self.spent_points = 0
        self.charged_points = 0
        self.started = asyncio.Event()
        self.stopped = asyncio.Event()
        self.released = asyncio.Event()
        self.invalid = asyncio.Event()

    async def open_session(
        self, connection: HTTPConnection, init: Mapping[str, object]
    ) -> "Session":
        """Refuses those who present the key `wrong`."""
        if "wrong" in (connection.headers.get("authorization"), init.get("authorization")):
            raise request_error(401, "The key is wrong.", UNAUTHENTICATED_CODE)
        return Session(self, init)

    def create_context(self, init: Mapping[str, object]) -> dict[str, Any]:
        self.context_count += 1
        return {
            "number": self.context_count,
            "init": init,
            "started": self.started,
            "stopped": self.stopped,
            "released": self.released,
        }


@dataclass(frozen=True)
class Session:
    """A session whose contexts have the payload of connection_init."""

    factory: ContextFactory
    init: Mapping[str, object]
    documents: Any = None

    async def spend(self, points: int) -> None:
        self.factory.spent_points += points

    def charge(self, points: int) -> None:
        self.factory.charged_points += points

    def count_stream(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def make_context(self) -> dict[str, Any]:
        return self.factory.create_context(self.init)

    async def wait_until_invalid(self) -> None:
        await self.factory.invalid.wait()
