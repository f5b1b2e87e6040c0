"""Fields: the attribute paths of the filter language, their types and where they are stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

MAX_PATH_LENGTH = 1_000
# Each key adds a guard against arrays to the query; MongoDB allows 100 levels of nesting.
MAX_PATH_KEYS = 20

# A tuple: `int | float` inside `is_number` would build a union at each call.
_NUMBER_TYPES = (int, float)
_UNSTORABLE_CHARACTERS = re.compile("[\0\ud800-\udfff]")


class AttributeType(Enum):
    """The type of an attribute's values."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"
    GEOPOINT = "GEOPOINT"
    OBJECT = "OBJECT"


TEMPORAL_TYPES = frozenset({AttributeType.DATE, AttributeType.DATETIME})


class FieldGroup(Enum):
    """The group in which a filter editor shows an attribute."""

    PROFILE = "PROFILE"
    ACTIVITY = "ACTIVITY"
    METADATA = "METADATA"


@dataclass(frozen=True)
class Field:
    """An attribute path, its type and its place in the stored document.

    `type` is None for metadata keys without a definition and for event properties: the type of
    the operator's value applies. `default` is the value if nothing is stored. `is_whole` says that
    all stored numbers are whole.
    """

    path: str
    document_keys: tuple[str, ...]
    type: AttributeType | None
    group: FieldGroup
    label: str
    is_array: bool = False
    default: int | None = None
    is_indexed: bool = True
    is_whole: bool = False

    def read(self, document: Mapping[str, Any]) -> object:
        """The value at the path; None if it is missing or lies behind an array."""
        value: object = document
        for key in self.document_keys:
            # The class test is faster than isinstance with an abstract base class.
            if value.__class__ is not dict and not isinstance(value, Mapping):
                value = None
                break
            value = value.get(key)
        if self.default is not None and not is_number(value):
            return self.default
        return value

    @property
    def mongo_path(self) -> str:
        """The dotted path of the stored value in MongoDB."""
        return ".".join(self.document_keys)

    @property
    def is_schemaless(self) -> bool:
        """Whether the stored value may have any shape, for example an array."""
        return self.group is FieldGroup.METADATA


def is_number(value: object) -> bool:
    """Whether the value is a number to MongoDB; a boolean is not."""
    return isinstance(value, _NUMBER_TYPES) and not isinstance(value, bool)


def is_geopoint(value: object) -> bool:
    """Whether the value is an object of exactly `lat` and `lon`, in degrees."""
    return (
        isinstance(value, dict)
        and value.keys() == {"lat", "lon"}
        and is_number(value["lat"])
        and is_number(value["lon"])
        and -90 <= value["lat"] <= 90
        and -180 <= value["lon"] <= 180
    )


def is_storable(text: str) -> bool:
    """Whether MongoDB can store the text: it has no NUL and no lone surrogate."""
    return not _UNSTORABLE_CHARACTERS.search(text)


def is_property_key(key: str) -> bool:
    """Whether the text may be a key in metadata or in the properties of an event."""
    well_formed = 1 <= len(key) <= 100 and "." not in key and not key.startswith("$")
    return well_formed and is_storable(key)


def split_path(path: str) -> tuple[str, ...]:
    """The keys of a path into metadata or properties; empty if the path is not valid."""
    if len(path) > MAX_PATH_LENGTH:
        return ()
    path_keys = tuple(path.split("."))
    return (
        path_keys
        if len(path_keys) <= MAX_PATH_KEYS and all(map(is_property_key, path_keys))
        else ()
    )


def is_event_name(name: str) -> bool:
    """Whether the text may be the name of an event."""
    return 1 <= len(name) <= 100 and is_storable(name)


def escape_event_name(name: str) -> str:
    """The name of an event as a document key, in which MongoDB reserves dots and dollars."""
    return name.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def _label(path: str) -> str:
    words = "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in path.replace(".", " ")
    )
    return words[:1].upper() + words[1:]


def _profile_field(path: str, type_: AttributeType = AttributeType.STRING) -> Field:
    return Field(path, tuple(path.split(".")), type_, FieldGroup.PROFILE, _label(path))


def _activity_field(path: str, type_: AttributeType, default: int | None = None) -> Field:
    document_keys = tuple(path.split("."))
    return Field(path, document_keys, type_, FieldGroup.ACTIVITY, _label(path), default=default)


_NUMBER = AttributeType.NUMBER
_DATETIME = AttributeType.DATETIME

FIELDS: tuple[Field, ...] = (
    _profile_field("sourceId"),
    _profile_field("name"),
    _profile_field("email"),
    _profile_field("phone"),
    _profile_field("description"),
    _profile_field("birthdate", AttributeType.DATE),
    _profile_field("source"),
    _profile_field("createdAt", _DATETIME),
    _profile_field("updatedAt", _DATETIME),
    _profile_field("address.line1"),
    _profile_field("address.line2"),
    _profile_field("address.city"),
    _profile_field("address.state"),
    _profile_field("address.postalCode"),
    _profile_field("address.country"),
    _activity_field("orders.totalCount", _NUMBER, default=0),
    _activity_field("orders.totalAmount", _NUMBER, default=0),
    _activity_field("orders.averageAmount", _NUMBER),
    _activity_field("orders.lastOrderAmount", _NUMBER),
    _activity_field("orders.firstOrderAt", _DATETIME),
    _activity_field("orders.lastOrderAt", _DATETIME),
    _activity_field("loyalty.points", _NUMBER, default=0),
)

FIELDS_BY_PATH = {field.path: field for field in FIELDS}
_ORDER_SUMMARY_FIELDS = {
    "count": FIELDS_BY_PATH["orders.totalCount"],
    "firstAt": FIELDS_BY_PATH["orders.firstOrderAt"],
    "lastAt": FIELDS_BY_PATH["orders.lastOrderAt"],
}


def activity_field(name: str, summary_key: str) -> Field | None:
    """The field of a summary that the customer's document keeps of the events of one name.

    `summary_key` is "count", "firstAt" or "lastAt"; returns None for any other.
    """
    if name == "order":
        return _ORDER_SUMMARY_FIELDS.get(summary_key)
    path = f"events.{name}.{summary_key}"
    document_keys = ("events", escape_event_name(name), summary_key)
    match summary_key:
        case "count":
            return Field(
                path, document_keys, _NUMBER, FieldGroup.ACTIVITY, f"{name}: count", default=0
            )
        case "firstAt" | "lastAt":
            ordinal = "first" if summary_key == "firstAt" else "last"
            return Field(
                path, document_keys, _DATETIME, FieldGroup.ACTIVITY, f"{name}: {ordinal} at"
            )
        case _:
            return None
