"""The timelines of customers: events, orders, transitions, ledger entries and deliveries,
newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.domain.deliveries import Delivery
from app.domain.events import Event
from app.domain.loyalty import LedgerEntry
from app.domain.orders import Order
from app.domain.transitions import Transition
from app.store import Store
from app.store.timeline import sort_key

TimelineItem = Event | Order | Transition | LedgerEntry | Delivery
TimelinePosition = tuple[datetime, str]


class Timeline:
    """Reads timelines, merged from five collections."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pages(
        self, customer_ids: Sequence[str], after: TimelinePosition | None, limit: int
    ) -> dict[str, list[TimelineItem]]:
        """Returns, by customer, at most `limit` entries after a position, newest first."""
        store = self._store
        entries: dict[str, list[TimelineItem]] = {id_: [] for id_ in customer_ids}
        for collection in (
            store.events,
            store.orders,
            store.transitions,
            store.ledger,
            store.deliveries,
        ):
            latest: Mapping[str, Sequence[TimelineItem]] = await collection.latest(
                customer_ids, after, limit
            )
            for id_, entries_of_kind in latest.items():
                entries[id_] += entries_of_kind
        return {
            id_: sorted(entries_of_customer, key=_sort_key, reverse=True)[:limit]
            for id_, entries_of_customer in entries.items()
        }


def _sort_key(entry: TimelineItem) -> tuple[datetime, int, str]:
    return sort_key(entry.at, entry.id)
