"""Row sources: the stored rows that measures count and aggregate.

Rows are custom events, orders (events named "order"), the line items of orders (events named
"order.item") and the members of static segments. A row is a stored document; the row of an item is
the document of its order with that one item in place of the list.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.filters.fields import AttributeType, Field, FieldGroup, activity_field, split_path

COUNTED_ORDER_STATUSES = ("PAID", "FULFILLED")
ORDER_EVENT_NAME = "order"
ORDER_ITEM_EVENT_NAME = "order.item"
RESERVED_EVENT_NAMES = (ORDER_EVENT_NAME, ORDER_ITEM_EVENT_NAME)
ORDER_ITEMS_KEY = "items"
CUSTOMERS_COLLECTION = "customers"
EVENTS_COLLECTION = "events"
ORDERS_COLLECTION = "orders"
STATIC_MEMBERS_COLLECTION = "members"
RowKind = tuple[str, object]
"""A collection and the `RowSource.kind` of some of its rows."""

# The number of items of a customer's counted orders. It is no attribute path.
_ITEM_COUNT_FIELD = Field(
    "orders.itemCount",
    ("orders", "itemCount"),
    AttributeType.NUMBER,
    FieldGroup.ACTIVITY,
    "Orders item count",
    default=0,
)


@dataclass(frozen=True)
class RowSource:
    """The events of one name, or the members of one static segment.

    `predicate` is the MongoDB query that selects the documents of these rows in `collection`. With
    `array_key`, each element of the array at that key is a row.
    """

    name: str
    collection: str
    # A dict is not hashable; the name and the collection determine it.
    predicate: Mapping[str, Any] = field(compare=False)
    array_key: str | None = field(default=None, compare=False)

    @property
    def standard_properties_by_path(self) -> dict[str, Field]:
        """By path, the properties with a name and a type of their own: those of orders and of
        items."""
        return {
            path: _property_field(path, *key_and_type)
            for path, key_and_type in _STANDARD_PROPERTIES.get(self.name, {}).items()
        }

    @property
    def free_properties_keys(self) -> tuple[str, ...]:
        """The keys in a row of the object that has the caller's own properties."""
        return _METADATA_KEYS.get(self.name, ("properties",))

    def find_property(self, path: str) -> Field | None:
        """The field at a property path; None if no property can have that path."""
        property_keys = split_path(path)
        if not property_keys:
            return None
        if standard_property := _STANDARD_PROPERTIES.get(self.name, {}).get(path):
            return _property_field(path, *standard_property)
        # The metadata of an order are its properties: "coupon" and "metadata.coupon" are one field.
        has_metadata = self.name in _METADATA_KEYS
        if has_metadata and property_keys[0] == "metadata" and len(property_keys) > 1:
            property_keys = property_keys[1:]
        return _property_field(path, (*self.free_properties_keys, *property_keys), None)

    def summary_field(self, key: str) -> Field:
        """The field of the customer's document with the "count", "firstAt" or "lastAt" of the rows.

        The instants of items are those of the customer's counted orders, of which the first and the
        last may have no items: see `has_exact_instants`.
        """
        if self.name == ORDER_ITEM_EVENT_NAME and key == "count":
            return _ITEM_COUNT_FIELD
        summary_name = ORDER_EVENT_NAME if self.name == ORDER_ITEM_EVENT_NAME else self.name
        summary_field = activity_field(summary_name, key)
        assert summary_field is not None
        return summary_field

    @property
    def has_exact_instants(self) -> bool:
        """Whether the summary's instants are those of the first and the last row, not bounds."""
        return self.name != ORDER_ITEM_EVENT_NAME

    @property
    def kind(self) -> object:
        """The key that separates this source from the others of its collection."""
        return (
            self.predicate["segmentId"]
            if self.collection == STATIC_MEMBERS_COLLECTION
            else self.name
        )

    def select_rows(self, documents: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The rows of this source in stored documents of its collection."""
        if self.array_key is None:
            kind = self.kind
            return [row for row in documents if _document_kind(self.collection, row) == kind]
        return [
            row
            for document in documents
            if _document_kind(self.collection, document) == ORDER_EVENT_NAME
            for row in _item_rows(document)
        ]


def event_source(name: str) -> RowSource:
    """The source of the events of one name.

    The name "order" selects current revisions of paid and fulfilled orders, "order.item" their
    items.
    """
    if name not in RESERVED_EVENT_NAMES:
        return RowSource(name, EVENTS_COLLECTION, {"name": name})
    match: dict[str, Any] = {"current": True, "status": {"$in": list(COUNTED_ORDER_STATUSES)}}
    if name == ORDER_EVENT_NAME:
        return RowSource(name, ORDERS_COLLECTION, match)
    has_items = {ORDER_ITEMS_KEY: {"$exists": True}}
    return RowSource(name, ORDERS_COLLECTION, match | has_items, ORDER_ITEMS_KEY)


def rows_with_kind(
    collection: str, document: Mapping[str, Any]
) -> list[tuple[RowKind, Mapping[str, Any]]]:
    """The rows of a stored document, each with its kind: an order is a row, and so is each of its
    items. An order that does not count has the kind None, and no items."""
    kind = _document_kind(collection, document)
    rows: list[tuple[RowKind, Mapping[str, Any]]] = [((collection, kind), document)]
    if collection == ORDERS_COLLECTION and kind is not None and ORDER_ITEMS_KEY in document:
        item_kind = collection, ORDER_ITEM_EVENT_NAME
        rows += [(item_kind, row) for row in _item_rows(document)]
    return rows


def row_counts_by_source(collection: str, document: Mapping[str, Any]) -> dict[str, int]:
    """By source name, the number of rows of a stored document of events or orders, while it
    counts."""
    if collection != ORDERS_COLLECTION:
        return {document["name"]: 1}
    item_count = len(document.get(ORDER_ITEMS_KEY) or ())
    return {ORDER_EVENT_NAME: 1, ORDER_ITEM_EVENT_NAME: item_count}


def _document_kind(collection: str, document: Mapping[str, Any]) -> object:
    """The `RowSource.kind` of a document as a row; None for an order that does not count."""
    if collection == STATIC_MEMBERS_COLLECTION:
        return document["segmentId"]
    if collection == ORDERS_COLLECTION:
        return (
            ORDER_EVENT_NAME
            if document.get("current") and document["status"] in COUNTED_ORDER_STATUSES
            else None
        )
    return document["name"]


def _item_rows(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A row for each item of an order, as MongoDB's $unwind makes it."""
    return [{**order, ORDER_ITEMS_KEY: item} for item in order.get(ORDER_ITEMS_KEY) or ()]


def static_member_source(segment_id: str, list_key: object) -> RowSource:
    """The source of the members of a static segment; `list_key` is stored in each of its rows."""
    return RowSource(segment_id, STATIC_MEMBERS_COLLECTION, {"segmentId": list_key})


# By event name and property path, the place of the value in a row and its type. Their numbers are
# whole: amounts in minor units, and pieces.
_STANDARD_PROPERTIES: Mapping[str, Mapping[str, tuple[tuple[str, ...], AttributeType]]] = {
    ORDER_EVENT_NAME: {
        "amount": (("amount",), AttributeType.NUMBER),
        "status": (("status",), AttributeType.STRING),
    },
    ORDER_ITEM_EVENT_NAME: {
        "sku": ((ORDER_ITEMS_KEY, "sku"), AttributeType.STRING),
        "name": ((ORDER_ITEMS_KEY, "name"), AttributeType.STRING),
        "category": ((ORDER_ITEMS_KEY, "category"), AttributeType.STRING),
        "quantity": ((ORDER_ITEMS_KEY, "quantity"), AttributeType.NUMBER),
        "amount": ((ORDER_ITEMS_KEY, "amount"), AttributeType.NUMBER),
        "orderSourceId": (("sourceId",), AttributeType.STRING),
    },
}
_METADATA_KEYS: Mapping[str, tuple[str, ...]] = {
    ORDER_EVENT_NAME: ("metadata",),
    ORDER_ITEM_EVENT_NAME: (ORDER_ITEMS_KEY, "metadata"),
}


def _property_field(
    path: str, document_keys: tuple[str, ...], type_: AttributeType | None
) -> Field:
    is_whole = type_ is AttributeType.NUMBER
    return Field(
        path, document_keys, type_, FieldGroup.METADATA, path, is_indexed=False, is_whole=is_whole
    )
