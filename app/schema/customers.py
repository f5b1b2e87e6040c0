"""Customers in the API."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Maybe

from app.domain import inputs
from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import EntityKind
from app.domain.loyalty import LedgerEntry
from app.domain.segments import Segment
from app.schema.connections import CountedConnection, Page, make_page
from app.schema.context import Info
from app.schema.errors import UserError, attempt, to_user_errors
from app.schema.filters import FilterInput
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    decode_id_cursor,
    decode_time_cursor,
    encode_id_cursor,
    encode_time_cursor,
    validate_page_size,
)
from app.schema.scalars import JSON, Long
from app.services.timeline import TimelineItem

if TYPE_CHECKING:
    # The modules of these types import this one.
    from app.schema.activity import TimelineConnection
    from app.schema.loyalty import LedgerConnection
    from app.schema.segments import SegmentConnection


@strawberry.input(one_of=True, description="A customer by our id or by the caller's own key.")
class CustomerRef:
    id: Maybe[strawberry.ID]
    source_id: Maybe[str]


def read_customer_ref(ref: CustomerRef, *path: str) -> inputs.CustomerRef:
    return inputs.parse_input(inputs.CustomerRef, input_to_json(ref), *path)


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
    def from_document(cls, document: Mapping[str, Any]) -> "Address":
        return cls(
            line1=document.get("line1"),
            line2=document.get("line2"),
            city=document.get("city"),
            state=document.get("state"),
            postal_code=document.get("postalCode"),
            country=document.get("country"),
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
    def from_document(cls, document: Mapping[str, Any]) -> "OrderSummary":
        return cls(
            total_count=document.get("totalCount") or 0,
            total_amount=document.get("totalAmount") or Long(0),
            average_amount=document.get("averageAmount"),
            last_order_amount=document.get("lastOrderAmount"),
            first_order_at=document.get("firstOrderAt"),
            last_order_at=document.get("lastOrderAt"),
        )


@strawberry.type(description="The points that the customer has in all programs.")
class LoyaltySummary:
    points: Long
    customer_id: strawberry.Private[str]

    @strawberry.field(
        graphql_type=Annotated["LedgerConnection", strawberry.lazy("app.schema.loyalty")],
        description="What the customer was given, the newest first.",
    )
    async def ledger(
        self, info: Info, first: int | None = DEFAULT_PAGE_SIZE, after: str | None = None
    ) -> Page[LedgerEntry]:
        first = validate_page_size(first)
        after_key = decode_time_cursor(after)
        service = info.context.services.loyalty
        entries = await service.ledger(self.customer_id, after_key, first + 1)
        return make_page(
            entries, first, after, lambda entry: encode_time_cursor((entry.at, entry.id))
        )


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
    stored_customer: strawberry.Private[StoredCustomer]

    @strawberry.field
    def address(self) -> Address | None:
        address = self.stored_customer.document.get("address")
        return Address.from_document(address) if address else None

    @strawberry.field
    def orders(self) -> OrderSummary:
        return OrderSummary.from_document(self.stored_customer.document.get("orders") or {})

    @strawberry.field
    def loyalty(self) -> LoyaltySummary:
        points = (self.stored_customer.document.get("loyalty") or {}).get("points", 0)
        return LoyaltySummary(points=points, customer_id=self.stored_customer.id)

    @strawberry.field
    async def metadata(self, info: Info) -> JSON:
        metadata = (await info.context.load_definitions()).metadata_schema
        return JSON(metadata.decode(self.stored_customer.document.get("metadata") or {}))

    @strawberry.field(
        graphql_type=Annotated["SegmentConnection", strawberry.lazy("app.schema.segments")],
        description="The segments the customer is in at this moment, of every kind.",
    )
    async def segments(
        self, info: Info, first: int | None = DEFAULT_PAGE_SIZE, after: str | None = None
    ) -> Page[Segment]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.SEGMENT)
        service, now = info.context.services.memberships, info.context.now
        segments = await service.segments_of(self.stored_customer, now)
        rows = [segment for segment in segments if after_id is None or segment.id > after_id]

        async def count() -> int:
            return len(segments)

        return make_page(rows, first, after, lambda segment: encode_id_cursor(segment.id), count)

    @strawberry.field(
        graphql_type=Annotated["TimelineConnection", strawberry.lazy("app.schema.activity")],
        description="What happened to the customer, newest first: custom events, orders,"
        " segment transitions, rewards.",
    )
    async def timeline(
        self, info: Info, first: int | None = DEFAULT_PAGE_SIZE, after: str | None = None
    ) -> Page[TimelineItem]:
        first = validate_page_size(first)
        after_key = decode_time_cursor(after)
        service = info.context.services.timeline
        items = await service.page(self.stored_customer.id, after_key, first + 1)
        return make_page(items, first, after, lambda item: encode_time_cursor((item.at, item.id)))

    @classmethod
    def from_domain(cls, stored_customer: StoredCustomer) -> "Customer":
        document = stored_customer.document
        birthdate = document.get("birthdate")
        return cls(
            id=strawberry.ID(stored_customer.id),
            source_id=document["sourceId"],
            name=document.get("name"),
            email=document.get("email"),
            phone=document.get("phone"),
            description=document.get("description"),
            birthdate=birthdate.date() if birthdate else None,
            source=document.get("source"),
            created_at=document["createdAt"],
            updated_at=document["updatedAt"],
            stored_customer=stored_customer,
        )


to_node.register(StoredCustomer, Customer.from_domain)


@strawberry.type
class CustomerConnection(CountedConnection[Customer]):
    pass


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


async def execute_bulk(awaitable: Any) -> BulkPayload:
    result, errors = await attempt(awaitable)
    if result is None:
        return BulkPayload(accepted=0, user_errors=errors)
    return BulkPayload(accepted=result.accepted, user_errors=to_user_errors(result.problems))


@strawberry.type
class CustomerQuery:
    @strawberry.field
    async def customer(self, info: Info, ref: CustomerRef) -> Customer | None:
        stored_customer = await info.context.services.customers.get(read_customer_ref(ref, "ref"))
        return Customer.from_domain(stored_customer) if stored_customer else None

    @strawberry.field(
        graphql_type=CustomerConnection,
        description="Search: name, email, phone or sourceId that begins with the text."
        " The way to pick members of a static segment.",
    )
    async def customers(
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE_SIZE,
        after: str | None = None,
        search: str | None = None,
        filter: FilterInput | None = None,
    ) -> Page[StoredCustomer]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.CUSTOMER)
        service, now = info.context.services.customers, info.context.now
        filter_json = None if filter is None else input_to_json(filter)
        planned_query = await service.plan_query(search, filter_json, now, "filter")
        rows = await planned_query.page(after_id, first + 1)
        return make_page(
            rows, first, after, lambda row: encode_id_cursor(row.id), planned_query.count
        )


@strawberry.type
class CustomerMutation:
    @strawberry.mutation(description="Creates the customer, or changes the fields given.")
    async def customer_upsert(self, info: Info, input: CustomerInput) -> CustomerPayload:
        service, now = info.context.services.customers, info.context.now
        stored_customer, errors = await attempt(service.upsert(input_to_json(input), now.at))
        return CustomerPayload(
            customer=Customer.from_domain(stored_customer) if stored_customer else None,
            user_errors=errors,
        )

    @strawberry.mutation(
        description="At most 1,000 rows a call, as with every bulk mutation (TOO_MANY)."
    )
    async def customers_upsert(self, info: Info, inputs: list[CustomerInput]) -> BulkPayload:
        service, now = info.context.services.customers, info.context.now
        return await execute_bulk(service.upsert_many(input_to_json(inputs), now.at))

    @strawberry.mutation(description="Deletes the customer with all that hangs on it.")
    async def customer_delete(self, info: Info, customer: CustomerRef) -> CustomerDeletePayload:
        deleted_id, errors = await attempt(_delete_customer(info, customer))
        return CustomerDeletePayload(
            deleted_id=strawberry.ID(deleted_id) if deleted_id else None, user_errors=errors
        )


async def _delete_customer(info: Info, customer: CustomerRef) -> str:
    return await info.context.services.customers.delete(read_customer_ref(customer, "customer"))
