"""The mutations of segments, with their inputs and results."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET, Maybe

from app.schema.context import Info
from app.schema.customers import CustomerRef
from app.schema.errors import UserError, attempt
from app.schema.filters import FilterInput
from app.schema.http.large_inputs import LargeInput
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.segments import Segment
from app.worker_threads import run_in_thread_if_large


@strawberry.input(one_of=True, description="What a new segment consists of.")
class SegmentDefinitionInput:
    filter: Maybe[FilterInput] = strawberry.field(description="A passive segment.")
    customers: Maybe[list[CustomerRef]] = strawberry.field(
        description="A static segment of these customers, 20,000 at most."
    )
    snapshot: Maybe[FilterInput] = strawberry.field(
        description="A static segment of those whom this filter selects now, 20,000 at most."
    )


@strawberry.input(description="A segment to create.")
class SegmentCreateInput:
    name: str = strawberry.field(description="The name of the segment, which no other segment has.")
    description: str | None = strawberry.field(
        default=UNSET, description="A note about the segment."
    )
    definition: SegmentDefinitionInput = strawberry.field(
        description="The filter or the customers of the segment."
    )


@strawberry.input(
    description="The fields of a segment to change. A field that is left out keeps its value."
)
class SegmentUpdateInput:
    name: str | None = strawberry.field(default=UNSET, description="The new name.")
    description: str | None = strawberry.field(
        default=UNSET, description="The new note; null removes it."
    )
    filter: FilterInput | None = strawberry.field(
        default=UNSET, description="The new filter, for a passive segment only."
    )
    unchanged_since: datetime | None = strawberry.field(
        default=UNSET,
        description="Refused with CONFLICT if the segment has changed since. Pass the `updatedAt`"
        " that you have read.",
    )


@strawberry.type(description="The result of creating or changing a segment.")
class SegmentPayload:
    segment: Segment | None = strawberry.field(
        description="The segment after the change; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type(description="The result of deleting a segment.")
class SegmentDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The id of the deleted segment; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was deleted; empty on success."
    )


@strawberry.type
class SegmentMutation:
    @strawberry.mutation(
        extensions=[LargeInput()], description="Creates a passive or a static segment."
    )
    async def segment_create(
        self,
        info: Info,
        input: Annotated[
            SegmentCreateInput, strawberry.argument(description="The segment to create.")
        ],
        idempotency_key: IdempotencyKey = None,
    ) -> SegmentPayload:
        services = info.context.services
        input_object = await run_in_thread_if_large(input_to_json, input)
        (kind, definition), *_ = input_object["definition"].items()
        path = ("input", "definition", kind)
        hints = [] if kind == "customers" else await services.filter_hints.find(definition, *path)
        stored_segment, errors = await attempt_once(
            info,
            idempotency_key,
            input_object,
            partial(services.segments.create, input_object, info.context.now),
            services.segments.get,
        )
        if stored_segment:
            info.context.add_hints(hints)
        return SegmentPayload(
            segment=Segment.from_domain(stored_segment) if stored_segment else None,
            user_errors=errors,
        )

    @strawberry.mutation(
        extensions=[LargeInput()],
        description="Changes the fields of a segment that the input sets.",
    )
    async def segment_update(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the segment.")],
        input: Annotated[
            SegmentUpdateInput, strawberry.argument(description="The fields to change.")
        ],
    ) -> SegmentPayload:
        services = info.context.services
        input_object = await run_in_thread_if_large(input_to_json, input)
        filter_json = input_object.get("filter")
        hints = (
            await services.filter_hints.find(filter_json, "input", "filter") if filter_json else []
        )
        stored_segment, errors = await attempt(
            services.segments.update(id, input_object, info.context.now)
        )
        if stored_segment:
            info.context.add_hints(hints)
        return SegmentPayload(
            segment=Segment.from_domain(stored_segment) if stored_segment else None,
            user_errors=errors,
        )

    @strawberry.mutation(
        description="Deletes a segment. The error is SEGMENT_IN_USE while an object uses it."
    )
    async def segment_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the segment.")],
    ) -> SegmentDeletePayload:
        deleted_id, errors = await attempt(info.context.services.segments.delete(id))
        return SegmentDeletePayload(
            deleted_id=strawberry.ID(deleted_id) if deleted_id else None, user_errors=errors
        )
