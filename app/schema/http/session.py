"""What the HTTP layer needs to know about the caller of a connection."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from starlette.requests import HTTPConnection

from app.schema.http import persisted_queries
from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operation, Operations
from app.schema.http.persisted_queries import DocumentStore
from app.schema.http.thread_time_meter import ThreadTimeMeter


class CallerSession(Protocol):
    """A connection whose caller is known."""

    @property
    def documents(self) -> DocumentStore:
        """The documents of persisted queries."""

    async def spend(self, points: int) -> None:
        """Spends the cost of an operation. Raises RequestError with status 429 if the caller has
        spent too much."""

    def charge(self, points: int) -> None:
        """Charges what an operation took beyond its cost; the caller's next operations wait."""

    def count_stream(self) -> AbstractContextManager[None]:
        """Counts a socket or a subscription until the context exits. Raises RequestError if the
        caller has too many."""

    async def make_context(self) -> object:
        """Makes a context. It is called for each operation and for each event of a subscription."""

    async def wait_until_invalid(self) -> None:
        """Returns once the caller may not use the connection any longer; else never."""


SessionOpener = Callable[[HTTPConnection, Mapping[str, object]], Awaitable[CallerSession]]
"""Opens the session of a connection with the payload of its connection_init ({} over HTTP).

It is called before anything else of a request is read. It raises RequestError to refuse the caller:
`request_error(401, "...", UNAUTHENTICATED_CODE)`.
"""


async def prepare_operation(
    operations: Operations,
    request: GraphQLRequest,
    session: CallerSession,
    meter: ThreadTimeMeter,
) -> Operation:
    """Returns the operation of a request, whose cost the caller has spent. `meter` has measured the
    request so far, and measures the operation. Raises RequestError."""
    operation = await persisted_queries.prepare(operations, request, session.documents)
    await session.spend(operation.cost)
    meter.pay(operation.cost)
    operation.meter = meter
    return operation
