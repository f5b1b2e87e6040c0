"""What happened to a customer, the newest first."""

from datetime import datetime

from app.domain.events import Event
from app.domain.loyalty import LedgerEntry
from app.domain.orders import Order
from app.domain.transitions import Transition
from app.store import Store
from app.store.timeline import sort_key

TimelineItem = Event | Order | Transition | LedgerEntry
TimelinePosition = tuple[datetime, str]


class Timeline:
    """The history of customers, merged from all that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, customer_id: str, after: TimelinePosition | None, limit: int
    ) -> list[TimelineItem]:
        """At most so many entries, from after a place on."""
        entries: list[TimelineItem] = [
            *await self._store.events.latest(customer_id, after, limit),
            *await self._store.orders.latest(customer_id, after, limit),
            *await self._store.transitions.latest(customer_id, after, limit),
            *await self._store.ledger.latest(customer_id, after, limit),
        ]
        entries.sort(key=lambda entry: sort_key(entry.at, entry.id), reverse=True)
        return entries[:limit]
