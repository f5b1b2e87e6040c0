"""Apollo's automatic persisted queries: a client sends the hash of a document that it has sent
before."""

import hashlib
from dataclasses import replace
from typing import Protocol

from app.schema.http.document_cache import MAX_DOCUMENT_CHARACTERS
from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operation, Operations
from app.schema.http.request_errors import OperationError, error_object, request_error

# Apollo's clients know this message and this code.
_NOT_FOUND_MESSAGE = "PersistedQueryNotFound"
_NOT_FOUND_CODE = "PERSISTED_QUERY_NOT_FOUND"


class DocumentStore(Protocol):
    """Keeps documents by their SHA-256 in hexadecimal digits. It may lose them at any time."""

    async def get(self, document_hash: str) -> str | None: ...

    async def save(self, document_hash: str, document: str) -> None: ...


async def prepare(
    operations: Operations, request: GraphQLRequest, documents: DocumentStore
) -> Operation:
    """Returns the operation of a request, whose document is found by its hash if it has only that.

    A document that comes with its hash is kept if it is valid. Raises RequestError for an invalid
    request and for an unknown hash; the client then sends the document, too.
    """
    document_hash = request.document_hash
    if document_hash is None or len(request.query) > MAX_DOCUMENT_CHARACTERS:
        # A document that is too long is refused without its hash, which would take long.
        return await operations.prepare(request)
    if request.query:
        if hashlib.sha256(request.query.encode()).hexdigest() != document_hash:
            raise request_error(400, "`sha256Hash` is not the SHA-256 of the query.")
        operation = await operations.prepare(request)
        await documents.save(document_hash, request.query)
        return operation
    document = await documents.get(document_hash)
    if document is None:
        raise OperationError(422, [error_object(_NOT_FOUND_MESSAGE, _NOT_FOUND_CODE)])
    return await operations.prepare(replace(request, query=document))
