"""Incremental order summaries of the customers that one transaction changes."""

from dataclasses import replace

from app.domain.orders import Order, OrderSummary
from app.errors import UserErrorCode, input_error
from app.services.unit_of_work import CustomerUnitOfWork
from app.store import Store, Transaction

# Up to this number of orders, recounting all of them costs less than reading the first and last.
MAX_ORDERS_TO_RECOUNT = 100


class OrderTotals:
    """Order summaries by customer. They are updated by differences; stored orders are read again
    only if the first or the last order of a customer may have changed."""

    def __init__(self, unit_of_work: CustomerUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._summaries: dict[str, OrderSummary] = {}
        # Customers whose stored summary counts fewer orders than they have, because another program
        # wrote it.
        self._inconsistent_ids: set[str] = set()

    def replace(self, previous: Order | None, order: Order) -> None:
        """Replaces the previous revision of an order in the summaries; None for a new order. Raises
        INVALID, and changes nothing, if a total would exceed 64 bits."""
        changed: dict[str, OrderSummary] = {}
        inconsistent_ids = set()
        if previous is not None and previous.is_counted:
            customer_id = previous.customer_id
            if self._summary_of(customer_id).total_count < 1:
                inconsistent_ids.add(customer_id)
            changed[customer_id] = self._summary_of(customer_id).without_order(previous)
        if order.is_counted:
            previous_summary = changed.get(order.customer_id, self._summary_of(order.customer_id))
            changed[order.customer_id] = previous_summary.with_order(order)
        if not all(summary.has_storable_total for summary in changed.values()):
            message = "The customer's total would not fit into 64 bits; check the amount."
            raise input_error(UserErrorCode.INVALID, message, "amount")
        self._summaries |= changed
        self._inconsistent_ids |= inconsistent_ids

    async def save(self, store: Store, transaction: Transaction) -> None:
        """Sets the summaries in the customers of the unit of work. The caller has already stored
        the orders."""
        ids_to_recount = [id_ for id_ in self._summaries if self._needs_recount(id_)]
        if ids_to_recount:
            recounted = await store.orders.summaries(ids_to_recount, transaction)
            item_counts = {id_: self._summaries[id_].item_count for id_ in ids_to_recount}
            if self._inconsistent_ids:
                recounted_items = await store.orders.count_items(
                    [*self._inconsistent_ids], transaction
                )
                item_counts |= {id_: recounted_items.get(id_, 0) for id_ in self._inconsistent_ids}
            self._summaries |= {
                id_: replace(recounted[id_], item_count=item_counts[id_])
                if id_ in recounted
                else OrderSummary()
                for id_ in ids_to_recount
            }
        for id_, summary in self._summaries.items():
            if not summary.is_complete:
                first_and_last = await store.orders.first_and_last(id_, transaction)
                summary = (
                    summary.with_first_and_last(*first_and_last)
                    if first_and_last
                    else OrderSummary()
                )
            self._unit_of_work.get(id_).orders = summary

    def _summary_of(self, customer_id: str) -> OrderSummary:
        cached = self._summaries.get(customer_id)
        return cached or self._unit_of_work.get(customer_id).orders

    def _needs_recount(self, customer_id: str) -> bool:
        summary = self._summaries[customer_id]
        is_recount_cheap = summary.total_count <= MAX_ORDERS_TO_RECOUNT
        return customer_id in self._inconsistent_ids or (
            is_recount_cheap and not summary.is_complete
        )
