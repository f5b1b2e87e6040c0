"""Row sources: the stored rows that measures count and aggregate.

Rows are custom events, orders (events named "order") and the members of static segments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.filters.fields import AttributeType, Field, FieldGroup, split_path

COUNTED_ORDER_STATUSES = ("PAID", "FULFILLED")
ORDER_EVENT_NAME = "order"
CUSTOMERS_COLLECTION = "customers"
EVENTS_COLLECTION = "events"
ORDERS_COLLECTION = "orders"
STATIC_MEMBERS_COLLECTION = "members"
RowKind = tuple[str, object]
"""A collection and the `RowSource.kind` of some of its rows."""

_ORDER_FIELD_TYPES = {"amount": AttributeType.NUMBER, "status": AttributeType.STRING}


@dataclass(frozen=True)
class RowSource:
    """The events of one name, or the members of one static segment.

    `predicate` is the MongoDB query that selects these rows in `collection`.
    """

    name: str
    collection: str
    # A dict is not hashable; the name and the collection determine it.
    predicate: Mapping[str, Any] = field(compare=False)

    def find_property(self, path: str) -> Field | None:
        """The field at a property path; None if no property can have that path."""
        property_keys = split_path(path)
        if not property_keys:
            return None
        if self.name != ORDER_EVENT_NAME:
            return _property_field(path, ("properties", *property_keys), None)
        if path in _ORDER_FIELD_TYPES:
            return _property_field(path, property_keys, _ORDER_FIELD_TYPES[path])
        # The metadata of an order are its properties: "coupon" and "metadata.coupon" are one field.
        is_full_path = property_keys[0] == "metadata" and len(property_keys) > 1
        return _property_field(
            path, property_keys if is_full_path else ("metadata", *property_keys), None
        )

    @property
    def kind(self) -> object:
        """The key that separates this source from the others of its collection."""
        return (
            self.predicate["segmentId"]
            if self.collection == STATIC_MEMBERS_COLLECTION
            else self.name
        )

    def includes(self, row: Mapping[str, Any]) -> bool:
        """Whether a stored row of the collection belongs to this source."""
        return row_kind(self.collection, row) == self.kind


def event_source(name: str) -> RowSource:
    """The source of the events of one name.

    The name "order" selects current revisions of paid and fulfilled orders.
    """
    if name == ORDER_EVENT_NAME:
        match = {"current": True, "status": {"$in": list(COUNTED_ORDER_STATUSES)}}
        return RowSource(name, ORDERS_COLLECTION, match)
    return RowSource(name, EVENTS_COLLECTION, {"name": name})


def row_kind(collection: str, row: Mapping[str, Any]) -> object:
    """The `RowSource.kind` of a stored row; None for an order that does not count."""
    if collection == STATIC_MEMBERS_COLLECTION:
        return row["segmentId"]
    if collection == ORDERS_COLLECTION:
        return (
            ORDER_EVENT_NAME
            if row.get("current") and row["status"] in COUNTED_ORDER_STATUSES
            else None
        )
    return row["name"]


def static_member_source(segment_id: str, list_key: object) -> RowSource:
    """The source of the members of a static segment; `list_key` is stored in each of its rows."""
    return RowSource(segment_id, STATIC_MEMBERS_COLLECTION, {"segmentId": list_key})


def _property_field(
    path: str, document_keys: tuple[str, ...], type_: AttributeType | None
) -> Field:
    return Field(path, document_keys, type_, FieldGroup.METADATA, path, is_indexed=False)
