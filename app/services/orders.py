"""Orders come in, and are told again as they change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.domain.customers import Draft
from app.domain.events import happened
from app.domain.ids import Kind
from app.domain.inputs import CustomerRef, OrderInput
from app.domain.json import is_small, same
from app.domain.orders import DEFAULT_STATUS, Order
from app.errors import Code, Problem, Refused, refuse
from app.services.drafts import Drafts
from app.services.order_totals import OrderTotals
from app.services.rows import BulkResult, Rows, Wire
from app.store import Store, Transaction
from app.store.ids import new_id


class Orders:
    """The verbs of orders."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, id_: str) -> Order | None:
        return await self._store.orders.get(id_)

    async def upsert(self, wires: Sequence[Wire], now: datetime) -> BulkResult:
        """Takes each row that can be taken: a new order, or the next revision of a known one."""
        return await self.take(Rows.read(OrderInput, wires), now)

    async def take(self, rows: Rows[OrderInput], now: datetime) -> BulkResult:
        """The same of rows that are read already."""

        async def work(transaction: Transaction) -> dict[int, Sequence[Problem]]:
            return await _Revisions(self._store, transaction, now).write(rows.good)

        if not rows.good:
            return rows.result({})
        keys = {row.customer.text for row in rows.good.values()}
        return rows.result(await self._store.transaction(work, keys=keys))


class _Revisions:
    """The orders of one call: each ends as one revision at most, whatever the rows between."""

    def __init__(self, store: Store, transaction: Transaction, now: datetime) -> None:
        self._store = store
        self._transaction = transaction
        self._now = now

    async def write(self, rows: Mapping[int, OrderInput]) -> dict[int, Sequence[Problem]]:
        """Takes the rows, and tells which were refused."""
        keys = [row.source_id for row in rows.values()]
        self._before = await self._store.orders.current(keys, self._transaction)
        self._after = dict(self._before)
        refs = [row.customer for row in rows.values()]
        refs += [CustomerRef.by_id(order.customer_id) for order in self._before.values()]
        self._drafts = await Drafts.load(self._store, refs, self._transaction)
        self._totals = OrderTotals(self._drafts)
        refused: dict[int, Sequence[Problem]] = {}
        for index, row in rows.items():
            try:
                self._take(row)
            except Refused as error:
                refused[index] = error.problems
        await self._save()
        return refused

    def _take(self, row: OrderInput) -> None:
        draft = self._drafts.of(row.customer)
        previous = self._after.get(row.source_id)
        order = self._next(row, previous, draft)
        if previous is not None and _same(previous, order):
            return
        owner = draft if previous is None else self._drafts.by_id(previous.customer_id)
        self._totals.replace(previous, order)
        for changed in (owner, draft):
            self._drafts.keep(changed, activity=True)
        # The order of these is that in which they were told.
        self._after.pop(row.source_id, None)
        self._after[row.source_id] = order

    def _next(self, row: OrderInput, previous: Order | None, draft: Draft) -> Order:
        """The order as the row tells it: a field that is left out keeps its stored value. Refused
        where the order is new and has no amount."""
        if previous is None:
            return Order(
                id=new_id(Kind.ORDER),
                source_id=row.source_id,
                customer_id=draft.id,
                status=row.status or DEFAULT_STATUS,
                amount=_required_amount(row),
                at=happened(row.at, self._now),
                metadata=_merged({}, row),
            )
        return replace(
            previous,
            customer_id=draft.id,
            status=row.status or previous.status,
            amount=previous.amount if row.amount is None else row.amount,
            at=previous.at if row.at is None else happened(row.at, self._now),
            metadata=_merged(previous.metadata, row),
        )

    async def _save(self) -> None:
        changed = [key for key, order in self._after.items() if order is not self._before.get(key)]
        ended = [self._versioned(self._before[key]) for key in changed if key in self._before]
        brought = [self._versioned(self._after[key]) for key in changed]
        await self._store.orders.revise(ended, brought, self._transaction)
        await self._totals.save(self._store, self._transaction)
        await self._drafts.save(self._store, self._now, self._transaction)

    def _versioned(self, order: Order) -> tuple[Order, int]:
        """With the version of its customer that this call brings."""
        return order, self._drafts.by_id(order.customer_id).version


def _required_amount(row: OrderInput) -> int:
    if row.amount is None:
        message = (
            f"No order has the sourceId {row.source_id!r} yet, and a new order needs an amount;"
            " add it, in minor units (cents)."
        )
        raise refuse(Code.INVALID, message, "amount")
    return row.amount


def _merged(before: Mapping[str, Any], row: OrderInput) -> dict[str, Any]:
    """The metadata as the row tells it, by the rules of a customer's."""
    if row.metadata is None:
        return {} if "metadata" in row.model_fields_set else dict(before)
    both = {**before, **row.metadata}
    merged = {key: value for key, value in both.items() if value is not None}
    if not is_small(merged):
        message = "The order's metadata would exceed 1 MiB; send less."
        raise refuse(Code.METADATA_INVALID, message, "metadata")
    return merged


def _same(one: Order, other: Order) -> bool:
    return replace(one, metadata={}) == replace(other, metadata={}) and same(
        one.metadata, other.metadata
    )
