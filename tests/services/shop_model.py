"""A plain in-memory model of a shop, which computes the results that the program must return."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
MAX_CLOCK_SKEW = timedelta(minutes=5)
TOTAL_LIMIT = 2**63


@dataclass
class StoredOrder:
    """An order as last sent, and the number of the operation that sent it."""

    source_id: str
    customer: str
    status: str
    amount: int
    at: datetime
    metadata: dict[str, Any]
    items: list[dict[str, Any]]
    write_number: int = field(compare=False, default=0)

    @property
    def fields(self) -> tuple[Any, ...]:
        metadata = repr(sorted(self.metadata.items()))
        return self.status, self.amount, self.at, metadata, repr(self.items)


class ShopModel:
    """A plain model of the shop; `ids` maps sourceIds to the ids in the program."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.orders: dict[str, StoredOrder] = {}
        self.events: dict[str, list[tuple[str, datetime]]] = {}
        self.idempotency_keys: dict[str, str] = {}
        self.states: dict[tuple[str, int], Any] = {}
        self._write_count = 0

    def upsert_orders(self, rows: Sequence[Row], now: datetime) -> int:
        """Applies the rows; returns the number of accepted ones."""
        changed_customers: set[str] = set()
        accepted = sum([self._upsert_order(row, now, changed_customers) for row in rows])
        self._record_states(changed_customers)
        return accepted

    def track_events(self, rows: Sequence[Row], now: datetime) -> int:
        changed_customers: set[str] = set()
        accepted = sum([self._track_event(row, now, changed_customers) for row in rows])
        self._record_states(changed_customers)
        return accepted

    def delete_customer(self, customer: str) -> None:
        del self.versions[customer], self.ids[customer]
        self.events.pop(customer, None)
        self.orders = {k: order for k, order in self.orders.items() if order.customer != customer}
        self.idempotency_keys = {
            key: owner for key, owner in self.idempotency_keys.items() if owner != customer
        }
        self.states = {key_: state for key_, state in self.states.items() if key_[0] != customer}

    def orders_of(self, customer: str) -> dict[str, StoredOrder]:
        return {key: order for key, order in self.orders.items() if order.customer == customer}

    def order_summary(self, customer: str) -> dict[str, Any] | None:
        """Returns the order summary that the document must have."""
        counted_orders = self.counted_orders(customer)
        if not counted_orders:
            return None
        total = sum(order.amount for order in counted_orders)
        last_order = max(counted_orders, key=lambda order: (order.at, order.write_number))
        summary = {
            "totalCount": len(counted_orders),
            "totalAmount": total,
            "averageAmount": total / len(counted_orders),
            "lastOrderAmount": last_order.amount,
            "firstOrderAt": min(order.at for order in counted_orders),
            "lastOrderAt": last_order.at,
        }
        item_count = sum(len(order.items) for order in counted_orders)
        return {**summary, "itemCount": item_count} if item_count else summary

    def event_summaries(self, customer: str) -> dict[str, Any]:
        """Returns the event summaries that the document must have."""
        times_by_name: dict[str, list[datetime]] = {}
        for name, at in self.events.get(customer, ()):
            times_by_name.setdefault(name, []).append(at)
        return {
            name: {"count": len(at), "firstAt": min(at), "lastAt": max(at)}
            for name, at in times_by_name.items()
        }

    def counted_orders(self, customer: str) -> list[StoredOrder]:
        """Returns the orders that count: PAID or FULFILLED."""
        orders = self.orders_of(customer).values()
        return [order for order in orders if order.status in ("PAID", "FULFILLED")]

    def resolve_source_id(self, ref: Row) -> str | None:
        if "sourceId" in ref:
            return str(ref["sourceId"])
        return next((name for name, id_ in self.ids.items() if id_ == ref["id"]), None)

    def _upsert_order(self, row: Row, now: datetime, changed_customers: set[str]) -> bool:
        source_id, at = self.resolve_source_id(row["customer"]), _parse_instant(row.get("at"))
        if source_id is None or (at is not None and at > now + MAX_CLOCK_SKEW):
            return False
        previous = self.orders.get(row["sourceId"])
        if previous is None and "amount" not in row:
            return False
        metadata = {**(previous.metadata if previous else {}), **(row.get("metadata") or {})}
        current = StoredOrder(
            row["sourceId"],
            source_id,
            row.get("status", previous.status if previous else "PAID"),
            row.get("amount", previous.amount if previous else None),
            min(at, now) if at else previous.at if previous else now,
            {key: value for key, value in metadata.items() if value is not None},
            stored_items(row["items"]) if "items" in row else previous.items if previous else [],
        )
        if previous is not None and (previous.customer, previous.fields) == (
            source_id,
            current.fields,
        ):
            return True
        self._write_count += 1
        current.write_number = self._write_count
        owners = {source_id, previous.customer if previous else source_id}
        self.orders[row["sourceId"]] = current
        totals = [sum(order.amount for order in self.counted_orders(owner)) for owner in owners]
        if not all(-TOTAL_LIMIT <= total < TOTAL_LIMIT for total in totals):
            del self.orders[row["sourceId"]]
            if previous is not None:
                self.orders[row["sourceId"]] = previous
            return False
        changed_customers |= owners
        return True

    def _track_event(self, row: Row, now: datetime, changed_customers: set[str]) -> bool:
        key = row.get("idempotencyKey")
        if key in self.idempotency_keys:
            return True
        source_id, at = self.resolve_source_id(row["customer"]), _parse_instant(row.get("at"))
        if (
            source_id is None
            or row["name"] in ("order", "order.item")
            or (at is not None and at > now + MAX_CLOCK_SKEW)
        ):
            return False
        self.events.setdefault(source_id, []).append((row["name"], min(at, now) if at else now))
        if key is not None:
            self.idempotency_keys[key] = source_id
        changed_customers.add(source_id)
        return True

    def _record_states(self, changed_customers: set[str]) -> None:
        for source_id in changed_customers:
            self.versions[source_id] = self.versions.get(source_id, 0) + 1
            orders = {key: order.fields for key, order in self.orders_of(source_id).items()}
            state = deepcopy((orders, sorted(self.events.get(source_id, []))))
            self.states[source_id, self.versions[source_id]] = state


def stored_items(items: Sequence[Row] | None) -> list[dict[str, Any]]:
    """Returns the items of a row as they are stored."""
    return [
        {
            "sku": item["sku"],
            "amount": item["amount"],
            "quantity": item.get("quantity", 1),
            **{key: item[key] for key in ("name", "category", "metadata") if item.get(key)},
        }
        for item in items or ()
    ]


def _parse_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def rows_at_version(rows: Sequence[Row], version: int) -> Iterator[Row]:
    """Returns the stored rows that a version of their customer includes."""
    for row in rows:
        if row["sinceVersion"] <= version < row.get("untilVersion", version + 1):
            yield row
