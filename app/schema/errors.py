"""What the caller can mend, as data beside the result."""

from collections.abc import Awaitable, Iterable
from typing import TypeVar

import strawberry

from app.errors import Code, Problem, Refused

strawberry.enum(Code, name="UserErrorCode")
Result = TypeVar("Result")


@strawberry.type(
    description="What the caller can mend. What the caller can't is a GraphQL error with"
    " extensions.code."
)
class UserError:
    code: Code
    message: str
    path: list[str] = strawberry.field(
        description='Where in the input: ["input", "definition", "filter", "all", "0",'
        ' "attribute", "operator"]'
    )


def user_errors(problems: Iterable[Problem]) -> list[UserError]:
    return [UserError(code=p.code, message=p.message, path=list(p.path)) for p in problems]


async def attempt(work: Awaitable[Result]) -> tuple[Result | None, list[UserError]]:
    """The result of a mutation, or what kept it from being done."""
    try:
        return await work, []
    except Refused as refused:
        return None, user_errors(refused.problems)
