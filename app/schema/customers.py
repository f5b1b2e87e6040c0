"""Customers in the API."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Maybe

from app.domain import inputs
from app.domain.customers import Customer as Stored
from app.domain.ids import Kind
from app.schema.context import Info
from app.schema.errors import UserError, attempt, user_errors
from app.schema.filters import FilterInput
from app.schema.node import Node
from app.schema.paging import USUAL, PageInfo, check_first, id_cursor, page, read_id_cursor
from app.schema.scalars import JSON, Long
from app.schema.wire import wire
from app.services.population import Selection

if TYPE_CHECKING:
    from app.schema.activity import TimelineConnection
    from app.schema.loyalty import LedgerConnection
    from app.schema.segments import SegmentConnection


@strawberry.input(one_of=True, description="A customer by our id or by the caller's own key.")
class CustomerRef:
    id: Maybe[strawberry.ID]
    source_id: Maybe[str]


def reference(ref: CustomerRef, *path: str) -> inputs.CustomerRef:
    return inputs.read(inputs.CustomerRef, wire(ref), *path)


@strawberry.input
class AddressInput:
    line1: str | None = UNSET
    line2: str | None = UNSET
    city: str | None = UNSET
    state: str | None = UNSET
    postal_code: str | None = UNSET
    country: str | None = UNSET


@strawberry.input(description="A field that is left out stays; null removes it.")
class CustomerInput:
    source_id: str
    name: str | None = UNSET
    email: str | None = UNSET
    phone: str | None = UNSET
    description: str | None = UNSET
    birthdate: date | None = UNSET
    source: str | None = UNSET
    address: AddressInput | None = UNSET
    metadata: JSON | None = strawberry.field(
        default=UNSET, description="Merged key by key; a key set to null is removed."
    )


@strawberry.type
class Address:
    line1: str | None
    line2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Address":
        return cls(
            line1=stored.get("line1"),
            line2=stored.get("line2"),
            city=stored.get("city"),
            state=stored.get("state"),
            postal_code=stored.get("postalCode"),
            country=stored.get("country"),
        )


@strawberry.type(description="What the customer's orders come to.")
class OrderSummary:
    total_count: int = strawberry.field(description="Orders with status PAID or FULFILLED.")
    total_amount: Long = strawberry.field(description="In minor units (cents), as are all amounts.")
    average_amount: float | None
    last_order_amount: Long | None
    first_order_at: datetime | None
    last_order_at: datetime | None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "OrderSummary":
        return cls(
            total_count=stored.get("totalCount") or 0,
            total_amount=stored.get("totalAmount") or Long(0),
            average_amount=stored.get("averageAmount"),
            last_order_amount=stored.get("lastOrderAmount"),
            first_order_at=stored.get("firstOrderAt"),
            last_order_at=stored.get("lastOrderAt"),
        )


@strawberry.type(description="The points that the customer has in all programs.")
class LoyaltySummary:
    points: Long
    customer_id: strawberry.Private[str]

    @strawberry.field(description="What the customer was given, the newest first.")
    async def ledger(
        self, info: Info, first: int | None = USUAL, after: str | None = None
    ) -> Annotated["LedgerConnection", strawberry.lazy("app.schema.loyalty")]:
        from app.schema.loyalty import ledger_of

        return await ledger_of(self.customer_id, info, first, after)


@strawberry.type
class Customer(Node):
    source_id: str = strawberry.field(description="The caller's own key; unique, immutable.")
    name: str | None
    email: str | None
    phone: str | None
    description: str | None
    birthdate: date | None
    source: str | None = strawberry.field(
        description='Where the profile came from: "api", "import", ...'
    )
    created_at: datetime
    updated_at: datetime
    stored: strawberry.Private[Stored]

    @strawberry.field
    def address(self) -> Address | None:
        address = self.stored.document.get("address")
        return Address.of(address) if address else None

    @strawberry.field
    def orders(self) -> OrderSummary:
        return OrderSummary.of(self.stored.document.get("orders") or {})

    @strawberry.field
    def loyalty(self) -> LoyaltySummary:
        points = (self.stored.document.get("loyalty") or {}).get("points", 0)
        return LoyaltySummary(points=points, customer_id=self.stored.id)

    @strawberry.field
    async def metadata(self, info: Info) -> JSON:
        metadata = (await info.context.definitions()).metadata
        return JSON(metadata.give(self.stored.document.get("metadata") or {}))

    @strawberry.field(description="The segments the customer is in at this moment, of every kind.")
    async def segments(
        self, info: Info, first: int | None = USUAL, after: str | None = None
    ) -> Annotated["SegmentConnection", strawberry.lazy("app.schema.segments")]:
        from app.schema.segments import segments_of

        return await segments_of(self.stored, info, first, after)

    @strawberry.field(
        description="What happened to the customer, newest first: custom events, orders,"
        " segment transitions, rewards."
    )
    async def timeline(
        self, info: Info, first: int | None = USUAL, after: str | None = None
    ) -> Annotated["TimelineConnection", strawberry.lazy("app.schema.activity")]:
        from app.schema.activity import timeline_of

        return await timeline_of(self.stored, info, first, after)

    @classmethod
    def of(cls, stored: Stored) -> "Customer":
        document = stored.document
        birthdate = document.get("birthdate")
        return cls(
            id=strawberry.ID(stored.id),
            source_id=document["sourceId"],
            name=document.get("name"),
            email=document.get("email"),
            phone=document.get("phone"),
            description=document.get("description"),
            birthdate=birthdate.date() if birthdate else None,
            source=document.get("source"),
            created_at=document["createdAt"],
            updated_at=document["updatedAt"],
            stored=stored,
        )


@strawberry.type
class CustomerEdge:
    cursor: str
    node: Customer


@strawberry.type
class CustomerConnection:
    edges: list[CustomerEdge]
    nodes: list[Customer]
    page_info: PageInfo
    selected: strawberry.Private[Selection]

    @strawberry.field(description="Computed only when it is asked for.")
    async def total_count(self) -> Long:
        return Long(await self.selected.count())


@strawberry.type
class CustomerPayload:
    customer: Customer | None
    user_errors: list[UserError]


@strawberry.type
class CustomerDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type(
    description="Rows are taken or refused one by one; path[1] of an error is the row's index."
)
class BulkPayload:
    accepted: int
    user_errors: list[UserError]


async def bulk(work: Any) -> BulkPayload:
    result, errors = await attempt(work)
    if result is None:
        return BulkPayload(accepted=0, user_errors=errors)
    return BulkPayload(accepted=result.accepted, user_errors=user_errors(result.problems))


@strawberry.type
class CustomerQuery:
    @strawberry.field
    async def customer(self, info: Info, ref: CustomerRef) -> Customer | None:
        found = await info.context.services.customers.get(reference(ref, "ref"))
        return Customer.of(found) if found else None

    @strawberry.field(
        description="Search: name, email, phone or sourceId that begins with the text."
        " The way to pick members of a static segment."
    )
    async def customers(
        self,
        info: Info,
        first: int | None = USUAL,
        after: str | None = None,
        search: str | None = None,
        filter: FilterInput | None = None,
    ) -> CustomerConnection:
        first = check_first(first)
        place = read_id_cursor(after, Kind.CUSTOMER)
        service, now = info.context.services.customers, info.context.now
        sent = None if filter is None else wire(filter)
        selected = await service.selection(search, sent, now, "filter")
        found = await selected.page(place, first + 1)
        shown = page(found, first, after, lambda customer: id_cursor(customer.id))
        nodes = [Customer.of(customer) for customer in shown.items]
        edges = [
            CustomerEdge(cursor=cursor, node=node)
            for cursor, node in zip(shown.cursors, nodes, strict=True)
        ]
        return CustomerConnection(edges=edges, nodes=nodes, page_info=shown.info, selected=selected)


@strawberry.type
class CustomerMutation:
    @strawberry.mutation(description="Creates the customer, or changes the fields given.")
    async def customer_upsert(self, info: Info, input: CustomerInput) -> CustomerPayload:
        service, now = info.context.services.customers, info.context.now
        made, errors = await attempt(service.upsert(wire(input), now.at))
        return CustomerPayload(customer=Customer.of(made) if made else None, user_errors=errors)

    @strawberry.mutation(
        description="At most 1,000 rows a call, as with every bulk mutation (TOO_MANY)."
    )
    async def customers_upsert(self, info: Info, inputs: list[CustomerInput]) -> BulkPayload:
        service, now = info.context.services.customers, info.context.now
        return await bulk(service.upsert_many(wire(inputs), now.at))

    @strawberry.mutation(description="Deletes the customer with all that hangs on it.")
    async def customer_delete(self, info: Info, customer: CustomerRef) -> CustomerDeletePayload:
        deleted, errors = await attempt(_deleted(info, customer))
        return CustomerDeletePayload(
            deleted_id=strawberry.ID(deleted) if deleted else None, user_errors=errors
        )


async def _deleted(info: Info, customer: CustomerRef) -> str:
    return await info.context.services.customers.delete(reference(customer, "customer"))
