"""Orders: ingestion of new orders and of new revisions, and lookup."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.domain.customers import TrackedCustomer
from app.domain.events import require_not_ahead, resolve_occurred_at
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef, InputObject, OrderInput
from app.domain.json_values import is_same_value, is_within_size_limit
from app.domain.orders import DEFAULT_ORDER_STATUS, Order, OrderItem
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.services.bulk_rows import BulkResult, BulkRows, RowChange
from app.services.order_totals import OrderTotals
from app.services.unit_of_work import CustomerUnitOfWork
from app.store import Store, Transaction
from app.store.ids import new_id
from app.time_slice import TimeSlice
from app.worker_threads import run_in_thread_if_large


class Orders:
    """The operations on orders."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, id_: str) -> Order | None:
        return await self._store.orders.get(id_)

    async def upsert(self, input_objects: Sequence[InputObject], now: datetime) -> BulkResult:
        """Stores the valid rows in one transaction: each is a new order, or the next revision of
        the order with the same sourceId."""
        rows = await run_in_thread_if_large(BulkRows.parse, OrderInput, input_objects)
        return await self.write_rows(rows, now)

    async def write_rows(
        self, rows: BulkRows[OrderInput], now: datetime, *, needs_time: bool = False
    ) -> BulkResult:
        """Stores parsed rows, as `upsert` does. With `needs_time` a new order without `at` is
        rejected; otherwise it is of now."""

        async def work(
            transaction: Transaction,
        ) -> tuple[dict[int, Sequence[Problem]], dict[int, RowChange]]:
            batch = _OrderBatch(self._store, transaction, now, needs_time=needs_time)
            return await batch.write(rows.parsed), batch.changes

        if not rows.parsed:
            return rows.to_result({})
        keys = {row.customer.value for row in rows.parsed.values()}
        return rows.to_result(*await self._store.transaction(work, keys=keys))


class _OrderBatch:
    """The orders of one call. Several rows of one order make at most one new revision."""

    def __init__(
        self, store: Store, transaction: Transaction, now: datetime, *, needs_time: bool
    ) -> None:
        self._store = store
        self._transaction = transaction
        self._now = now
        self._needs_time = needs_time
        self.changes: dict[int, RowChange] = {}
        """What accepted rows did, by index."""

    async def write(self, rows: Mapping[int, OrderInput]) -> dict[int, Sequence[Problem]]:
        """Applies and saves the rows. Returns the problems of the rejected rows by index."""
        keys = [row.source_id for row in rows.values()]
        self._before = await self._store.orders.current(keys, self._transaction)
        self._after = dict(self._before)
        refs = [row.customer for row in rows.values()]
        refs += [CustomerRef.by_id(order.customer_id) for order in self._before.values()]
        self._unit_of_work = await CustomerUnitOfWork.load(self._store, refs, self._transaction)
        self._totals = OrderTotals(self._unit_of_work)
        problems_by_index: dict[int, Sequence[Problem]] = {}
        time_slice = TimeSlice()
        for index, row in rows.items():
            await time_slice.yield_when_spent()
            try:
                self.changes[index] = self._apply_row(row)
            except InputError as error:
                problems_by_index[index] = error.problems
        await self._save()
        return problems_by_index

    def _apply_row(self, row: OrderInput) -> RowChange:
        """Makes the row the next revision of its order, unless the stored one is newer."""
        previous = self._after.get(row.source_id)
        if previous is not None and previous.is_newer_than(row.revised_at):
            return RowChange.UNCHANGED
        customer = self._unit_of_work.get_or_create(row.customer)
        order = self._next_revision(row, previous, customer)
        if previous is not None and _is_same_order(previous, order):
            return RowChange.UNCHANGED
        previous_customer = (
            customer if previous is None else self._unit_of_work.get(previous.customer_id)
        )
        self._totals.replace(previous, order)
        for touched in (previous_customer, customer):
            self._unit_of_work.register_dirty(touched, force_version=True)
        # Reinserted at the end: revisions are saved in the order of their last rows.
        self._after.pop(row.source_id, None)
        self._after[row.source_id] = order
        return RowChange.NEW if previous is None else RowChange.CHANGED

    def _next_revision(
        self, row: OrderInput, previous: Order | None, customer: TrackedCustomer
    ) -> Order:
        """Returns the order after the row. A field that is left out keeps its stored value. Raises
        INVALID if the order is new and the row has no amount."""
        if row.revised_at is not None:
            # An instant far ahead would shut out every later version.
            require_not_ahead(row.revised_at, self._now, "revisedAt")
        if previous is None:
            if self._needs_time and row.at is None:
                raise _missing_time()
            return Order(
                id=new_id(EntityKind.ORDER),
                source_id=row.source_id,
                customer_id=customer.id,
                status=row.status or DEFAULT_ORDER_STATUS,
                amount=_required_amount(row),
                at=resolve_occurred_at(row.at, self._now),
                metadata=_merge_metadata({}, row),
                revised_at=row.revised_at,
                items=_items_after((), row),
            )
        return replace(
            previous,
            customer_id=customer.id,
            status=row.status or previous.status,
            amount=previous.amount if row.amount is None else row.amount,
            at=previous.at if row.at is None else resolve_occurred_at(row.at, self._now),
            metadata=_merge_metadata(previous.metadata, row),
            revised_at=row.revised_at or previous.revised_at,
            items=_items_after(previous.items, row),
        )

    async def _save(self) -> None:
        changed = [key for key, order in self._after.items() if order is not self._before.get(key)]
        superseded = [
            self._with_customer_version(self._before[key]) for key in changed if key in self._before
        ]
        new_revisions = [self._with_customer_version(self._after[key]) for key in changed]
        await self._store.orders.revise(superseded, new_revisions, self._transaction)
        await self._totals.save(self._store, self._transaction)
        await self._unit_of_work.save(self._store, self._now, self._transaction)

    def _with_customer_version(self, order: Order) -> tuple[Order, int]:
        """Returns the order, and the version of its customer after this call."""
        return order, self._unit_of_work.get(order.customer_id).next_version


def _missing_time() -> InputError:
    message = (
        "The order is new and has no time; add at, or say --dates now to take the time of the"
        " import."
    )
    return input_error(UserErrorCode.INVALID, message, "at")


def _required_amount(row: OrderInput) -> int:
    if row.amount is None:
        message = (
            f"No order has the sourceId {row.source_id!r} yet, and a new order needs an amount;"
            " add it, in minor units (cents)."
        )
        raise input_error(UserErrorCode.INVALID, message, "amount")
    return row.amount


def _merge_metadata(previous: Mapping[str, Any], row: OrderInput) -> dict[str, Any]:
    """Returns the order's metadata after the row, merged key by key like a customer's metadata.
    None removes a key. Raises METADATA_INVALID above 1 MiB."""
    if row.metadata is None:
        return {} if "metadata" in row.model_fields_set else dict(previous)
    updated = {**previous, **row.metadata}
    merged = {key: value for key, value in updated.items() if value is not None}
    if not is_within_size_limit(merged):
        message = "The order's metadata would exceed 1 MiB; send less."
        raise input_error(UserErrorCode.METADATA_INVALID, message, "metadata")
    return merged


def _items_after(previous: tuple[OrderItem, ...], row: OrderInput) -> tuple[OrderItem, ...]:
    """Returns the order's items after the row: those of the row, if it has the field. Null removes
    all. Raises INVALID above 1 MiB."""
    if "items" not in row.model_fields_set:
        return previous
    items = tuple(
        OrderItem(
            sku=item.sku,
            amount=item.amount,
            quantity=1 if item.quantity is None else item.quantity,
            name=item.name,
            category=item.category,
            metadata={
                key: value for key, value in (item.metadata or {}).items() if value is not None
            },
        )
        for item in row.items or ()
    )
    if not is_within_size_limit([item.to_document() for item in items]):
        message = "The order's items would exceed 1 MiB; send less."
        raise input_error(UserErrorCode.INVALID, message, "items")
    return items


def _is_same_order(left: Order, right: Order) -> bool:
    return replace(left, metadata={}, items=()) == replace(
        right, metadata={}, items=()
    ) and is_same_value(_json_values(left), _json_values(right))


def _json_values(order: Order) -> list[Any]:
    """Returns the parts of an order that may have any JSON values."""
    return [dict(order.metadata), *(item.to_document() for item in order.items)]
