"""What the HTTP layer needs to know about the caller of a connection."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from starlette.requests import HTTPConnection


class CallerSession(Protocol):
    """A connection whose caller is known."""

    async def make_context(self) -> object:
        """Makes a context. It is called for each operation and for each event of a subscription."""

    async def wait_until_invalid(self) -> None:
        """Returns once the caller may not use the connection any longer; else never."""


SessionOpener = Callable[[HTTPConnection, Mapping[str, object]], Awaitable[CallerSession]]
"""Opens the session of a connection with the payload of its connection_init ({} over HTTP).

It is called before anything else of a request is read. It raises RequestError to refuse the caller:
`request_error(401, "...", UNAUTHENTICATED_CODE)`.
"""
