"""Bulk mutations: rows that are taken or refused one by one."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime

import strawberry

from app.domain.inputs import InputObject
from app.errors import Problem
from app.schema.errors import MAX_USER_ERRORS, UserError, attempt, to_user_errors
from app.schema.input_json import input_to_json
from app.services.bulk_rows import BulkResult
from app.worker_threads import run_in_thread_if_large


@strawberry.type(
    description="Rows are taken or refused one by one; path[1] of an error is the row's index."
)
class BulkPayload:
    accepted: int = strawberry.field(description="The number of accepted rows.")
    user_errors: list[UserError] = strawberry.field(description="Why the other rows were refused.")


async def execute_bulk(
    write: Callable[[list[InputObject], datetime], Awaitable[BulkResult]],
    rows: Sequence[object],
    now: datetime,
) -> BulkPayload:
    """Calls a bulk operation of a service, and returns its result and its errors by row."""
    input_objects = await run_in_thread_if_large(input_to_json, rows)
    result, errors = await attempt(write(input_objects, now))
    if result is None:
        return BulkPayload(accepted=0, user_errors=errors)
    return BulkPayload(
        accepted=result.accepted, user_errors=to_user_errors(_limit_problems(result.problems))
    )


def _limit_problems(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yields the first problem of each row, and further ones until there are MAX_USER_ERRORS."""
    named_rows: set[str] = set()
    for number, problem in enumerate(problems):
        _, row, *_ = problem.path
        if number < MAX_USER_ERRORS or row not in named_rows:
            named_rows.add(row)
            yield problem
