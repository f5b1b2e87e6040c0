"""Errors as a client sees them: expected ones with their text, unexpected ones without."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from app.errors import (
    BadRequest,
    CursorExpired,
    Forbidden,
    InputError,
    PageTooLarge,
    QueryTimeout,
    SegmentsError,
    SlowConsumer,
)
from app.request_id import current_request_id
from app.schema.http.request_errors import (
    BAD_REQUEST_CODE,
    JSON,
    TOO_COMPLEX_CODE,
    RequestError,
    error_object,
)
from app.schema.paging import encode_log_cursor
from app.store import ReadTimeout, Unreachable

INTERNAL_CODE = "INTERNAL"
TIMEOUT_CODE = "TIMEOUT"
CURSOR_EXPIRED_CODE = "CURSOR_EXPIRED"
SLOW_CONSUMER_CODE = "SLOW_CONSUMER"
FORBIDDEN_CODE = "FORBIDDEN"
MAX_ERRORS = 100
MAX_MESSAGE_CHARACTERS = 500
UNREACHABLE_MESSAGE = "The database can't be reached at present; try again."
_READ_TIMEOUT_MESSAGE = "The database did not answer in time; request less, or try again."
_log = structlog.get_logger("app.graphql")
_NULL_FOR_MAYBE = re.compile(r"Expected value of type .+?, found null\. (?:\w+ ('\w+'))?.*")


def format_request_error(graphql_error: GraphQLError, code: str) -> JSON:
    """Formats an error in the request itself, with the message of graphql-core."""
    return _with_location(
        graphql_error, error_object(_simplify_message(graphql_error.message), code)
    )


def format_execution_errors(errors: Iterable[GraphQLError]) -> list[JSON]:
    """Formats the first MAX_ERRORS errors of an executed operation. Logs the unexpected ones, each
    kind once."""
    request_id = current_request_id()
    logged_kinds: set[tuple[type[BaseException], str]] = set()
    formatted_errors: list[JSON] = []
    for graphql_error in errors:
        if len(formatted_errors) >= MAX_ERRORS:
            break
        cause = _root_cause(graphql_error)
        remaining_count = MAX_ERRORS - len(formatted_errors)
        if expected_errors := list(
            islice(_format_expected_errors(graphql_error, cause), remaining_count)
        ):
            formatted_errors += expected_errors
            continue
        if (kind := (type(cause), str(cause))) not in logged_kinds:
            logged_kinds.add(kind)
            _log.error(
                "unexpected error", request_id=request_id, path=graphql_error.path, exc_info=cause
            )
        formatted_errors.append(_with_location(graphql_error, internal_error(request_id)))
    return formatted_errors


def internal_error(request_id: str) -> JSON:
    """Returns an error without details. The log has them under the request id."""
    error_json = error_object("Unexpected error.", INTERNAL_CODE)
    error_json["extensions"]["requestId"] = request_id
    return error_json


def log_internal_error(cause: BaseException) -> JSON:
    """Logs an unexpected error outside of every field. Returns it as the client sees it."""
    request_id = current_request_id()
    _log.error("unexpected error", request_id=request_id, exc_info=cause)
    return internal_error(request_id)


def _format_expected_errors(graphql_error: GraphQLError, cause: BaseException) -> Iterator[JSON]:
    match cause:
        case InputError(problems=problems):
            for problem in problems:
                error_json = error_object(problem.message, problem.code.value)
                error_json["extensions"]["path"] = list(problem.path)
                yield _with_location(graphql_error, error_json)
        case RequestError(errors=errors):
            yield from (_with_location(graphql_error, problem) for problem in errors)
        case BadRequest():
            yield _with_location(graphql_error, error_object(str(cause), BAD_REQUEST_CODE))
        case Forbidden():
            yield _with_location(graphql_error, error_object(str(cause), FORBIDDEN_CODE))
        case CursorExpired(oldest_sequence=oldest):
            error_json = error_object(str(cause), CURSOR_EXPIRED_CODE)
            error_json["extensions"]["oldestCursor"] = encode_log_cursor(oldest)
            yield _with_location(graphql_error, error_json)
        case SlowConsumer(last_sequence=last):
            error_json = error_object(str(cause), SLOW_CONSUMER_CODE)
            error_json["extensions"]["lastCursor"] = encode_log_cursor(last)
            yield _with_location(graphql_error, error_json)
        case PageTooLarge():
            yield _with_location(graphql_error, error_object(str(cause), TOO_COMPLEX_CODE))
        case QueryTimeout():
            yield _with_location(graphql_error, error_object(str(cause), TIMEOUT_CODE))
        case ReadTimeout():
            yield _with_location(graphql_error, error_object(_READ_TIMEOUT_MESSAGE, TIMEOUT_CODE))
        case Unreachable():
            # The error text contains MongoDB's addresses, which the client must not see.
            _log.warning("MongoDB is unreachable", path=graphql_error.path, error=cause)
            yield _with_location(graphql_error, error_object(UNREACHABLE_MESSAGE, TIMEOUT_CODE))
        case SegmentsError():
            yield _with_location(graphql_error, error_object(str(cause), INTERNAL_CODE))
        case StrawberryInputCoercionError(message=message):
            yield _with_location(
                graphql_error, error_object(_simplify_message(message), BAD_REQUEST_CODE)
            )
        case GraphQLError(message=message) if message.startswith("Argument "):
            # A nullable variable is null, but the argument requires a value.
            yield _with_location(
                graphql_error, error_object(_simplify_message(message), BAD_REQUEST_CODE)
            )


def _root_cause(graphql_error: GraphQLError) -> BaseException:
    cause: BaseException = graphql_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _with_location(graphql_error: GraphQLError, error_json: JSON) -> JSON:
    """Adds the locations in the document and the path in the data."""
    location: JSON = {}
    if graphql_error.locations:
        location["locations"] = [source.formatted for source in graphql_error.locations]
    if graphql_error.path:
        location["path"] = graphql_error.path
    return {"message": error_json["message"], **location, "extensions": error_json["extensions"]}


def _simplify_message(message: str) -> str:
    """Shortens a message and replaces its Python terms: None, and the types of `Maybe` inputs."""
    # graphql-core repeats an invalid value in the message, however large it is.
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = f"{message[:MAX_MESSAGE_CHARACTERS]} …"
    return _NULL_FOR_MAYBE.sub(
        lambda match: f"{match[1] or 'An input'} can't be null: give a value, or leave it out.",
        message.replace("not to be None", "not to be null"),
    )
