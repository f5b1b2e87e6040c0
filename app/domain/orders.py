"""Orders with their line items, and the summary of a customer's orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from app.filters.sources import COUNTED_ORDER_STATUSES
from app.filters.values import MAX_INT64, MIN_INT64

ORDER_STATUSES = ("CREATED", "PAID", "FULFILLED", "CANCELED")
DEFAULT_ORDER_STATUS = "PAID"
MAX_ORDER_ITEMS = 500


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A line item of an order. `amount` is in minor units, for example cents, for the line as a
    whole."""

    sku: str
    amount: int
    quantity: int = 1
    name: str | None = None
    category: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            sku=document["sku"],
            amount=document["amount"],
            quantity=document.get("quantity", 1),
            name=document.get("name"),
            category=document.get("category"),
            metadata=document.get("metadata") or {},
        )

    def to_document(self) -> dict[str, Any]:
        """The item as it is stored: without what is missing."""
        optional_fields = {
            "name": self.name,
            "category": self.category,
            "metadata": self.metadata or None,
        }
        return {
            "sku": self.sku,
            "amount": self.amount,
            "quantity": self.quantity,
            **{key: value for key, value in optional_fields.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Order:
    """The current revision of an order. `amount` is in minor units, for example cents."""

    id: str
    source_id: str
    customer_id: str
    status: str
    amount: int
    at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[OrderItem, ...] = ()

    @property
    def is_counted(self) -> bool:
        """Whether the order counts in the summary and as an event named `order`, and its items as
        events named `order.item`: it is neither CREATED nor CANCELED."""
        return self.status in COUNTED_ORDER_STATUSES


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """The summary of a customer's counted orders. Amounts are in minor units.

    After the first or the last order is removed, the summary does not know the new one, and
    `is_first_known` or `is_last_known` is False. It then keeps the old instant as a bound: no order
    is earlier than `first_at` or later than `last_at`.
    """

    total_count: int = 0
    total_amount: int = 0
    last_amount: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    is_first_known: bool = True
    is_last_known: bool = True
    # The items of all counted orders. It is stored, but no attribute path.
    item_count: int = 0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            total_count=document.get("totalCount") or 0,
            total_amount=document.get("totalAmount") or 0,
            last_amount=document.get("lastOrderAmount"),
            first_at=document.get("firstOrderAt"),
            last_at=document.get("lastOrderAt"),
            item_count=document.get("itemCount") or 0,
        )

    def to_document(self) -> dict[str, Any]:
        return {
            "totalCount": self.total_count,
            "totalAmount": self.total_amount,
            "averageAmount": self.total_amount / self.total_count,
            "lastOrderAmount": self.last_amount,
            "firstOrderAt": self.first_at,
            "lastOrderAt": self.last_at,
            **({"itemCount": self.item_count} if self.item_count else {}),
        }

    @property
    def is_complete(self) -> bool:
        return self.is_first_known and self.is_last_known

    def with_order(self, order: Order) -> "OrderSummary":
        """Returns the summary with one more order. Of several orders at the latest instant, the
        order that was received last counts as the last."""
        is_first = self.first_at is None or order.at <= self.first_at
        is_last = self.last_at is None or order.at >= self.last_at
        return replace(
            self,
            total_count=self.total_count + 1,
            total_amount=self.total_amount + order.amount,
            last_amount=order.amount if is_last else self.last_amount,
            first_at=order.at if is_first else self.first_at,
            last_at=order.at if is_last else self.last_at,
            is_first_known=is_first or self.is_first_known,
            is_last_known=is_last or self.is_last_known,
            item_count=self.item_count + len(order.items),
        )

    def without_order(self, order: Order) -> "OrderSummary":
        """Returns the summary without one of its orders."""
        if self.total_count == 1:
            return OrderSummary()
        was_first = self.first_at is None or order.at <= self.first_at
        was_last = self.last_at is None or order.at >= self.last_at
        return replace(
            self,
            total_count=self.total_count - 1,
            total_amount=self.total_amount - order.amount,
            is_first_known=self.is_first_known and not was_first,
            is_last_known=self.is_last_known and not was_last,
            item_count=max(0, self.item_count - len(order.items)),
        )

    def with_first_and_last(self, first_order: Order, last_order: Order) -> "OrderSummary":
        """Returns the summary completed with the first and the last of the orders."""
        return replace(
            self,
            last_amount=last_order.amount,
            first_at=first_order.at,
            last_at=last_order.at,
            is_first_known=True,
            is_last_known=True,
        )

    @property
    def has_storable_total(self) -> bool:
        """Whether the total amount fits into 64 bits."""
        return MIN_INT64 <= self.total_amount <= MAX_INT64
