"""The order totals of the customers that one transaction works on, kept by difference."""

from app.domain.orders import Order, Summary
from app.errors import Code, refuse
from app.services.drafts import Drafts
from app.store import Store, Transaction

# A customer with at most so many orders is recounted instead of asked for the first and the last.
MAX_RECOUNTED = 100


class OrderTotals:
    """Summaries by customer. Only where the first or the last order may be another one now, the
    stored orders are read again."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._summaries: dict[str, Summary] = {}
        # Those whose documents, written by somebody else, tell of fewer orders than there are.
        self._wrong: set[str] = set()

    def replace(self, previous: Order | None, order: Order) -> None:
        """Counts an order in place of its previous revision. Refused, and nothing changed, where
        a total would not fit."""
        changed: dict[str, Summary] = {}
        wrong = set()
        if previous is not None and previous.counts:
            owner = previous.customer_id
            if self._of(owner).total_count < 1:
                wrong.add(owner)
            changed[owner] = self._of(owner).minus(previous)
        if order.counts:
            before = changed.get(order.customer_id, self._of(order.customer_id))
            changed[order.customer_id] = before.plus(order)
        if not all(summary.fits for summary in changed.values()):
            message = "The customer's total would not fit into 64 bits; check the amount."
            raise refuse(Code.INVALID, message, "amount")
        self._summaries |= changed
        self._wrong |= wrong

    async def save(self, store: Store, transaction: Transaction) -> None:
        """Puts the totals into the drafts. The orders themselves are stored already."""
        recounted = [id_ for id_ in self._summaries if self._needs_recount(id_)]
        if recounted:
            fresh = await store.orders.summaries(recounted, transaction)
            self._summaries |= {id_: fresh.get(id_, Summary()) for id_ in recounted}
        for id_, summary in self._summaries.items():
            if not summary.knows_all:
                edges = await store.orders.edges(id_, transaction)
                summary = summary.with_edges(*edges) if edges else Summary()
            self._drafts.by_id(id_).orders = summary

    def _of(self, customer_id: str) -> Summary:
        known = self._summaries.get(customer_id)
        return known or self._drafts.by_id(customer_id).orders

    def _needs_recount(self, customer_id: str) -> bool:
        summary = self._summaries[customer_id]
        few = summary.total_count <= MAX_RECOUNTED
        return customer_id in self._wrong or (few and not summary.knows_all)
