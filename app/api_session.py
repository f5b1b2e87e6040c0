"""The session of a connection to the API: its caller, and the contexts of its operations."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from math import ceil

from starlette.requests import HTTPConnection

from app.domain.api_keys import Caller, calling_key_name
from app.errors import Unauthenticated
from app.export_download import download_base
from app.persisted_documents import PersistedDocuments
from app.rate_limits import RateLimiter
from app.schema import Context
from app.schema.http.error_masking import TIMEOUT_CODE, UNREACHABLE_MESSAGE
from app.schema.http.request_errors import (
    RATE_LIMITED_CODE,
    UNAUTHENTICATED_CODE,
    request_error,
)
from app.services import Services
from app.store import Unreachable


class StreamCounter:
    """Counts the sockets and the subscriptions of each key in this process."""

    def __init__(self, max_streams_per_key: int) -> None:
        self._max_streams = max_streams_per_key
        self._counts: Counter[str] = Counter()

    @contextmanager
    def counting(self, key: str) -> Iterator[None]:
        """Counts one until the context exits. Raises RequestError if there are too many."""
        if self._counts[key] >= self._max_streams:
            raise request_error(
                429,
                f"A key has at most {self._max_streams:,} sockets and subscriptions; close some.",
                RATE_LIMITED_CODE,
            )
        self._counts[key] += 1
        try:
            yield
        finally:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]


@dataclass(frozen=True, slots=True)
class ApiSession:
    """Implements CallerSession."""

    services: Services
    connection: HTTPConnection
    caller: Caller

    @property
    def documents(self) -> PersistedDocuments:
        documents: PersistedDocuments = self.connection.app.state.persisted_documents
        return documents

    async def spend(self, points: int) -> None:
        key = self.caller.key
        if key is None:
            return
        limiter: RateLimiter = self.connection.app.state.rate_limiter
        wait_seconds = await limiter.spend(key.prefix, points)
        if wait_seconds is not None:
            retry_after_seconds = max(ceil(wait_seconds), 1)
            raise request_error(
                429,
                f"The key has spent its points; try again in {retry_after_seconds} s.",
                RATE_LIMITED_CODE,
                **{"Retry-After": str(retry_after_seconds)},
            )

    def charge(self, points: int) -> None:
        if self.caller.key is not None:
            limiter: RateLimiter = self.connection.app.state.rate_limiter
            limiter.charge(self.caller.key.prefix, points)

    def count_stream(self) -> AbstractContextManager[None]:
        key = self.caller.key
        if key is None:
            return nullcontext()
        counter: StreamCounter = self.connection.app.state.stream_counter
        return counter.counting(key.prefix)

    async def make_context(self) -> Context:
        key = self.caller.key
        calling_key_name.set(None if key is None else key.name)
        return Context(
            self.services,
            self.services.now(),
            self.caller,
            partial(download_base, self.connection),
            self.connection.headers.get("last-event-id"),
        )

    async def wait_until_invalid(self) -> None:
        await self.services.authenticator.wait_until_invalid(self.caller)


async def open_session(
    connection: HTTPConnection, init_payload: Mapping[str, object]
) -> ApiSession:
    """Returns the session of the caller whose key the connection presents.

    Raises RequestError with status 401 without a valid key, and with 503 if MongoDB is needed to
    check it and unreachable.
    """
    services: Services = connection.app.state.services
    try:
        caller = await services.authenticator.authenticate(
            _find_authorization(connection, init_payload)
        )
    except Unauthenticated as error:
        raise request_error(
            401, str(error), UNAUTHENTICATED_CODE, **{"WWW-Authenticate": "Bearer"}
        ) from None
    except Unreachable:
        raise request_error(503, UNREACHABLE_MESSAGE, TIMEOUT_CODE) from None
    return ApiSession(services, connection, caller)


def _find_authorization(connection: HTTPConnection, init_payload: Mapping[str, object]) -> object:
    """Returns what connection_init or the headers contain. Neither depends on the case."""
    for name, value in init_payload.items():
        if name.lower() == "authorization":
            return value
    return connection.headers.get("authorization")
