"""Loads the rows of customers that an evaluation of filters needs."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.domain.customers import Customer
from app.filters import CustomerFacts, Now
from app.filters.event_history import HistoryLayout
from app.filters.sources import STATIC_MEMBERS_COLLECTION
from app.filters.tree import Measure
from app.services.customer_history import CustomerHistory, load_long_history
from app.store import Store
from app.store.history_query import HistoryPlan, HistoryQuery

# A customer with more rows is evaluated with a history: see customer_history.py.
_MAX_ROWS_WITHOUT_HISTORY = 1_000
# The rows of several customers that are in memory at the same time.
_MAX_ROWS_PER_READ = 10_000


class EvaluatedCustomer(NamedTuple):
    """A stored customer, and the document to evaluate, which may differ from the stored one."""

    customer: Customer
    document: Mapping[str, Any]


class FactsLoader:
    """Loads customer facts: as a list of rows for a customer with few of them, as a history for one
    with many."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(
        self, subject: EvaluatedCustomer, measures: Sequence[Measure], now: Now
    ) -> CustomerFacts:
        """Returns the facts of one customer for an evaluation of these measures."""
        async for facts in self.load_all([subject], measures, now):
            return facts
        raise AssertionError("load_all yields the facts of each subject")

    async def load_all(
        self, subjects: Sequence[EvaluatedCustomer], measures: Sequence[Measure], now: Now
    ) -> AsyncGenerator[CustomerFacts]:
        """Yields the facts of each customer, in order.

        One query per collection reads the rows of all customers with few rows, up to about 10,000
        rows at a time.
        """
        if not measures:
            for subject in subjects:
                yield CustomerFacts(subject.document)
            return
        query = HistoryPlan(measures).query_since(now.at)
        layout = HistoryLayout(measures, now.calendar)
        row_counts = [query.estimate_rows(subject.customer.document) for subject in subjects]
        for start, end in _split(row_counts, _MAX_ROWS_PER_READ):
            ids = [
                subject.customer.id
                for subject, row_count in zip(
                    subjects[start:end], row_counts[start:end], strict=True
                )
                if layout.scanned_kinds or row_count <= _MAX_ROWS_WITHOUT_HISTORY
            ]
            rows = await self._store.customer_facts.read_rows(ids, measures, now) if ids else {}
            for customer, document in subjects[start:end]:
                if customer.id in rows:
                    yield CustomerFacts(document, rows[customer.id])
                else:
                    yield await self._load_history(customer, document, query, layout, now)

    async def _load_history(
        self,
        customer: Customer,
        document: Mapping[str, Any],
        query: HistoryQuery,
        layout: HistoryLayout,
        now: Now,
    ) -> CustomerFacts:
        version = int(customer.document["version"])
        history = CustomerHistory([layout], version, version, query.earliest_needed_at)
        await load_long_history(history, customer.id, self._store, query, now.at)
        lists = await self._store.customer_history.read_static_memberships([customer.id], query)
        return CustomerFacts(
            document,
            {STATIC_MEMBERS_COLLECTION: lists.get(customer.id, ())},
            history.advance_to(version),
        )


def _split(sizes: Sequence[int], max_size: int) -> Iterator[tuple[int, int]]:
    """Yields consecutive ranges (start, end) with a total size of at most `max_size`. A larger item
    has a range of its own."""
    start = total_size = 0
    for index, size in enumerate(sizes):
        if index > start and total_size + size > max_size:
            yield start, index
            start, total_size = index, 0
        total_size += size
    if start < len(sizes):
        yield start, len(sizes)
