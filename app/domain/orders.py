"""An order, its revisions, and what the orders of a customer come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from app.filters.sources import COUNTED_STATUSES
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

STATUSES = ("CREATED", "PAID", "FULFILLED", "CANCELED")
DEFAULT_STATUS = "PAID"


@dataclass(frozen=True, slots=True)
class Order:
    """One revision of an order, as its source last told it."""

    id: str
    source_id: str
    customer_id: str
    status: str
    amount: int
    at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether it is part of the summary, and an event named `order`."""
        return self.status in COUNTED_STATUSES


@dataclass(frozen=True, slots=True)
class Summary:
    """What a customer's counting orders come to; amounts in minor units.

    Without an order that may have been the first or the last, it does not know which is now. It
    then keeps the old instants: no order is before the one, or after the other.
    """

    total_count: int = 0
    total_amount: int = 0
    last_amount: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    knows_first: bool = True
    knows_last: bool = True

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            total_count=stored.get("totalCount") or 0,
            total_amount=stored.get("totalAmount") or 0,
            last_amount=stored.get("lastOrderAmount"),
            first_at=stored.get("firstOrderAt"),
            last_at=stored.get("lastOrderAt"),
        )

    def document(self) -> dict[str, Any]:
        return {
            "totalCount": self.total_count,
            "totalAmount": self.total_amount,
            "averageAmount": self.total_amount / self.total_count,
            "lastOrderAmount": self.last_amount,
            "firstOrderAt": self.first_at,
            "lastOrderAt": self.last_at,
        }

    @property
    def knows_all(self) -> bool:
        return self.knows_first and self.knows_last

    def plus(self, order: Order) -> "Summary":
        """With one more order. Of several at the latest moment the one told last is the last."""
        is_first = self.first_at is None or order.at <= self.first_at
        is_last = self.last_at is None or order.at >= self.last_at
        return replace(
            self,
            total_count=self.total_count + 1,
            total_amount=self.total_amount + order.amount,
            last_amount=order.amount if is_last else self.last_amount,
            first_at=order.at if is_first else self.first_at,
            last_at=order.at if is_last else self.last_at,
            knows_first=is_first or self.knows_first,
            knows_last=is_last or self.knows_last,
        )

    def minus(self, order: Order) -> "Summary":
        """Without one of the orders."""
        if self.total_count == 1:
            return Summary()
        was_first = self.first_at is None or order.at <= self.first_at
        was_last = self.last_at is None or order.at >= self.last_at
        return replace(
            self,
            total_count=self.total_count - 1,
            total_amount=self.total_amount - order.amount,
            knows_first=self.knows_first and not was_first,
            knows_last=self.knows_last and not was_last,
        )

    def with_edges(self, first: Order, last: Order) -> "Summary":
        """With the first and the last of the orders."""
        return replace(
            self,
            last_amount=last.amount,
            first_at=first.at,
            last_at=last.at,
            knows_first=True,
            knows_last=True,
        )

    @property
    def fits(self) -> bool:
        """Whether the total can be stored: it may outgrow 64 bits."""
        return SMALLEST_LONG <= self.total_amount <= LARGEST_LONG
