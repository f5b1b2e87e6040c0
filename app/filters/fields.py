"""What a filter may ask about: every path, its type, and where it is stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

LONGEST_PATH = 1_000
# A path's keys: every one costs a guard in each query, and MongoDB itself nests no deeper than 100.
MOST_KEYS = 20

# Asked so often that it counts: a union would be built anew each time.
_NUMBERS = (int, float)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class AttributeType(Enum):
    """The type of a path's values."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"
    GEOPOINT = "GEOPOINT"
    OBJECT = "OBJECT"


class Group(Enum):
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
    stored: tuple[str, ...]
    type: AttributeType | None
    group: Group
    label: str
    is_array: bool = False
    default: int | None = None
    indexed: bool = True

    def read(self, document: Mapping[str, Any]) -> object:
        """What lies at the path: None where it is missing. Does not reach through arrays."""
        found: object = document
        for key in self.stored:
            # That a dict is a mapping is soonest seen so.
            if found.__class__ is not dict and not isinstance(found, Mapping):
                found = None
                break
            found = found.get(key)
        if self.default is not None and not is_number(found):
            return self.default
        return found

    @property
    def address(self) -> str:
        """The path in MongoDB's dotted form."""
        return ".".join(self.stored)

    @property
    def free(self) -> bool:
        """Whether the stored value may have any shape, an array for one."""
        return self.group is Group.METADATA


def is_number(value: object) -> bool:
    """Whether MongoDB takes the value for a number: a boolean is none."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def is_point(value: object) -> bool:
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
    return not _UNSTORABLE.search(text)


def is_key(key: str) -> bool:
    """Whether the text may be a key of metadata or of an event's properties."""
    well_formed = 1 <= len(key) <= 100 and "." not in key and not key.startswith("$")
    return well_formed and is_storable(key)


def keys(path: str) -> tuple[str, ...]:
    """The keys of a path into data of any shape; none where nothing can lie at such a path."""
    if len(path) > LONGEST_PATH:
        return ()
    found = tuple(path.split("."))
    return found if len(found) <= MOST_KEYS and all(map(is_key, found)) else ()


def is_event_name(name: str) -> bool:
    """Whether events may be called so."""
    return 1 <= len(name) <= 100 and is_storable(name)


def event_key(name: str) -> str:
    """An event's name as a key of a document, where dots and dollars have a meaning."""
    return name.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def _label(path: str) -> str:
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in path.replace(".", " "))
    return words[:1].upper() + words[1:]


def _profile(path: str, type_: AttributeType = AttributeType.STRING) -> Field:
    return Field(path, tuple(path.split(".")), type_, Group.PROFILE, _label(path))


def _activity(path: str, type_: AttributeType, default: int | None = None) -> Field:
    stored = tuple(path.split("."))
    return Field(path, stored, type_, Group.ACTIVITY, _label(path), default=default)


_TEXT, _NUMBER, _DATETIME = AttributeType.STRING, AttributeType.NUMBER, AttributeType.DATETIME

FIELDS: tuple[Field, ...] = (
    _profile("sourceId"),
    _profile("name"),
    _profile("email"),
    _profile("phone"),
    _profile("description"),
    _profile("birthdate", AttributeType.DATE),
    _profile("source"),
    _profile("createdAt", _DATETIME),
    _profile("updatedAt", _DATETIME),
    _profile("address.line1"),
    _profile("address.line2"),
    _profile("address.city"),
    _profile("address.state"),
    _profile("address.postalCode"),
    _profile("address.country"),
    _activity("orders.totalCount", _NUMBER, default=0),
    _activity("orders.totalAmount", _NUMBER, default=0),
    _activity("orders.averageAmount", _NUMBER),
    _activity("orders.lastOrderAmount", _NUMBER),
    _activity("orders.firstOrderAt", _DATETIME),
    _activity("orders.lastOrderAt", _DATETIME),
    _activity("loyalty.points", _NUMBER, default=0),
)

BY_PATH = {known.path: known for known in FIELDS}
_ORDER_FIELDS = {
    "count": BY_PATH["orders.totalCount"],
    "firstAt": BY_PATH["orders.firstOrderAt"],
    "lastAt": BY_PATH["orders.lastOrderAt"],
}


def activity(name: str, which: str) -> Field | None:
    """What the customer's summary says of the events of a name: count, firstAt or lastAt."""
    if name == "order":
        return _ORDER_FIELDS.get(which)
    path, stored = f"events.{name}.{which}", ("events", event_key(name), which)
    match which:
        case "count":
            return Field(path, stored, _NUMBER, Group.ACTIVITY, f"{name}: count", default=0)
        case "firstAt" | "lastAt":
            words = "first" if which == "firstAt" else "last"
            return Field(path, stored, _DATETIME, Group.ACTIVITY, f"{name}: {words} at")
        case _:
            return None
