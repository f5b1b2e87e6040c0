"""What the caller can mend, as data beside the result."""

from collections.abc import Awaitable, Iterable
from typing import TypeVar

import strawberry

from app.errors import InputError, Problem, UserErrorCode

strawberry.enum(UserErrorCode, name="UserErrorCode")
Result = TypeVar("Result")


@strawberry.type(
    description="What the caller can mend. What the caller can't is a GraphQL error with"
    " extensions.code."
)
class UserError:
    code: UserErrorCode
    message: str
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
    """The result of a mutation, or what kept it from being done."""
    try:
        return await awaitable, []
    except InputError as refused:
        return None, to_user_errors(refused.problems)
