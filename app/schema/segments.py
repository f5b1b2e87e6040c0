"""Segments in the API: queries, mutations, members and the history of sizes."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Maybe

from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import EntityKind
from app.domain.segment_sizes import MAX_POINTS
from app.domain.segments import Segment as StoredSegment
from app.domain.segments import SegmentKind
from app.domain.uses import Use, UseKind
from app.schema.batch_loader import ObjectLoader
from app.schema.connections import CountedConnection, Edge, Page, PageEdge, make_page
from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, prepare_metadata
from app.schema.enums import register_enum
from app.schema.errors import UserError, attempt
from app.schema.filters import FilterInput
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    MAX_MEMBER_PAGE_SIZE,
    After,
    First,
    MemberFirst,
    decode_id_cursor,
    encode_id_cursor,
    validate_page_size,
)
from app.schema.scalars import JSON, Long
from app.schema.selection import selects_field
from app.unicode_text import to_nfc

register_enum(
    SegmentKind,
    "What defines the members of a segment, and whether the segment emits transitions.",
    {
        "STATIC": "A fixed list of customers.",
        "PASSIVE": "A filter, which the server evaluates on request. It emits no transitions.",
        "ACTIVE": "A filter that the engine evaluates continuously. Every customer who enters or"
        " leaves makes a transition.",
    },
)
register_enum(
    UseKind,
    "The kind of an object that uses a segment.",
    {
        "VALIDATION_RULE": "A validation rule.",
        "DISTRIBUTION": "A distribution.",
        "EARNING_RULE": "An earning rule of a loyalty program.",
        "REFERRAL_TIER": "A tier of a referral program.",
        "SEGMENT": "Another segment, whose filter refers to this one.",
    },
    name="SegmentUseKind",
)


@strawberry.type(description="An object that uses a segment.")
class SegmentUse:
    """It reads a `Use`, and is never instantiated."""

    kind: UseKind = strawberry.field(description="The kind of the object.")
    id: strawberry.ID = strawberry.field(description="The id of the object.")
    name: str = strawberry.field(description="The name of the object.")

    @strawberry.field(graphql_type=Node | None, description="The thing itself.")
    async def node(self, info: Info) -> object:
        user = await info.context.loaders.users.load(self.id)
        return None if user is None else to_node(user)


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


@dataclass(frozen=True)
class Member:
    """A customer of a page of the segment's members."""

    customer: StoredCustomer
    segment: StoredSegment


@to_node.register
def _to_customer(member: Member) -> Customer:
    return Customer.from_domain(member.customer)


@strawberry.type(description="A member of a page with its cursor.")
class MemberEdge(Edge[Customer]):
    @strawberry.field(
        description="Known for active segments only: when the customer entered the segment."
    )
    async def entered_at(
        self, edge: strawberry.Parent[PageEdge[Member]], info: Info
    ) -> datetime | None:
        member = edge.item
        if member.segment.kind is not SegmentKind.ACTIVE:
            return None
        return await info.context.loaders.entered_at.load((member.segment.id, member.customer.id))


@strawberry.type(description="A page of members.")
class MemberConnection(CountedConnection[Customer]):
    edges: Sequence[MemberEdge] = strawberry.field(
        description="The items of the page, each with its cursor."
    )


@strawberry.type(description="The number of members at one instant.")
class SegmentSize:
    at: datetime = strawberry.field(description="When the members were counted.")
    member_count: Long = strawberry.field(description="The number of members.")


@strawberry.type(description="A set of customers, given by a filter or as a list.")
class Segment(Node):
    name: str = strawberry.field(description="The name of the segment.")
    description: str | None = strawberry.field(description="A note about the segment.")
    kind: SegmentKind = strawberry.field(
        description="Whether the segment is a list or a filter, and whether it emits transitions."
    )
    filter: JSON | None = strawberry.field(
        description="The filter, in the shape of FilterInput; null for a static segment."
    )
    editable: bool = strawberry.field(
        description="False for a static or an active segment: the members, or the filter,"
        " can't be edited."
    )
    created_at: datetime = strawberry.field(description="When the segment was created.")
    updated_at: datetime = strawberry.field(description="When the segment last changed.")
    activated_at: datetime | None = strawberry.field(
        description="When the segment became active; null if it is not."
    )
    stored_segment: strawberry.Private[StoredSegment]

    @strawberry.field(
        graphql_type=str | None,
        description="The filter as one readable English sentence; null for a static segment.",
    )
    def filter_text(self, info: Info) -> str | Awaitable[str | None] | None:
        return info.context.loaders.filter_texts.get(self.stored_segment)

    @strawberry.field(description="The number of members now.")
    async def member_count(self, info: Info) -> Long:
        return Long(await info.context.loaders.member_counts.load(self.stored_segment))

    @strawberry.field(
        graphql_type=MemberConnection, description="The members now, in the order of their ids."
    )
    async def members(
        self, info: Info, first: MemberFirst = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Page[Member]:
        first = validate_page_size(first, MAX_MEMBER_PAGE_SIZE)
        after_id = decode_id_cursor(after, EntityKind.CUSTOMER)
        loaders, segment = info.context.loaders, self.stored_segment
        customers = await loaders.member_pages(after_id, first + 1).load(segment)
        await prepare_metadata(info)
        return make_page(
            [Member(customer, segment) for customer in customers],
            first,
            after,
            lambda member: encode_id_cursor(member.customer.id),
            lambda: loaders.member_counts.load(segment),
        )

    @strawberry.field(
        graphql_type=list[SegmentUse],
        description="What keeps the segment from being deleted, and what made it active.",
    )
    def used_by(self, info: Info) -> list[Use] | Awaitable[list[Use]]:
        return info.context.loaders.segment_uses.get(self.stored_segment)

    @strawberry.field(
        metadata={"max_items": MAX_POINTS},
        description="The number of members over time. The server counts members hourly, or at"
        " the interval of the project's settings. It keeps every count for 30 days,"
        " and then the last count of each day for three years. It counts nothing"
        " while no worker runs. If there are more than 1,000 counts, the result is"
        " an even selection of them.",
    )
    async def size_history(
        self,
        info: Info,
        since: Annotated[
            datetime | None,
            strawberry.argument(
                name="from",
                description="The first instant of the history. Default: 30 days before `to`.",
            ),
        ] = None,
        until: Annotated[
            datetime | None,
            strawberry.argument(
                name="to", description="The last instant of the history. Default: now."
            ),
        ] = None,
    ) -> list[SegmentSize]:
        sizes = await info.context.loaders.size_histories(since, until).load(self.id)
        return [
            SegmentSize(at=size.at, member_count=Long(size.member_count)) for size in sizes or ()
        ]

    @classmethod
    def from_domain(cls, stored_segment: StoredSegment) -> "Segment":
        return cls(
            id=strawberry.ID(stored_segment.id),
            name=stored_segment.name,
            description=stored_segment.description,
            kind=stored_segment.kind,
            filter=None if stored_segment.filter is None else JSON(stored_segment.filter),
            editable=stored_segment.is_editable,
            created_at=stored_segment.created_at,
            updated_at=stored_segment.updated_at,
            activated_at=stored_segment.activated_at,
            stored_segment=stored_segment,
        )


to_node.register(StoredSegment, Segment.from_domain)


@strawberry.type(description="A page of segments.")
class SegmentConnection(CountedConnection[Segment]):
    pass


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


async def _prefetch(info: Info, segments: Sequence[StoredSegment]) -> None:
    """Reads what the rows of a page of segments need of the definitions."""
    loaders = info.context.loaders
    selected_loaders: dict[str, ObjectLoader[StoredSegment, Any]] = {
        "filterText": loaders.filter_texts,
        "usedBy": loaders.segment_uses,
    }
    await asyncio.gather(
        *(
            loader.prefetch(segments)
            for field, loader in selected_loaders.items()
            if selects_field(info, field)
        )
    )


@strawberry.type
class SegmentQuery:
    @strawberry.field(description="The segment with this id; null if there is none.")
    async def segment(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the segment.")],
    ) -> Segment | None:
        stored_segment = await info.context.services.segments.get(id)
        return Segment.from_domain(stored_segment) if stored_segment else None

    @strawberry.field(
        graphql_type=SegmentConnection, description="A page of segments in the order of their ids."
    )
    async def segments(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        search: Annotated[
            str | None, strawberry.argument(description="A part of the name. Case does not matter.")
        ] = None,
        kinds: Annotated[
            list[SegmentKind] | None,
            strawberry.argument(description="Only segments of these kinds. Default: all kinds."),
        ] = None,
    ) -> Page[StoredSegment]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.SEGMENT)
        service = info.context.services.segments
        search = to_nfc(search) if search else None
        segments = await service.page(search, kinds, after_id, first + 1)
        await _prefetch(info, segments)
        return make_page(
            segments,
            first,
            after,
            lambda segment: encode_id_cursor(segment.id),
            partial(service.count, search, kinds),
        )


@strawberry.type
class SegmentMutation:
    @strawberry.mutation(description="Creates a passive or a static segment.")
    async def segment_create(
        self,
        info: Info,
        input: Annotated[
            SegmentCreateInput, strawberry.argument(description="The segment to create.")
        ],
    ) -> SegmentPayload:
        services, input_object = info.context.services, input_to_json(input)
        (kind, definition), *_ = input_object["definition"].items()
        path = ("input", "definition", kind)
        hints = [] if kind == "customers" else await services.filter_hints.find(definition, *path)
        stored_segment, errors = await attempt(
            services.segments.create(input_object, info.context.now)
        )
        if stored_segment:
            info.context.add_hints(hints)
        return SegmentPayload(
            segment=Segment.from_domain(stored_segment) if stored_segment else None,
            user_errors=errors,
        )

    @strawberry.mutation(description="Changes the fields of a segment that the input sets.")
    async def segment_update(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the segment.")],
        input: Annotated[
            SegmentUpdateInput, strawberry.argument(description="The fields to change.")
        ],
    ) -> SegmentPayload:
        services, input_object = info.context.services, input_to_json(input)
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
