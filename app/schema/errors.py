"""User errors: what is wrong with the input of a mutation, as data beside its result."""

from collections.abc import Awaitable, Iterable
from typing import TypeVar

import strawberry

from app.errors import InputError, Problem, UserErrorCode
from app.schema.enums import register_enum

register_enum(
    UserErrorCode,
    "The kind of an error in the caller's input.",
    {
        "INVALID": "A value of the input is not allowed here.",
        "NOT_FOUND": "The object that the input refers to does not exist.",
        "TAKEN": "Another object already has this name or key.",
        "STATIC_SEGMENT_TOO_LARGE": "A static segment has at most 20,000 members.",
        "SEGMENT_NOT_EDITABLE": "The filter of a static or an active segment can't be edited.",
        "SEGMENT_IN_USE": "An object uses the segment; `usedBy` lists all of them.",
        "UNKNOWN_ATTRIBUTE": "The filter has a path that does not exist.",
        "OPERATOR_NOT_APPLICABLE": "The operator does not apply to values of this type.",
        "INVALID_VALUE": "The operator does not take this value.",
        "FILTER_EMPTY": "The filter, or a branch of it, has no condition.",
        "FILTER_TOO_COMPLEX": "The filter has too many conditions or levels.",
        "SEGMENT_CYCLE": "The segment would depend on itself.",
        "METADATA_INVALID": "A metadata value does not match its definition.",
        "TOO_MANY": "The input has more elements than allowed.",
        "OUT_OF_CODES": "The code pool has no codes left.",
        "CONFLICT": "The object has changed since the caller read it.",
    },
)
Result = TypeVar("Result")

MAX_USER_ERRORS = 100


@strawberry.type(
    description="What the caller can mend. What the caller can't is a GraphQL error with"
    " extensions.code."
)
class UserError:
    code: UserErrorCode = strawberry.field(description="The kind of error, for programs.")
    message: str = strawberry.field(description="What is wrong, as an English sentence.")
    path: list[str] = strawberry.field(
        description='Where in the input: ["input", "definition", "filter", "all", "0",'
        ' "attribute", "operator"]'
    )


def to_user_errors(problems: Iterable[Problem]) -> list[UserError]:
    return [
        UserError(code=problem.code, message=problem.message, path=list(problem.path))
        for problem in problems
    ]


async def attempt(awaitable: Awaitable[Result]) -> tuple[Result | None, list[UserError]]:
    """Awaits a mutation of a service. Returns its result, or None and the first MAX_USER_ERRORS
    errors in its input."""
    try:
        return await awaitable, []
    except InputError as error:
        return None, to_user_errors(error.problems[:MAX_USER_ERRORS])
