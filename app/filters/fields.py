"""What a filter may ask about: every path, its type, and where it is stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

MAX_PATH_LENGTH = 1_000
# A path's keys: every one costs a guard in each query, and MongoDB itself nests no deeper than 100.
MAX_PATH_KEYS = 20

# Asked so often that it counts: a union would be built anew each time.
_NUMBER_TYPES = (int, float)
_UNSTORABLE_CHARACTERS = re.compile("[\0\ud800-\udfff]")


class AttributeType(Enum):
    """The type of a path's values."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"
    GEOPOINT = "GEOPOINT"
    OBJECT = "OBJECT"


TEMPORAL_TYPES = frozenset({AttributeType.DATE, AttributeType.DATETIME})


class FieldGroup(Enum):
    """Where a path belongs in a filter editor."""

    PROFILE = "PROFILE"
    ACTIVITY = "ACTIVITY"
    METADATA = "METADATA"


@dataclass(frozen=True)
class Field:
    """One path of the language.

    `type` is None for a metadata key without a definition and for the properties of events: the
    operator's value then decides. `default` is what a path that is never missing holds where
    nothing is stored.
    """

    path: str
    document_keys: tuple[str, ...]
    type: AttributeType | None
    group: FieldGroup
    label: str
    is_array: bool = False
    default: int | None = None
    is_indexed: bool = True

    def read(self, document: Mapping[str, Any]) -> object:
        """What lies at the path: None where it is missing. Does not reach through arrays."""
        value: object = document
        for key in self.document_keys:
            # That a dict is a mapping is soonest seen so.
            if value.__class__ is not dict and not isinstance(value, Mapping):
                value = None
                break
            value = value.get(key)
        if self.default is not None and not is_number(value):
            return self.default
        return value

    @property
    def mongo_path(self) -> str:
        """The path in MongoDB's dotted form."""
        return ".".join(self.document_keys)

    @property
    def is_schemaless(self) -> bool:
        """Whether the stored value may have any shape, an array for one."""
        return self.group is FieldGroup.METADATA


def is_number(value: object) -> bool:
    """Whether MongoDB takes the value for a number: a boolean is none."""
    return isinstance(value, _NUMBER_TYPES) and not isinstance(value, bool)


def is_geopoint(value: object) -> bool:
    """Whether the value is a place: `lat` and `lon` in degrees, and nothing else."""
    return (
        isinstance(value, dict)
        and value.keys() == {"lat", "lon"}
        and is_number(value["lat"])
        and is_number(value["lon"])
        and -90 <= value["lat"] <= 90
        and -180 <= value["lon"] <= 180
    )


def is_storable(text: str) -> bool:
    """Whether MongoDB takes the text wherever we put it: no NUL, no half of a surrogate pair."""
    return not _UNSTORABLE_CHARACTERS.search(text)


def is_property_key(key: str) -> bool:
    """Whether the text may be a key of metadata or of an event's properties."""
    well_formed = 1 <= len(key) <= 100 and "." not in key and not key.startswith("$")
    return well_formed and is_storable(key)


def split_path(path: str) -> tuple[str, ...]:
    """The keys of a path into data of any shape; none where nothing can lie at such a path."""
    if len(path) > MAX_PATH_LENGTH:
        return ()
    path_keys = tuple(path.split("."))
    return (
        path_keys
        if len(path_keys) <= MAX_PATH_KEYS and all(map(is_property_key, path_keys))
        else ()
    )


def is_event_name(name: str) -> bool:
    """Whether events may be called so."""
    return 1 <= len(name) <= 100 and is_storable(name)


def escape_event_name(name: str) -> str:
    """An event's name as a key of a document, where dots and dollars have a meaning."""
    return name.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def _label(path: str) -> str:
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in path.replace(".", " "))
    return words[:1].upper() + words[1:]


def _profile_field(path: str, type_: AttributeType = AttributeType.STRING) -> Field:
    return Field(path, tuple(path.split(".")), type_, FieldGroup.PROFILE, _label(path))


def _activity_field(path: str, type_: AttributeType, default: int | None = None) -> Field:
    document_keys = tuple(path.split("."))
    return Field(path, document_keys, type_, FieldGroup.ACTIVITY, _label(path), default=default)


_TEXT, _NUMBER, _DATETIME = AttributeType.STRING, AttributeType.NUMBER, AttributeType.DATETIME

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

FIELDS_BY_PATH = {known.path: known for known in FIELDS}
_ORDER_SUMMARY_FIELDS = {
    "count": FIELDS_BY_PATH["orders.totalCount"],
    "firstAt": FIELDS_BY_PATH["orders.firstOrderAt"],
    "lastAt": FIELDS_BY_PATH["orders.lastOrderAt"],
}


def activity_field(name: str, summary_key: str) -> Field | None:
    """What the customer's summary says of the events of a name: count, firstAt or lastAt."""
    if name == "order":
        return _ORDER_SUMMARY_FIELDS.get(summary_key)
    path, document_keys = (
        f"events.{name}.{summary_key}",
        ("events", escape_event_name(name), summary_key),
    )
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
