"""Customers: create and update them, find them, delete them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.domain.customers import Customer, TrackedCustomer, to_stored_fields
from app.domain.inputs import CustomerInput, CustomerRef, InputObject, parse_input
from app.domain.metadata import MetadataSchema
from app.domain.search import Search, email_key
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.filters import Now
from app.filters.filter_json import FilterJson
from app.services.bulk_rows import BulkResult, BulkRows, RowChange
from app.services.definitions_reader import DefinitionsReader
from app.services.query_planner import PlannedQuery, QueryPlanner
from app.services.unit_of_work import CustomerUnitOfWork
from app.store import Store, Transaction
from app.store.members import MEMBERS_REVISION
from app.time_slice import TimeSlice
from app.worker_threads import run_in_thread_if_large

MAX_REFS = 1_000
MAX_CUSTOMERS_PER_EMAIL = 20
_ENOUGH_TO_BE_AMBIGUOUS = 2


class Customers:
    """The operations on customers."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, query_planner: QueryPlanner
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._query_planner = query_planner

    async def get(self, ref: CustomerRef) -> Customer | None:
        return await self._store.customers.get(ref)

    async def get_many(self, ids: Iterable[str], *, with_metadata: bool) -> dict[str, Customer]:
        """Returns by id those customers that exist. Raises PageTooLarge."""
        refs = [CustomerRef.by_id(id_) for id_ in ids]
        customers = await self._store.customers.read(refs, with_metadata=with_metadata)
        return {customer.id: customer for customer in customers}

    async def get_by_refs(
        self, refs: Sequence[CustomerRef], *, with_metadata: bool
    ) -> list[Customer | None]:
        """Returns the customer of each reference, None for an unknown one. Raises TOO_MANY for more
        than 1,000 references, and PageTooLarge."""
        _check_count(refs, "references", "refs")
        customers = await self._store.customers.read(refs, with_metadata=with_metadata)
        by_id = {customer.id: customer for customer in customers}
        by_source_id = {customer.source_id: customer for customer in customers}
        return [
            by_id.get(ref.id or "") if ref.source_id is None else by_source_id.get(ref.source_id)
            for ref in refs
        ]

    async def get_by_emails(
        self, emails: Sequence[str], *, with_metadata: bool
    ) -> list[list[Customer]]:
        """Returns the customers who have each email, ignoring case: at most 20, in the order of
        their ids. Raises TOO_MANY for more than 1,000 emails, and PageTooLarge."""
        _check_count(emails, "emails", "emails")
        ids_by_key = await self._store.customers.ids_by_email(emails, MAX_CUSTOMERS_PER_EMAIL)
        refs = [CustomerRef.by_id(id_) for ids in ids_by_key.values() for id_ in ids]
        customers = await self._store.customers.read(refs, with_metadata=with_metadata)
        by_id = {customer.id: customer for customer in customers}
        return [
            [by_id[id_] for id_ in ids_by_key.get(email_key(email), ()) if id_ in by_id]
            for email in emails
        ]

    async def find_ids_by_email(self, emails: Iterable[str]) -> dict[str, list[str]]:
        """Returns by email, without case, the ids of the customers who have it, at most two."""
        return await self._store.customers.ids_by_email(emails, _ENOUGH_TO_BE_AMBIGUOUS)

    async def upsert(self, input_object: InputObject, now: datetime) -> Customer:
        """Creates the customer, or updates the sent fields. Raises InputError with all problems of
        the row."""
        row = await run_in_thread_if_large(parse_input, CustomerInput, input_object, "input")
        problems_by_index, _ = await self._upsert({0: row}, now)
        if problems_by_index:
            raise InputError(problem.with_path_prefix("input") for problem in problems_by_index[0])
        customer = await self._store.customers.get(CustomerRef.by_source_id(row.source_id))
        if customer is None:
            raise input_error(
                UserErrorCode.NOT_FOUND, "The customer was deleted meanwhile.", "input"
            )
        return customer

    async def upsert_many(self, input_objects: Sequence[InputObject], now: datetime) -> BulkResult:
        """Upserts each row in order, in one transaction. Several rows of one customer make one new
        version."""
        rows = await run_in_thread_if_large(BulkRows.parse, CustomerInput, input_objects)
        return await self.write_rows(rows, now)

    async def write_rows(self, rows: BulkRows[CustomerInput], now: datetime) -> BulkResult:
        """Upserts parsed rows, as `upsert_many` does."""
        return rows.to_result(*await self._upsert(rows.parsed, now))

    async def _upsert(
        self, rows: dict[int, CustomerInput], now: datetime
    ) -> tuple[dict[int, list[Problem]], dict[int, RowChange]]:
        """Returns by index the problems of rejected rows, and what accepted rows did."""

        async def work(
            transaction: Transaction,
        ) -> tuple[dict[int, list[Problem]], dict[int, RowChange]]:
            metadata_schema = (await self._definitions.in_snapshot(transaction)).metadata_schema
            refs = {index: CustomerRef.by_source_id(row.source_id) for index, row in rows.items()}
            unit_of_work = await CustomerUnitOfWork.load(self._store, refs.values(), transaction)
            problems_by_index = {}
            changes = {}
            time_slice = TimeSlice()
            for index, row in rows.items():
                await time_slice.yield_when_spent()
                customer = unit_of_work.get_or_create(refs[index])
                if problems := _apply_row(row, customer, metadata_schema):
                    problems_by_index[index] = problems
                else:
                    unit_of_work.register_dirty(customer)
                    changes[index] = _change_of(customer)
            await unit_of_work.save(self._store, now, transaction)
            return problems_by_index, changes

        if not rows:
            return {}, {}
        keys = {row.source_id for row in rows.values()}
        return await self._store.transaction(work, keys=keys)

    async def delete(self, ref: CustomerRef) -> str:
        """Deletes the customer and returns the id. Raises NOT_FOUND if there is none.

        The transaction writes a tombstone, so that readers skip the customer's rows at once. The
        sweeper removes the rows later.
        """

        async def work(transaction: Transaction) -> str:
            customers = await self._store.customers.find([ref], transaction)
            if not customers:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such customer.", "customer")
            (customer,) = customers
            # Conflicts with the creation of a static segment, whose snapshot would still contain
            # this customer.
            await self._store.increment_revision(MEMBERS_REVISION, transaction)
            await self._store.customer_tombstones.add(customer.id, transaction)
            await self._store.customers.delete(customer.id, transaction)
            return customer.id

        return await self._store.transaction(work)

    async def plan_query(
        self, search: str | None, filter_json: FilterJson | None, now: Now, *path: str
    ) -> PlannedQuery:
        """Plans a query for the customers that match both the search text and the filter. None
        stands for no condition. Raises InputError if the filter is invalid."""
        tree = (
            None
            if filter_json is None
            else await self._definitions.parse_filter(filter_json, *path)
        )
        return self._query_planner.plan(tree, now, Search.parse(search))


def _change_of(customer: TrackedCustomer) -> RowChange:
    if customer.before is None:
        return RowChange.NEW
    return RowChange.CHANGED if customer.is_changed else RowChange.UNCHANGED


def _apply_row(
    row: CustomerInput, customer: TrackedCustomer, metadata_schema: MetadataSchema
) -> list[Problem]:
    """Merges a row into the customer and returns its problems. If there are any, the customer stays
    as it was."""
    fields = to_stored_fields(row)
    problems: list[Problem] = []
    if row.metadata is not None:
        fields["metadata"], problems = metadata_schema.encode(row.metadata, "metadata")
    before = dict(customer.document)
    customer.merge(fields)
    previous_metadata = None if customer.before is None else before.get("metadata") or {}
    problems += metadata_schema.find_missing_required(
        customer.document.get("metadata") or {}, previous_metadata, row.metadata or (), "metadata"
    )
    if size_problem := customer.check_size():
        problems.append(size_problem)
    if problems:
        customer.document = before
    return problems


def _check_count(items: Sequence[object], noun: str, argument: str) -> None:
    if len(items) > MAX_REFS:
        message = f"One call takes at most {MAX_REFS:,} {noun}; send several calls."
        raise input_error(UserErrorCode.TOO_MANY, message, argument)
