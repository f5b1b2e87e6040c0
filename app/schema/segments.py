"""Segments in the API."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET, Maybe
from strawberry.dataloader import DataLoader

from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import EntityKind
from app.domain.segment_sizes import MAX_POINTS
from app.domain.segments import Segment as StoredSegment
from app.domain.segments import SegmentKind
from app.schema.connections import CountedConnection, Edge, Page, PageEdge, make_page
from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, read_customer_ref
from app.schema.errors import UserError, attempt
from app.schema.filters import FilterInput
from app.schema.input_json import input_to_json
from app.schema.loaders import make_loader
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    MAX_MEMBER_PAGE_SIZE,
    decode_id_cursor,
    encode_id_cursor,
    validate_page_size,
)
from app.schema.scalars import JSON, Long
from app.services.memberships import Membership
from app.services.query_planner import PlannedQuery
from app.services.uses import UseKind

strawberry.enum(SegmentKind, description=SegmentKind.__doc__)
strawberry.enum(UseKind, name="SegmentUseKind", description=UseKind.__doc__)


@strawberry.type
class SegmentUse:
    kind: UseKind
    id: strawberry.ID
    name: str


@strawberry.input(one_of=True)
class SegmentDefinitionInput:
    filter: Maybe[FilterInput] = strawberry.field(description="A passive segment.")
    customers: Maybe[list[CustomerRef]] = strawberry.field(
        description="A static segment of these customers, 20,000 at most."
    )
    snapshot: Maybe[FilterInput] = strawberry.field(
        description="A static segment of those whom this filter selects now, 20,000 at most."
    )


@strawberry.input
class SegmentCreateInput:
    name: str
    description: str | None = UNSET
    definition: SegmentDefinitionInput


@strawberry.input
class SegmentUpdateInput:
    name: str | None = UNSET
    description: str | None = UNSET
    filter: FilterInput | None = UNSET


@dataclass(frozen=True)
class Member:
    """A customer of a page of members. The page shares the loader of the instants of entry."""

    customer: StoredCustomer
    entered_at_loader: DataLoader[str, datetime | None]


@to_node.register
def _to_customer(member: Member) -> Customer:
    return Customer.from_domain(member.customer)


@strawberry.type
class MemberEdge(Edge[Customer]):
    @strawberry.field(description="Known for active segments only.")
    async def entered_at(self, edge: strawberry.Parent[PageEdge[Member]]) -> datetime | None:
        member = edge.item
        return await member.entered_at_loader.load(member.customer.id)


@strawberry.type
class MemberConnection(CountedConnection[Customer]):
    edges: Sequence[MemberEdge]


@strawberry.type
class SegmentSize:
    at: datetime
    member_count: Long


@strawberry.type
class Segment(Node):
    name: str
    description: str | None
    kind: SegmentKind
    filter: JSON | None = strawberry.field(
        description="The filter, in the shape of FilterInput; null for a static segment."
    )
    editable: bool = strawberry.field(
        description="False for a static or an active segment: the members, or the filter,"
        " can't be edited."
    )
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None
    stored_segment: strawberry.Private[StoredSegment]

    @strawberry.field(
        description="The filter as one readable English sentence; null for a static segment."
    )
    async def filter_text(self, info: Info) -> str | None:
        return await info.context.services.segments.filter_text(self.stored_segment)

    @strawberry.field
    async def member_count(self, info: Info) -> Long:
        service = info.context.services.segments
        return Long(await service.member_count(self.stored_segment, info.context.now))

    @strawberry.field(graphql_type=MemberConnection)
    async def members(
        self, info: Info, first: int | None = DEFAULT_PAGE_SIZE, after: str | None = None
    ) -> Page[Member]:
        first = validate_page_size(first, MAX_MEMBER_PAGE_SIZE)
        after_id = decode_id_cursor(after, EntityKind.CUSTOMER)
        service, now = info.context.services.segments, info.context.now
        customers = await service.members(self.stored_segment, after_id, first + 1, now)
        entered_at_loader = make_loader(partial(service.entered_at, self.stored_segment))
        return make_page(
            [Member(customer, entered_at_loader) for customer in customers],
            first,
            after,
            lambda member: encode_id_cursor(member.customer.id),
            partial(service.member_count, self.stored_segment, now),
        )

    @strawberry.field(
        description="What keeps the segment from being deleted, and what made it active."
    )
    async def used_by(self, info: Info) -> list[SegmentUse]:
        uses = await info.context.services.segments.uses(self.stored_segment)
        return [SegmentUse(kind=use.kind, id=strawberry.ID(use.id), name=use.name) for use in uses]

    @strawberry.field(
        description="The number of members over time. Each point is what was counted at that"
        " moment, hourly or as the project has it, for 30 days, and after that the last of each"
        " day for three years; there is none of a time when no worker ran. By default the last 30"
        " days before `to`; both ends are included. Of more than 1,000 points an even choice.",
        metadata={"max_items": MAX_POINTS},
    )
    async def size_history(
        self,
        info: Info,
        since: Annotated[datetime | None, strawberry.argument(name="from")] = None,
        until: Annotated[datetime | None, strawberry.argument(name="to")] = None,
    ) -> list[SegmentSize]:
        service, now = info.context.services.segment_sizes, info.context.now
        sizes = await service.history(self.stored_segment, since, until, now)
        return [SegmentSize(at=size.at, member_count=Long(size.member_count)) for size in sizes]

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


@strawberry.type
class SegmentConnection(CountedConnection[Segment]):
    pass


@strawberry.type
class SegmentMembership:
    segment: Segment
    is_member: bool
    evaluated_at: datetime
    membership: strawberry.Private[Membership]

    @strawberry.field(
        description="Condition by condition: what was wanted, what the customer has, and whether"
        " it holds."
    )
    def explanation(self) -> JSON | None:
        return JSON(self.membership.explanation())

    @strawberry.field(
        description="When this will change by the passing of time alone; null where it won't."
    )
    async def changes_at(self) -> datetime | None:
        # Years of a customer's events may have to be gone through: others are served meanwhile.
        return await asyncio.to_thread(self.membership.next_change_at)


@strawberry.type
class SegmentPreview:
    planned_query: strawberry.Private[PlannedQuery]

    @strawberry.field
    async def member_count(self) -> Long:
        return Long(await self.planned_query.count())

    @strawberry.field
    async def sample(self, first: int | None = 10) -> list[Customer]:
        customers = await self.planned_query.page(None, validate_page_size(first, default_size=10))
        return [Customer.from_domain(customer) for customer in customers]


@strawberry.type
class SegmentPayload:
    segment: Segment | None
    user_errors: list[UserError]


@strawberry.type
class SegmentDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class SegmentQuery:
    @strawberry.field
    async def segment(self, info: Info, id: strawberry.ID) -> Segment | None:
        stored_segment = await info.context.services.segments.get(id)
        return Segment.from_domain(stored_segment) if stored_segment else None

    @strawberry.field(
        graphql_type=SegmentConnection,
        description="Search: a part of the name, whatever its case.",
    )
    async def segments(
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE_SIZE,
        after: str | None = None,
        search: str | None = None,
        kinds: list[SegmentKind] | None = None,
    ) -> Page[StoredSegment]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.SEGMENT)
        service = info.context.services.segments
        return make_page(
            await service.page(search, kinds, after_id, first + 1),
            first,
            after,
            lambda segment: encode_id_cursor(segment.id),
            partial(service.count, search, kinds),
        )

    @strawberry.field(description="What a filter would select, before it is saved.")
    async def segment_preview(self, info: Info, filter: FilterInput) -> SegmentPreview:
        service, now = info.context.services.segments, info.context.now
        return SegmentPreview(planned_query=await service.preview(input_to_json(filter), now))

    @strawberry.field(
        description="Is the customer in these segments (default: all) at this moment? The stored"
        " profile, with `overrides` laid over it for this one question; a sourceId that is not"
        " known is judged by the overrides alone."
    )
    async def segment_membership(
        self,
        info: Info,
        customer: CustomerRef,
        segment_ids: list[strawberry.ID] | None = None,
        overrides: JSON | None = None,
    ) -> list[SegmentMembership]:
        now = info.context.now
        ref = read_customer_ref(customer, "customer")
        memberships = await info.context.services.memberships.evaluate(
            ref, segment_ids, overrides, now
        )
        return [
            SegmentMembership(
                segment=Segment.from_domain(membership.segment),
                is_member=membership.is_member,
                evaluated_at=now.at,
                membership=membership,
            )
            for membership in memberships
        ]


@strawberry.type
class SegmentMutation:
    @strawberry.mutation(description="Makes a passive segment, or a static one.")
    async def segment_create(self, info: Info, input: SegmentCreateInput) -> SegmentPayload:
        service, now = info.context.services.segments, info.context.now
        stored_segment, errors = await attempt(service.create(input_to_json(input), now))
        return SegmentPayload(
            segment=Segment.from_domain(stored_segment) if stored_segment else None,
            user_errors=errors,
        )

    @strawberry.mutation(description="Changes what is given; a field left out stays.")
    async def segment_update(
        self, info: Info, id: strawberry.ID, input: SegmentUpdateInput
    ) -> SegmentPayload:
        service, now = info.context.services.segments, info.context.now
        stored_segment, errors = await attempt(service.update(id, input_to_json(input), now))
        return SegmentPayload(
            segment=Segment.from_domain(stored_segment) if stored_segment else None,
            user_errors=errors,
        )

    @strawberry.mutation(description="Deletes the segment, unless something uses it.")
    async def segment_delete(self, info: Info, id: strawberry.ID) -> SegmentDeletePayload:
        deleted_id, errors = await attempt(info.context.services.segments.delete(id))
        return SegmentDeletePayload(
            deleted_id=strawberry.ID(deleted_id) if deleted_id else None, user_errors=errors
        )
