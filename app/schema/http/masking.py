"""What a client sees of an error: the text of those raised on purpose, nothing of the others."""

import re
from collections.abc import Iterable, Iterator
from uuid import uuid4

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from app.errors import (
    BadRequest,
    CursorExpired,
    Refused,
    SegmentsError,
    SlowConsumer,
    TookTooLong,
)
from app.schema.http.refusals import BAD_REQUEST, JSON, RequestRefused, error
from app.schema.paging import log_cursor
from app.store import Unreachable

INTERNAL = "INTERNAL"
TIMEOUT = "TIMEOUT"
CURSOR_EXPIRED = "CURSOR_EXPIRED"
SLOW_CONSUMER = "SLOW_CONSUMER"
MAX_MESSAGE = 500
_UNREACHABLE = "The database can't be reached at present; try again."
_log = structlog.get_logger("app.graphql")
_NULL_FOR_MAYBE = re.compile(r"Expected value of type .+?, found null\. (?:\w+ ('\w+'))?.*")


def shown(problem: GraphQLError, code: str) -> JSON:
    """A problem of the request itself, as GraphQL words it."""
    return _placed(problem, error(_plain(problem.message), code))


def answered(errors: Iterable[GraphQLError]) -> list[JSON]:
    """The errors of an operation that ran; what was not expected is logged, each kind once."""
    request_id = uuid4().hex
    seen: set[tuple[type[BaseException], str]] = set()
    answers: list[JSON] = []
    for problem in errors:
        cause = _cause(problem)
        if expected := list(_expected(problem, cause)):
            answers += expected
            continue
        if (kind := (type(cause), str(cause))) not in seen:
            seen.add(kind)
            _log.error("unexpected error", request_id=request_id, path=problem.path, exc_info=cause)
        answers.append(_placed(problem, unexpected(request_id)))
    return answers


def unexpected(request_id: str) -> JSON:
    answer = error("Unexpected error.", INTERNAL)
    answer["extensions"]["requestId"] = request_id
    return answer


def failed(cause: BaseException) -> JSON:
    """The answer where something broke outside of every field."""
    request_id = uuid4().hex
    _log.error("unexpected error", request_id=request_id, exc_info=cause)
    return unexpected(request_id)


def _expected(problem: GraphQLError, cause: BaseException) -> Iterator[JSON]:
    match cause:
        case Refused(problems=problems):
            for each in problems:
                answer = error(each.message, each.code.value)
                answer["extensions"]["path"] = list(each.path)
                yield _placed(problem, answer)
        case RequestRefused(errors=errors):
            yield from (_placed(problem, each) for each in errors)
        case BadRequest():
            yield _placed(problem, error(str(cause), BAD_REQUEST))
        case CursorExpired(oldest=oldest):
            answer = error(str(cause), CURSOR_EXPIRED)
            answer["extensions"]["oldestCursor"] = log_cursor(oldest)
            yield _placed(problem, answer)
        case SlowConsumer(last=last):
            answer = error(str(cause), SLOW_CONSUMER)
            answer["extensions"]["lastCursor"] = log_cursor(last)
            yield _placed(problem, answer)
        case TookTooLong():
            yield _placed(problem, error(str(cause), TIMEOUT))
        case Unreachable():
            # The text names MongoDB's addresses.
            _log.warning("MongoDB is unreachable", path=problem.path, error=cause)
            yield _placed(problem, error(_UNREACHABLE, TIMEOUT))
        case SegmentsError():
            yield _placed(problem, error(str(cause), INTERNAL))
        case StrawberryInputCoercionError(message=message):
            yield _placed(problem, error(_plain(message), BAD_REQUEST))
        case GraphQLError(message=message) if message.startswith("Argument "):
            # Null from a nullable variable, where the field wants a value.
            yield _placed(problem, error(_plain(message), BAD_REQUEST))


def _cause(problem: GraphQLError) -> BaseException:
    cause: BaseException = problem
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _placed(problem: GraphQLError, answer: JSON) -> JSON:
    """The answer, with its place in the document and in the data."""
    place: JSON = {}
    if problem.locations:
        place["locations"] = [location.formatted for location in problem.locations]
    if problem.path:
        place["path"] = problem.path
    return {"message": answer["message"], **place, "extensions": answer["extensions"]}


def _plain(message: str) -> str:
    """Short, and without Python: its None, and the types of what may be absent, but not null."""
    # GraphQL repeats the value that doesn't fit, however large it is.
    if len(message) > MAX_MESSAGE:
        message = f"{message[:MAX_MESSAGE]} …"
    return _NULL_FOR_MAYBE.sub(
        lambda found: f"{found[1] or 'An input'} can't be null: give a value, or leave it out.",
        message.replace("not to be None", "not to be null"),
    )
