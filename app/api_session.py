"""The session of a connection to the API: its caller, and the contexts of its operations."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from app.domain.api_keys import Caller, calling_key_name
from app.errors import Unauthenticated
from app.export_download import download_base
from app.persisted_documents import PersistedDocuments
from app.schema import Context
from app.schema.http.error_masking import TIMEOUT_CODE, UNREACHABLE_MESSAGE
from app.schema.http.request_errors import UNAUTHENTICATED_CODE, request_error
from app.services import Services
from app.store import Unreachable


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

    async def make_context(self) -> Context:
        key = self.caller.key
        calling_key_name.set(None if key is None else key.name)
        return Context(
            self.services,
            self.services.now(),
            self.caller,
            download_base(self.connection),
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
