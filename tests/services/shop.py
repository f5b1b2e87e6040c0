"""A shop's customers, orders and events, kept in memory and plainly: what the program must say."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
AHEAD = timedelta(minutes=5)
LARGEST = 2**63


@dataclass
class Told:
    """An order as it was last told, and the how-many-eth thing that this was."""

    customer: str
    status: str
    amount: int
    at: datetime
    metadata: dict[str, Any]
    turn: int = field(compare=False, default=0)

    @property
    def facts(self) -> tuple[Any, ...]:
        return self.status, self.amount, self.at, repr(sorted(self.metadata.items()))


class Shop:
    """Customers by sourceId; `ids` are theirs in the program."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.orders: dict[str, Told] = {}
        self.events: dict[str, list[tuple[str, datetime]]] = {}
        self.keys: dict[str, str] = {}
        self.states: dict[tuple[str, int], Any] = {}
        self._turn = 0

    def upsert_orders(self, rows: Sequence[Row], now: datetime) -> int:
        """How many rows are taken."""
        changed: set[str] = set()
        taken = sum([self._order(row, now, changed) for row in rows])
        self._new_states(changed)
        return taken

    def track(self, rows: Sequence[Row], now: datetime) -> int:
        changed: set[str] = set()
        taken = sum([self._event(row, now, changed) for row in rows])
        self._new_states(changed)
        return taken

    def delete(self, customer: str) -> None:
        del self.versions[customer], self.ids[customer]
        self.events.pop(customer, None)
        self.orders = {k: order for k, order in self.orders.items() if order.customer != customer}
        self.keys = {key: owner for key, owner in self.keys.items() if owner != customer}
        self.states = {at: state for at, state in self.states.items() if at[0] != customer}

    def orders_of(self, customer: str) -> dict[str, Told]:
        return {key: order for key, order in self.orders.items() if order.customer == customer}

    def summary(self, customer: str) -> dict[str, Any] | None:
        """What the stored document must say of the orders."""
        counting = self.counting(customer)
        if not counting:
            return None
        total = sum(order.amount for order in counting)
        last = max(counting, key=lambda order: (order.at, order.turn))
        return {
            "totalCount": len(counting),
            "totalAmount": total,
            "averageAmount": total / len(counting),
            "lastOrderAmount": last.amount,
            "firstOrderAt": min(order.at for order in counting),
            "lastOrderAt": last.at,
        }

    def counts(self, customer: str) -> dict[str, Any]:
        """The same of the events."""
        moments: dict[str, list[datetime]] = {}
        for name, at in self.events.get(customer, ()):
            moments.setdefault(name, []).append(at)
        return {
            name: {"count": len(at), "firstAt": min(at), "lastAt": max(at)}
            for name, at in moments.items()
        }

    def counting(self, customer: str) -> list[Told]:
        """The orders that count: PAID or FULFILLED."""
        orders = self.orders_of(customer).values()
        return [order for order in orders if order.status in ("PAID", "FULFILLED")]

    def _who(self, ref: Row) -> str | None:
        if "sourceId" in ref:
            return str(ref["sourceId"])
        return next((name for name, id_ in self.ids.items() if id_ == ref["id"]), None)

    def _order(self, row: Row, now: datetime, changed: set[str]) -> bool:
        who, at = self._who(row["customer"]), _moment(row.get("at"))
        if who is None or (at is not None and at > now + AHEAD):
            return False
        before = self.orders.get(row["sourceId"])
        if before is None and "amount" not in row:
            return False
        metadata = {**(before.metadata if before else {}), **(row.get("metadata") or {})}
        after = Told(
            who,
            row.get("status", before.status if before else "PAID"),
            row.get("amount", before.amount if before else None),
            min(at, now) if at else before.at if before else now,
            {key: value for key, value in metadata.items() if value is not None},
        )
        if before is not None and (before.customer, before.facts) == (who, after.facts):
            return True
        self._turn += 1
        after.turn = self._turn
        owners = {who, before.customer if before else who}
        self.orders[row["sourceId"]] = after
        totals = [sum(order.amount for order in self.counting(owner)) for owner in owners]
        if not all(-LARGEST <= total < LARGEST for total in totals):
            del self.orders[row["sourceId"]]
            if before is not None:
                self.orders[row["sourceId"]] = before
            return False
        changed |= owners
        return True

    def _event(self, row: Row, now: datetime, changed: set[str]) -> bool:
        key = row.get("idempotencyKey")
        if key in self.keys:
            return True
        who, at = self._who(row["customer"]), _moment(row.get("at"))
        if who is None or row["name"] == "order" or (at is not None and at > now + AHEAD):
            return False
        self.events.setdefault(who, []).append((row["name"], min(at, now) if at else now))
        if key is not None:
            self.keys[key] = who
        changed.add(who)
        return True

    def _new_states(self, changed: set[str]) -> None:
        for who in changed:
            self.versions[who] = self.versions.get(who, 0) + 1
            orders = {key: order.facts for key, order in self.orders_of(who).items()}
            state = deepcopy((orders, sorted(self.events.get(who, []))))
            self.states[who, self.versions[who]] = state


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def at_version(rows: Sequence[Row], version: int) -> Iterator[Row]:
    """The stored rows that a version of their customer includes."""
    for row in rows:
        if row["since"] <= version < row.get("until", version + 1):
            yield row
