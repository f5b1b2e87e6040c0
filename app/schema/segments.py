"""Segments in the API: the type, its members and the history of sizes."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import EntityKind
from app.domain.segment_changes import RecordedChange
from app.domain.segment_sizes import MAX_POINTS, MIN_POINTS
from app.domain.segment_sizes import SegmentSize as StoredSize
from app.domain.segments import Segment as StoredSegment
from app.domain.segments import SegmentKind
from app.domain.transitions import Transition
from app.domain.uses import Use, UseKind
from app.schema.connections import CountedConnection, Edge, Page, PageEdge, make_page
from app.schema.context import Info
from app.schema.customers import Customer
from app.schema.customers_reading import reading_customers
from app.schema.enums import register_enum
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    MAX_MEMBER_PAGE_SIZE,
    After,
    First,
    MemberFirst,
    decode_change_cursor,
    decode_id_cursor,
    decode_log_cursor,
    encode_change_cursor,
    encode_id_cursor,
    encode_log_cursor,
    validate_page_size,
    validate_range,
)
from app.schema.scalars import JSON, Long
from app.schema.transition_enums import TransitionType

if TYPE_CHECKING:
    from app.schema.segment_changes import SegmentChangeConnection
    from app.schema.transitions import SegmentTransitionConnection

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

    @classmethod
    def from_domain(cls, size: StoredSize) -> "SegmentSize":
        return cls(at=size.at, member_count=Long(size.member_count))


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
        async with reading_customers(info, waits=False) as reading:
            loader = loaders.member_pages(after_id, first + 1, reading.with_metadata)
            customers = await loader.load(segment)
            reading.count(customers)
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
        description="The last noted size and its time; null before the first. Costs nothing, where"
        " memberCount counts."
    )
    async def last_size(self, info: Info) -> SegmentSize | None:
        size = await info.context.loaders.last_sizes.load(self.id)
        return None if size is None else SegmentSize.from_domain(size)

    @strawberry.field(
        metadata={"size_argument": "points"},
        description="The number of members over time. Of more than `points` (2 to 1,000) an even"
        " choice, by which the answer's size is measured. The server counts members hourly, or at"
        " the interval of the project's settings. It keeps every count for 30 days,"
        " and then the last count of each day for three years. It counts nothing"
        " while no worker runs.",
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
        points: Annotated[
            int | None,
            strawberry.argument(description="The maximum number of counts, from 2 to 1,000."),
        ] = MAX_POINTS,
    ) -> list[SegmentSize]:
        max_points = MAX_POINTS if points is None else points
        validate_range("points", max_points, MIN_POINTS, MAX_POINTS)
        histories = info.context.loaders.size_histories(since, until, max_points)
        return [SegmentSize.from_domain(size) for size in await histories.load(self.id) or ()]

    @strawberry.field(
        graphql_type=Annotated[
            "SegmentTransitionConnection", strawberry.lazy("app.schema.transitions")
        ],
        description="This segment's transitions, newest first.",
    )
    async def transitions(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        type: Annotated[
            TransitionType | None,
            strawberry.argument(description="Only transitions of this type. Default: both."),
        ] = None,
    ) -> Page[Transition]:
        first = validate_page_size(first)
        loader = info.context.loaders.segment_transitions(type, decode_log_cursor(after), first + 1)
        return make_page(
            await loader.load(self.id) or (),
            first,
            after,
            lambda transition: encode_log_cursor(transition.sequence),
        )

    @strawberry.field(
        graphql_type=Annotated[
            "SegmentChangeConnection", strawberry.lazy("app.schema.segment_changes")
        ],
        description="What was done to the segment, newest first.",
    )
    async def changes(
        self, info: Info, first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Page[RecordedChange]:
        first = validate_page_size(first)
        loader = info.context.loaders.segment_changes(decode_change_cursor(after), first + 1)
        return make_page(
            await loader.load(self.id) or (),
            first,
            after,
            lambda recorded_change: encode_change_cursor(recorded_change.position),
        )

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
