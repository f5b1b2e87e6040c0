"""Adjustments of loyalty points in the API."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from app.schema.context import Info
from app.schema.customers import CustomerRef
from app.schema.errors import UserError, attempt
from app.schema.input_json import input_to_json
from app.schema.loyalty import LedgerEntry


@strawberry.input(
    description="A correction by a person or a program: points given back for a refund, or granted"
    " out of courtesy."
)
class PointsAdjustInput:
    customer: CustomerRef = strawberry.field(description="The customer whose points change.")
    program_id: strawberry.ID = strawberry.field(
        description="The id of the program in which the points count."
    )
    points: int = strawberry.field(
        description="Negative to take points; never more than the balance (INVALID). Not 0."
    )
    reason: str = strawberry.field(
        description="Why the points change, for the ledger; up to 1,000 characters."
    )
    idempotency_key: str | None = strawberry.field(
        default=UNSET,
        description="The same key again changes nothing and answers the same. The same key with"
        " another input is INVALID.",
    )


@strawberry.type(description="The result of adjusting points.")
class LedgerEntryPayload:
    entry: LedgerEntry | None = strawberry.field(
        description="The ledger entry of the adjustment; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type
class PointsMutation:
    @strawberry.mutation(
        description="Adds points to a customer's balance in a program, or takes them, with a ledger"
        " entry of its own."
    )
    async def points_adjust(
        self,
        info: Info,
        input: Annotated[
            PointsAdjustInput, strawberry.argument(description="The adjustment to make.")
        ],
    ) -> LedgerEntryPayload:
        service, now = info.context.services.points, info.context.now.at
        stored_entry, errors = await attempt(service.adjust(input_to_json(input), now))
        entry = LedgerEntry.from_domain(stored_entry) if stored_entry else None
        return LedgerEntryPayload(entry=entry, user_errors=errors)
