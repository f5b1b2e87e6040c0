"""Idempotency keys of the mutations that create."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import strawberry

from app.domain.inputs import InputObject
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.services.idempotency import CreationRecorder

Result = TypeVar("Result")

IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        description="A key of the caller's choice, 1 to 255 characters, with which the request can"
        " be repeated. For 24 hours, the same key with the same input creates nothing again, and"
        " answers with the object as it is then; a secret that is shown only once is null. The same"
        " key with another input is INVALID. A request that fails uses no key."
    ),
]


async def attempt_once(
    info: Info,
    key: str | None,
    input_object: InputObject,
    create: Callable[[CreationRecorder], Awaitable[Result]],
    get: Callable[[str], Awaitable[Result | None]],
) -> tuple[Result | None, list[UserError]]:
    """Like `attempt`, for a creation with or without an idempotency key.

    `input_object` has all arguments of the mutation except the key. `get` reads the created object
    by its id.
    """
    return await attempt(
        info.context.services.idempotency.create_once(
            info.field_name, key, input_object, create, get
        )
    )
