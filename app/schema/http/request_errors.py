"""Errors of requests that are rejected before execution, with their codes and HTTP statuses.

    GRAPHQL_PARSE_FAILED       400   the document is not GraphQL
    GRAPHQL_VALIDATION_FAILED  422   the document doesn't fit the schema
    QUERY_TOO_COMPLEX          422   the document exceeds a limit
    UNAUTHENTICATED            401   there is no valid key
    RATE_LIMITED               429   the key has spent its points
                               503   too many large requests are in progress
    TIMEOUT                    503   MongoDB can't be reached to check the key, or the server stops
    TOO_MANY, …                422   the variables exceed a limit
    BAD_REQUEST                400   the body is not JSON
                               422   the parameters, the operation's name or the variables don't fit
                               405, 406, 413, 415   the method, the media types, the size

`error_masking` formats the errors of executed operations.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import SegmentsError

JSON = dict[str, Any]

PARSE_FAILED_CODE = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED_CODE = "GRAPHQL_VALIDATION_FAILED"
TOO_COMPLEX_CODE = "QUERY_TOO_COMPLEX"
BAD_REQUEST_CODE = "BAD_REQUEST"
RATE_LIMITED_CODE = "RATE_LIMITED"
UNAUTHENTICATED_CODE = "UNAUTHENTICATED"


class RequestError(SegmentsError):
    """GraphQL's "request error": the response has `errors` and no `data`."""

    def __init__(
        self, status: int, errors: Sequence[JSON], headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.errors = list(errors)
        self.headers = dict(headers or {})
        super().__init__("; ".join(error_json["message"] for error_json in errors))


class OperationError(RequestError):
    """The request is well-formed, but its operation can't run.

    A client that accepts application/json only gets this with status 200.
    """


def request_error(
    status: int, message: str, code: str = BAD_REQUEST_CODE, **headers: str
) -> RequestError:
    """Returns a RequestError with one error. `headers` are HTTP headers of the response."""
    return RequestError(status, [error_object(message, code)], headers)


def error_object(message: str, code: str) -> JSON:
    return {"message": message, "extensions": {"code": code}}
