"""Where rows about customers are stored: custom events, orders, which count as events, and the
lists of static segments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.filters.fields import AttributeType, Field, FieldGroup, split_path

COUNTED_ORDER_STATUSES = ("PAID", "FULFILLED")
ORDER_EVENT_NAME = "order"
EVENTS_COLLECTION, ORDERS_COLLECTION, STATIC_MEMBERS_COLLECTION = "events", "orders", "members"
_ORDER_FIELD_TYPES = {"amount": AttributeType.NUMBER, "status": AttributeType.STRING}


@dataclass(frozen=True)
class RowSource:
    """The rows that are a customer's events of one name, or its place in one list."""

    name: str
    collection: str
    # Frozen, and so hashable, by being derived from the name alone.
    predicate: Mapping[str, Any] = field(compare=False)

    def find_property(self, path: str) -> Field | None:
        """The field of a property, or None where no property can have that name."""
        property_keys = split_path(path)
        if not property_keys:
            return None
        if self.name != ORDER_EVENT_NAME:
            return _property_field(path, ("properties", *property_keys), None)
        if path in _ORDER_FIELD_TYPES:
            return _property_field(path, property_keys, _ORDER_FIELD_TYPES[path])
        # An order's metadata are its properties, and may be called by their full name too.
        is_full_path = property_keys[0] == "metadata" and len(property_keys) > 1
        return _property_field(
            path, property_keys if is_full_path else ("metadata", *property_keys), None
        )

    @property
    def kind(self) -> object:
        """What is the same for all the source's rows, and for no others of the collection."""
        return (
            self.predicate["segmentId"]
            if self.collection == STATIC_MEMBERS_COLLECTION
            else self.name
        )

    def includes(self, row: Mapping[str, Any]) -> bool:
        """Whether a stored row of the collection is such an event, or in that list."""
        return row_kind(self.collection, row) == self.kind


def event_source(name: str) -> RowSource:
    """The source of the events of a name."""
    if name == ORDER_EVENT_NAME:
        match = {"current": True, "status": {"$in": list(COUNTED_ORDER_STATUSES)}}
        return RowSource(name, ORDERS_COLLECTION, match)
    return RowSource(name, EVENTS_COLLECTION, {"name": name})


def row_kind(collection: str, row: Mapping[str, Any]) -> object:
    """The kind of the source that a stored row of the collection belongs to; None for none."""
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
    """The list of a static segment, of which each row holds the key."""
    return RowSource(segment_id, STATIC_MEMBERS_COLLECTION, {"segmentId": list_key})


def _property_field(
    path: str, document_keys: tuple[str, ...], type_: AttributeType | None
) -> Field:
    return Field(path, document_keys, type_, FieldGroup.METADATA, path, is_indexed=False)
