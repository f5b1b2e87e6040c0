"""A customer's document, and the changes that a transaction makes to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.domain.inputs import Profile
from app.domain.json_values import is_same_value, is_within_size_limit
from app.domain.orders import OrderSummary
from app.domain.search import SEARCH_FIELDS, SEARCHABLE_FIELDS, search_fields
from app.errors import Problem, UserErrorCode
from app.filters.calendar import utc_midnight
from app.filters.fields import escape_event_name
from app.filters.substring_index import NGRAMS_FIELD

Document = Mapping[str, Any]

_MERGED_FIELDS = ("address", "metadata")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as stored. Filters are evaluated against `document`."""

    id: str
    document: Document

    @property
    def source_id(self) -> str:
        return str(self.document["sourceId"])


class TrackedCustomer:
    """A customer that one transaction changes. All its changes together make one new version.

    `before` is the stored document, None for a new customer. `document` is the changed one.
    """

    def __init__(self, id_: str, before: Document | None, source_id: str) -> None:
        self.id = id_
        self.before = before
        self.document: dict[str, Any] = (
            {"sourceId": source_id, "metadata": {}} if before is None else dict(before)
        )

    @property
    def next_version(self) -> int:
        """The version of the customer after this transaction."""
        previous = self.before or {}
        return int(previous.get("version") or 0) + 1

    def merge(self, changes: Mapping[str, Any]) -> None:
        """Merges fields into the profile. None removes a field. Address and metadata are merged
        key by key."""
        for key, value in changes.items():
            if key == "sourceId":
                continue
            if key in _MERGED_FIELDS:
                self._merge_object(key, value)
            elif value is None:
                self.document.pop(key, None)
            else:
                self.document[key] = value

    def override_activity(self, activity: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces values of the activity for a what-if evaluation; the result is not stored. None
        makes a value missing."""
        for key, values in activity.items():
            overridden = dict(self.document.get(key) or {})
            for name, value in values.items():
                is_event = key == "events" and value is not None
                overridden[name] = {**(overridden.get(name) or {}), **value} if is_event else value
            self.document[key] = overridden

    def _merge_object(self, key: str, changes: Mapping[str, Any] | None) -> None:
        merged = {} if changes is None else {**(self.document.get(key) or {}), **changes}
        remaining = {inner_key: value for inner_key, value in merged.items() if value is not None}
        if remaining or key == "metadata":
            self.document[key] = remaining
        else:
            self.document.pop(key, None)

    def record_event(self, name: str, at: datetime) -> None:
        """Adds an event with this name to the counters of the customer."""
        events = self.document.get("events") or {}
        previous = events.get(escape_event_name(name))
        updated = {
            "count": previous["count"] + 1 if previous else 1,
            "firstAt": min(previous["firstAt"], at) if previous else at,
            "lastAt": max(previous["lastAt"], at) if previous else at,
        }
        # Nested objects are shared with `before`, so they are replaced and never mutated.
        self.document["events"] = {**events, escape_event_name(name): updated}

    @property
    def orders(self) -> OrderSummary:
        return OrderSummary.from_document(self.document.get("orders") or {})

    @orders.setter
    def orders(self, summary: OrderSummary) -> None:
        if summary.total_count:
            self.document["orders"] = summary.to_document()
        else:
            self.document.pop("orders", None)

    @property
    def is_changed(self) -> bool:
        return self.before is None or not is_same_value(self.document, self.before)

    def touch(self, now: datetime) -> None:
        """Sets the version, the timestamps and, if needed, the search fields."""
        if self.before is None:
            self.document["createdAt"] = now
        self.document["updatedAt"] = now
        self.document["version"] = self.next_version
        has_search_fields = self.document.get("searchTokens") and self.document.get(NGRAMS_FIELD)
        if not has_search_fields or any(map(self._is_replaced, SEARCHABLE_FIELDS)):
            self.document |= search_fields(self.document)

    def _is_replaced(self, key: str) -> bool:
        return self.document.get(key) is not (self.before or {}).get(key)

    def check_size(self) -> Problem | None:
        """Returns a problem if the profile exceeds 1 MiB, else None."""
        profile = {
            key: value
            for key, value in self.document.items()
            if key not in ("events", *SEARCH_FIELDS)
        }
        if is_within_size_limit(profile):
            return None
        return Problem(
            UserErrorCode.INVALID, "The profile would exceed 1 MiB; send less.", ("metadata",)
        )


def to_stored_fields(profile: Profile) -> dict[str, Any]:
    """Returns the sent fields of a profile as they are stored. The caller encodes metadata, which
    needs the metadata definitions."""
    fields = profile.sent_fields()
    if isinstance(fields.get("birthdate"), date):
        fields["birthdate"] = utc_midnight(fields["birthdate"])
    if profile.address is not None:
        fields["address"] = profile.address.sent_fields()
    return fields
