"""The fields of a customer's document that the program derives from its texts and rows."""

from typing import Any

from app.filters.fields import escape_event_name
from app.filters.sources import event_source
from app.filters.substring_index import NGRAMS_FIELD, customer_ngrams

Document = dict[str, Any]


def update_summaries(customer: Document, events: list[Document], orders: list[Document]) -> None:
    """Sets the summaries in the customer's document to the totals of its rows."""
    for name in {row["name"] for row in events}:
        event_times = [row["at"] for row in events if row["name"] == name]
        customer.setdefault("events", {})[escape_event_name(name)] = {
            "count": len(event_times),
            "firstAt": min(event_times),
            "lastAt": max(event_times),
        }
    order_times = [row["at"] for row in event_source("order").select_rows(orders)]
    for key in ("totalCount", "firstOrderAt", "lastOrderAt"):
        customer.get("orders", {}).pop(key, None)
    if order_times:
        customer.setdefault("orders", {}).update(
            totalCount=len(order_times), firstOrderAt=min(order_times), lastOrderAt=max(order_times)
        )
    if item_count := len(event_source("order.item").select_rows(orders)):
        customer["orders"]["itemCount"] = item_count


def add_ngrams(customer: Document) -> None:
    """Adds the n-grams of the substring index, and the field without which it does not count."""
    ngrams = customer_ngrams(customer)
    customer.update({"searchTokens": ["any"], NGRAMS_FIELD: ngrams})
