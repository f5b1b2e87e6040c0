"""Customers in the API: queries, mutations, and the inputs that refer to customers."""

from collections.abc import Awaitable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Maybe

from app.domain import inputs
from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import EntityKind
from app.domain.loyalty import LedgerEntry
from app.domain.segments import Segment
from app.schema.bulk import BulkPayload, execute_bulk
from app.schema.connections import CountedConnection, Page, make_page
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.http.large_inputs import LargeInput
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    After,
    First,
    decode_id_cursor,
    decode_time_cursor,
    encode_id_cursor,
    encode_time_cursor,
    validate_page_size,
)
from app.schema.scalars import JSON, Long
from app.services.definitions import Definitions
from app.services.timeline import TimelineItem
from app.worker_threads import run_in_thread_if_large

if TYPE_CHECKING:
    # The modules of these types import this one.
    from app.schema.activity import TimelineConnection
    from app.schema.loyalty import LedgerConnection
    from app.schema.segments import SegmentConnection


@strawberry.input(
    one_of=True, description="Refers to a customer by the server's id or by the caller's own key."
)
class CustomerRef:
    id: Maybe[strawberry.ID] = strawberry.field(description="The customer's id.")
    source_id: Maybe[str] = strawberry.field(description="The caller's own key of the customer.")


def read_customer_ref(ref: CustomerRef, *path: str) -> inputs.CustomerRef:
    """Parses a reference. `path` is its place in the input, for the errors. Raises InputError."""
    return inputs.parse_input(inputs.CustomerRef, input_to_json(ref), *path)


@strawberry.input(
    description="The parts of a postal address to change. A part that is left out keeps its"
    " value; null removes it."
)
class AddressInput:
    line1: str | None = strawberry.field(
        default=UNSET, description="The first line, usually street and number."
    )
    line2: str | None = strawberry.field(
        default=UNSET, description="The second line, for example an apartment."
    )
    city: str | None = strawberry.field(default=UNSET, description="The city.")
    state: str | None = strawberry.field(
        default=UNSET, description="The state, province or region."
    )
    postal_code: str | None = strawberry.field(default=UNSET, description="The postal code.")
    country: str | None = strawberry.field(
        default=UNSET, description="The country, as the caller writes it."
    )


@strawberry.input(
    description="The fields of a customer to create or change. A field that is left out keeps"
    " its value; null removes it."
)
class CustomerInput:
    source_id: str = strawberry.field(
        description="The caller's own key, which finds the customer or creates it."
    )
    name: str | None = strawberry.field(default=UNSET, description="The full name.")
    email: str | None = strawberry.field(default=UNSET, description="The email address.")
    phone: str | None = strawberry.field(default=UNSET, description="The phone number.")
    description: str | None = strawberry.field(
        default=UNSET, description="A note about the customer."
    )
    birthdate: date | None = strawberry.field(default=UNSET, description="The date of birth.")
    source: str | None = strawberry.field(
        default=UNSET, description='Where the profile came from: "api", "import", ...'
    )
    address: AddressInput | None = strawberry.field(
        default=UNSET, description="The postal address."
    )
    metadata: JSON | None = strawberry.field(
        default=UNSET,
        description="The caller's own fields, merged key by key; a key set to null is removed.",
    )


@strawberry.type(description="A postal address.")
class Address:
    line1: str | None = strawberry.field(description="The first line, usually street and number.")
    line2: str | None = strawberry.field(description="The second line, for example an apartment.")
    city: str | None = strawberry.field(description="The city.")
    state: str | None = strawberry.field(description="The state, province or region.")
    postal_code: str | None = strawberry.field(description="The postal code.")
    country: str | None = strawberry.field(description="The country, as the caller wrote it.")

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


@strawberry.type(
    description="Totals of the customer's orders. Only orders with status PAID or FULFILLED count."
)
class OrderSummary:
    total_count: int = strawberry.field(description="Orders with status PAID or FULFILLED.")
    total_amount: Long = strawberry.field(description="In minor units (cents), as are all amounts.")
    average_amount: float | None = strawberry.field(
        description="The mean amount of an order, in minor units; null without an order."
    )
    last_order_amount: Long | None = strawberry.field(
        description="The amount of the latest order, in minor units; null without an order."
    )
    first_order_at: datetime | None = strawberry.field(
        description="When the first order was made; null without an order."
    )
    last_order_at: datetime | None = strawberry.field(
        description="When the latest order was made; null without an order."
    )

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


@strawberry.type(description="The customer's points in all loyalty programs.")
class LoyaltySummary:
    points: Long = strawberry.field(description="The sum of the balances in all programs.")
    customer_id: strawberry.Private[str]

    @strawberry.field(
        graphql_type=Annotated["LedgerConnection", strawberry.lazy("app.schema.loyalty")],
        description="The entries of the customer's points ledger, newest first.",
    )
    async def ledger(
        self, info: Info, first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Page[LedgerEntry]:
        first = validate_page_size(first)
        after_key = decode_time_cursor(after)
        entries = await info.context.loaders.ledgers(after_key, first + 1).load(self.customer_id)
        return make_page(
            entries or (), first, after, lambda entry: encode_time_cursor((entry.at, entry.id))
        )


@strawberry.type(description="A customer of the shop.")
class Customer(Node):
    source_id: str = strawberry.field(description="The caller's own key; unique, immutable.")
    name: str | None = strawberry.field(description="The full name.")
    email: str | None = strawberry.field(description="The email address.")
    phone: str | None = strawberry.field(description="The phone number.")
    description: str | None = strawberry.field(description="A note about the customer.")
    birthdate: date | None = strawberry.field(description="The date of birth.")
    source: str | None = strawberry.field(
        description='Where the profile came from: "api", "import", ...'
    )
    created_at: datetime = strawberry.field(description="When the customer was created.")
    updated_at: datetime = strawberry.field(description="When the customer last changed.")
    stored_customer: strawberry.Private[StoredCustomer]
    decoded_metadata: strawberry.Private[JSON | None] = None

    @strawberry.field(description="The postal address.")
    def address(self) -> Address | None:
        address = self.stored_customer.document.get("address")
        return Address.from_document(address) if address else None

    @strawberry.field(description="Totals of the customer's orders.")
    def orders(self) -> OrderSummary:
        return OrderSummary.from_document(self.stored_customer.document.get("orders") or {})

    @strawberry.field(description="The customer's loyalty points.")
    def loyalty(self) -> LoyaltySummary:
        points = (self.stored_customer.document.get("loyalty") or {}).get("points", 0)
        return LoyaltySummary(points=points, customer_id=self.stored_customer.id)

    @strawberry.field(graphql_type=JSON, description="The caller's own fields, as a JSON object.")
    def metadata(self, info: Info) -> JSON | Awaitable[JSON]:
        # A list has loaded the definitions: a coroutine for each of its rows would take longer than
        # all of their other fields.
        if definitions := info.context.definitions:
            return self._decode_metadata(definitions)
        return self._load_metadata(info)

    async def _load_metadata(self, info: Info) -> JSON:
        return self._decode_metadata(await info.context.load_definitions())

    def _decode_metadata(self, definitions: Definitions) -> JSON:
        # Several aliases share it: it may be large.
        if self.decoded_metadata is None:
            stored_metadata = self.stored_customer.document.get("metadata") or {}
            self.decoded_metadata = JSON(definitions.metadata_schema.decode(stored_metadata))
        return self.decoded_metadata

    @strawberry.field(
        graphql_type=Annotated["SegmentConnection", strawberry.lazy("app.schema.segments")],
        description="The segments the customer is in at this moment, of every kind.",
    )
    async def segments(
        self, info: Info, first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Page[Segment]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.SEGMENT)
        segments = await info.context.loaders.segments_of_customers.load(self.stored_customer)
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
        self, info: Info, first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Page[TimelineItem]:
        first = validate_page_size(first)
        after_key = decode_time_cursor(after)
        items = await info.context.loaders.timelines(after_key, first + 1).load(self.id)
        return make_page(
            items or (), first, after, lambda item: encode_time_cursor((item.at, item.id))
        )

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


@strawberry.type(description="A page of customers.")
class CustomerConnection(CountedConnection[Customer]):
    pass


@strawberry.type(description="The result of creating or changing a customer.")
class CustomerPayload:
    customer: Customer | None = strawberry.field(
        description="The customer after the change; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type(description="The result of deleting a customer.")
class CustomerDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The id of the deleted customer; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was deleted; empty on success."
    )


@strawberry.type
class CustomerMutation:
    @strawberry.mutation(
        extensions=[LargeInput()], description="Creates the customer, or changes the fields given."
    )
    async def customer_upsert(
        self,
        info: Info,
        input: Annotated[CustomerInput, strawberry.argument(description="The fields to set.")],
    ) -> CustomerPayload:
        service, now = info.context.services.customers, info.context.now
        input_object = await run_in_thread_if_large(input_to_json, input)
        stored_customer, errors = await attempt(service.upsert(input_object, now.at))
        return CustomerPayload(
            customer=Customer.from_domain(stored_customer) if stored_customer else None,
            user_errors=errors,
        )

    @strawberry.mutation(
        extensions=[LargeInput()],
        description="At most 1,000 rows a call, as with every bulk mutation (TOO_MANY).",
    )
    async def customers_upsert(
        self,
        info: Info,
        inputs: Annotated[
            list[CustomerInput],
            strawberry.argument(description="The customers to create or change."),
        ],
    ) -> BulkPayload:
        service, now = info.context.services.customers, info.context.now
        return await execute_bulk(service.upsert_many, inputs, now.at)

    @strawberry.mutation(
        description="Deletes the customer with its events, orders and points. The customer"
        " leaves its active segments with cause DELETED."
    )
    async def customer_delete(
        self,
        info: Info,
        customer: Annotated[
            CustomerRef, strawberry.argument(description="The customer to delete.")
        ],
    ) -> CustomerDeletePayload:
        deleted_id, errors = await attempt(_delete_customer(info, customer))
        return CustomerDeletePayload(
            deleted_id=strawberry.ID(deleted_id) if deleted_id else None, user_errors=errors
        )


async def _delete_customer(info: Info, customer: CustomerRef) -> str:
    return await info.context.services.customers.delete(read_customer_ref(customer, "customer"))
