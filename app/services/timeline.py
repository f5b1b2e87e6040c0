"""The timeline of a customer: events, orders, transitions, ledger entries and deliveries,
newest first."""

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

    async def page(
        self, customer_id: str, after: TimelinePosition | None, limit: int
    ) -> list[TimelineItem]:
        """Returns at most `limit` entries after a position, newest first."""
        entries: list[TimelineItem] = [
            *await self._store.events.latest(customer_id, after, limit),
            *await self._store.orders.latest(customer_id, after, limit),
            *await self._store.transitions.latest(customer_id, after, limit),
            *await self._store.ledger.latest(customer_id, after, limit),
            *await self._store.deliveries.latest(customer_id, after, limit),
        ]
        entries.sort(key=lambda entry: sort_key(entry.at, entry.id), reverse=True)
        return entries[:limit]
