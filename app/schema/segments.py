"""Segments in the API."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET, Maybe
from strawberry.dataloader import DataLoader

from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import Kind
from app.domain.segments import Segment as Stored
from app.domain.segments import SegmentKind
from app.domain.sizes import MOST_POINTS
from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, reference
from app.schema.errors import UserError, attempt
from app.schema.filters import FilterInput
from app.schema.loaders import by_id
from app.schema.node import Node
from app.schema.paging import (
    MOST_MEMBERS,
    USUAL,
    Page,
    PageInfo,
    check_first,
    id_cursor,
    page,
    read_id_cursor,
)
from app.schema.scalars import JSON, Long
from app.schema.wire import wire
from app.services.memberships import Membership
from app.services.population import Selection
from app.services.uses import UseKind

strawberry.enum(SegmentKind, description=SegmentKind.__doc__)
strawberry.enum(UseKind, name="SegmentUseKind", description=UseKind.__doc__)
Count = Callable[[], Awaitable[int]]


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


@strawberry.type
class MemberEdge:
    cursor: str
    node: Customer
    entrances: strawberry.Private[DataLoader[str, datetime | None]]

    @strawberry.field(description="Known for active segments only.")
    async def entered_at(self) -> datetime | None:
        return await self.entrances.load(self.node.id)


@strawberry.type
class MemberConnection:
    edges: list[MemberEdge]
    nodes: list[Customer]
    page_info: PageInfo
    segment: strawberry.Private[Stored]

    @strawberry.field(description="Computed only when it is asked for.")
    async def total_count(self, info: Info) -> Long:
        service = info.context.services.segments
        return Long(await service.member_count(self.segment, info.context.now))


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
    stored: strawberry.Private[Stored]

    @strawberry.field(
        description="The filter as one readable English sentence; null for a static segment."
    )
    async def filter_text(self, info: Info) -> str | None:
        return await info.context.services.segments.filter_text(self.stored)

    @strawberry.field
    async def member_count(self, info: Info) -> Long:
        service = info.context.services.segments
        return Long(await service.member_count(self.stored, info.context.now))

    @strawberry.field
    async def members(
        self, info: Info, first: int | None = USUAL, after: str | None = None
    ) -> MemberConnection:
        first = check_first(first, MOST_MEMBERS)
        place = read_id_cursor(after, Kind.CUSTOMER)
        service, now = info.context.services.segments, info.context.now
        found = await service.members(self.stored, place, first + 1, now)
        shown = page(found, first, after, lambda customer: id_cursor(customer.id))
        nodes = [Customer.of(customer) for customer in shown.items]
        entrances = by_id(partial(service.entered_at, self.stored))
        edges = [
            MemberEdge(cursor=cursor, node=node, entrances=entrances)
            for cursor, node in zip(shown.cursors, nodes, strict=True)
        ]
        return MemberConnection(edges=edges, nodes=nodes, page_info=shown.info, segment=self.stored)

    @strawberry.field(
        description="What keeps the segment from being deleted, and what made it active."
    )
    async def used_by(self, info: Info) -> list[SegmentUse]:
        uses = await info.context.services.segments.uses(self.stored)
        return [SegmentUse(kind=u.kind, id=strawberry.ID(u.id), name=u.name) for u in uses]

    @strawberry.field(
        description="The number of members over time. Each point is what was counted at that"
        " moment, hourly or as the project has it, for 30 days, and after that the last of each"
        " day for three years; there is none of a time when no worker ran. By default the last 30"
        " days before `to`; both ends are included. Of more than 1,000 points an even choice.",
        metadata={"most": MOST_POINTS},
    )
    async def size_history(
        self,
        info: Info,
        since: Annotated[datetime | None, strawberry.argument(name="from")] = None,
        until: Annotated[datetime | None, strawberry.argument(name="to")] = None,
    ) -> list[SegmentSize]:
        service, now = info.context.services.sizes, info.context.now
        found = await service.history(self.stored, since, until, now)
        return [SegmentSize(at=size.at, member_count=Long(size.member_count)) for size in found]

    @classmethod
    def of(cls, stored: Stored) -> "Segment":
        return cls(
            id=strawberry.ID(stored.id),
            name=stored.name,
            description=stored.description,
            kind=stored.kind,
            filter=None if stored.filter is None else JSON(stored.filter),
            editable=stored.editable,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            activated_at=stored.activated_at,
            stored=stored,
        )


@strawberry.type
class SegmentEdge:
    cursor: str
    node: Segment


@strawberry.type
class SegmentConnection:
    edges: list[SegmentEdge]
    nodes: list[Segment]
    page_info: PageInfo
    count: strawberry.Private[Count]

    @strawberry.field(description="Computed only when it is asked for.")
    async def total_count(self) -> Long:
        return Long(await self.count())


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
        return await asyncio.to_thread(self.membership.changes_at)


@strawberry.type
class SegmentPreview:
    selected: strawberry.Private[Selection]

    @strawberry.field
    async def member_count(self) -> Long:
        return Long(await self.selected.count())

    @strawberry.field
    async def sample(self, first: int | None = 10) -> list[Customer]:
        found = await self.selected.page(None, check_first(first, usual=10))
        return [Customer.of(customer) for customer in found]


@strawberry.type
class SegmentPayload:
    segment: Segment | None
    user_errors: list[UserError]


@strawberry.type
class SegmentDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


def _connection(shown: Page[Stored], count: Count) -> SegmentConnection:
    nodes = [Segment.of(segment) for segment in shown.items]
    edges = [
        SegmentEdge(cursor=cursor, node=node)
        for cursor, node in zip(shown.cursors, nodes, strict=True)
    ]
    return SegmentConnection(edges=edges, nodes=nodes, page_info=shown.info, count=count)


async def segments_of(
    customer: StoredCustomer, info: Info, first: int | None, after: str | None
) -> SegmentConnection:
    """A page of the segments that the customer is in."""
    first = check_first(first)
    place = read_id_cursor(after, Kind.SEGMENT)
    all_of = await info.context.services.memberships.of(customer, info.context.now)
    rest = [segment for segment in all_of if place is None or segment.id > place]

    async def count() -> int:
        return len(all_of)

    return _connection(page(rest, first, after, lambda segment: id_cursor(segment.id)), count)


@strawberry.type
class SegmentQuery:
    @strawberry.field
    async def segment(self, info: Info, id: strawberry.ID) -> Segment | None:
        found = await info.context.services.segments.get(id)
        return Segment.of(found) if found else None

    @strawberry.field(description="Search: a part of the name, whatever its case.")
    async def segments(
        self,
        info: Info,
        first: int | None = USUAL,
        after: str | None = None,
        search: str | None = None,
        kinds: list[SegmentKind] | None = None,
    ) -> SegmentConnection:
        first = check_first(first)
        place = read_id_cursor(after, Kind.SEGMENT)
        service = info.context.services.segments
        found = await service.page(search, kinds, place, first + 1)
        shown = page(found, first, after, lambda segment: id_cursor(segment.id))
        return _connection(shown, lambda: service.count(search, kinds))

    @strawberry.field(description="What a filter would select, before it is saved.")
    async def segment_preview(self, info: Info, filter: FilterInput) -> SegmentPreview:
        service, now = info.context.services.segments, info.context.now
        return SegmentPreview(selected=await service.preview(wire(filter), now))

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
        ref = reference(customer, "customer")
        asked = await info.context.services.memberships.ask(ref, segment_ids, overrides, now)
        return [
            SegmentMembership(
                segment=Segment.of(membership.segment),
                is_member=membership.is_member,
                evaluated_at=now.at,
                membership=membership,
            )
            for membership in asked
        ]


@strawberry.type
class SegmentMutation:
    @strawberry.mutation(description="Makes a passive segment, or a static one.")
    async def segment_create(self, info: Info, input: SegmentCreateInput) -> SegmentPayload:
        service, now = info.context.services.segments, info.context.now
        made, errors = await attempt(service.create(wire(input), now))
        return SegmentPayload(segment=Segment.of(made) if made else None, user_errors=errors)

    @strawberry.mutation(description="Changes what is given; a field left out stays.")
    async def segment_update(
        self, info: Info, id: strawberry.ID, input: SegmentUpdateInput
    ) -> SegmentPayload:
        service, now = info.context.services.segments, info.context.now
        made, errors = await attempt(service.update(id, wire(input), now))
        return SegmentPayload(segment=Segment.of(made) if made else None, user_errors=errors)

    @strawberry.mutation(description="Deletes the segment, unless something uses it.")
    async def segment_delete(self, info: Info, id: strawberry.ID) -> SegmentDeletePayload:
        deleted, errors = await attempt(info.context.services.segments.delete(id))
        return SegmentDeletePayload(
            deleted_id=strawberry.ID(deleted) if deleted else None, user_errors=errors
        )
