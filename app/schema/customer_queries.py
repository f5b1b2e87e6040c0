"""The queries for customers: one of them, several by their references, and searches."""

from itertools import chain
from typing import Annotated

import strawberry

from app.domain.customers import Customer as StoredCustomer
from app.domain.ids import EntityKind
from app.schema.connections import Page, make_page
from app.schema.context import Info
from app.schema.customers import Customer, CustomerConnection, CustomerRef, read_customer_ref
from app.schema.customers_reading import reading_customers
from app.schema.filters import FilterInput
from app.schema.http.large_inputs import LargeInput
from app.schema.input_json import input_to_json
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    After,
    First,
    decode_id_cursor,
    encode_id_cursor,
    validate_page_size,
)
from app.services.customers import MAX_CUSTOMERS_PER_EMAIL, MAX_REFS
from app.worker_threads import run_in_thread_if_large


@strawberry.type(description="The customers who have an email.")
class CustomersWithEmail:
    email: str = strawberry.field(description="The email as it was given.")
    customers: list[Customer] = strawberry.field(
        metadata={"max_items": MAX_CUSTOMERS_PER_EMAIL},
        description="The customers, in the order of their ids. Of more than 20, only some 20.",
    )


@strawberry.type
class CustomerQuery:
    @strawberry.field(description="The customer with this reference; null if there is none.")
    async def customer(
        self,
        info: Info,
        ref: Annotated[
            CustomerRef, strawberry.argument(description="The customer's id or sourceId.")
        ],
    ) -> Customer | None:
        stored_customer = await info.context.services.customers.get(read_customer_ref(ref, "ref"))
        return Customer.from_domain(stored_customer) if stored_customer else None

    @strawberry.field(
        extensions=[LargeInput()],
        metadata={"size_argument": "refs"},
        description="The customers in the order of the references, null for an unknown one. At most"
        " 1,000.",
    )
    async def customers_by_ref(
        self,
        info: Info,
        refs: Annotated[
            list[CustomerRef],
            strawberry.argument(description="The id or the sourceId of each customer."),
        ],
    ) -> list[Customer | None]:
        customer_refs = [
            read_customer_ref(ref, "refs", str(index))
            for index, ref in enumerate(refs[: MAX_REFS + 1])
        ]
        async with reading_customers(info) as reading:
            customers = await info.context.services.customers.get_by_refs(
                customer_refs, with_metadata=reading.with_metadata
            )
            reading.count(filter(None, customers))
        return [
            None if customer is None else Customer.from_domain(customer) for customer in customers
        ]

    @strawberry.field(
        metadata={"size_argument": "emails"},
        description="The customers who have each of the emails, in the order of the emails. Case"
        " and surrounding blanks don't count. At most 1,000.",
    )
    async def customers_by_email(
        self,
        info: Info,
        emails: Annotated[list[str], strawberry.argument(description="The emails.")],
    ) -> list[CustomersWithEmail]:
        async with reading_customers(info) as reading:
            found = await info.context.services.customers.get_by_emails(
                emails, with_metadata=reading.with_metadata
            )
            reading.count(chain.from_iterable(found))
        return [
            CustomersWithEmail(
                email=email, customers=[Customer.from_domain(customer) for customer in customers]
            )
            for email, customers in zip(emails, found, strict=True)
        ]

    @strawberry.field(
        extensions=[LargeInput()],
        graphql_type=CustomerConnection,
        description="Search by the beginnings of words: each word of the text begins a word of name"
        " or email, or the phone number or sourceId. Case and accents don't count. The way to pick"
        " members of a static segment. A page is in the order of the customers' ids. A phone number"
        " and a sourceId must be given as a whole.",
    )
    async def customers(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Beginnings of words of name and email, or a phone number or sourceId."
            ),
        ] = None,
        filter: Annotated[
            FilterInput | None,
            strawberry.argument(description="Only customers who match this filter."),
        ] = None,
    ) -> Page[StoredCustomer]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.CUSTOMER)
        service, now = info.context.services.customers, info.context.now
        filter_json = (
            None if filter is None else await run_in_thread_if_large(input_to_json, filter)
        )
        planned_query = await service.plan_query(search, filter_json, now, "filter")
        async with reading_customers(info) as reading:
            rows = await planned_query.page(
                after_id, first + 1, with_metadata=reading.with_metadata
            )
            reading.count(rows)
        return make_page(
            rows, first, after, lambda row: encode_id_cursor(row.id), planned_query.count
        )
