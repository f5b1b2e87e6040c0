"""Where rows about customers are stored: custom events, orders, which count as events, and the
lists of static segments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.filters.fields import AttributeType, Field, Group, keys

COUNTED_STATUSES = ("PAID", "FULFILLED")
ORDER = "order"
EVENTS, ORDERS, LISTS = "events", "orders", "members"
_ORDER_TYPES = {"amount": AttributeType.NUMBER, "status": AttributeType.STRING}


@dataclass(frozen=True)
class Source:
    """The rows that are a customer's events of one name, or its place in one list."""

    name: str
    collection: str
    # Frozen, and so hashable, by being derived from the name alone.
    match: Mapping[str, Any] = field(compare=False)

    def find(self, path: str) -> Field | None:
        """The field of a property, or None where no property can have that name."""
        found = keys(path)
        if not found:
            return None
        if self.name != ORDER:
            return _property(path, ("properties", *found), None)
        if path in _ORDER_TYPES:
            return _property(path, found, _ORDER_TYPES[path])
        # An order's metadata are its properties, and may be called by their full name too.
        inside = found[0] == "metadata" and len(found) > 1
        return _property(path, found if inside else ("metadata", *found), None)

    @property
    def kind(self) -> object:
        """What is the same for all the source's rows, and for no others of the collection."""
        return self.match["segmentId"] if self.collection == LISTS else self.name

    def counts(self, row: Mapping[str, Any]) -> bool:
        """Whether a stored row of the collection is such an event, or in that list."""
        return kind(self.collection, row) == self.kind


def source(name: str) -> Source:
    """The source of the events of a name."""
    if name == ORDER:
        match = {"current": True, "status": {"$in": list(COUNTED_STATUSES)}}
        return Source(name, ORDERS, match)
    return Source(name, EVENTS, {"name": name})


def kind(collection: str, row: Mapping[str, Any]) -> object:
    """The kind of the source that a stored row of the collection belongs to; None for none."""
    if collection == LISTS:
        return row["segmentId"]
    if collection == ORDERS:
        return ORDER if row.get("current") and row["status"] in COUNTED_STATUSES else None
    return row["name"]


def listing(segment_id: str, key: object) -> Source:
    """The list of a static segment, of which each row holds the key."""
    return Source(segment_id, LISTS, {"segmentId": key})


def _property(path: str, stored: tuple[str, ...], type_: AttributeType | None) -> Field:
    return Field(path, stored, type_, Group.METADATA, path, indexed=False)
