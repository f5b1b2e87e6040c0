"""A customer: one document of facts, and what may change of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.domain.inputs import Profile
from app.domain.json_values import is_same_value, is_within_size_limit
from app.domain.orders import OrderSummary
from app.errors import Problem, UserErrorCode
from app.filters.calendar import utc_midnight
from app.filters.case_folding import fold_case
from app.filters.fields import escape_event_name

Document = Mapping[str, Any]

SEARCHABLE_FIELDS = ("name", "email", "phone", "sourceId")
_MERGED_FIELDS = ("address", "metadata")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as stored; `document` is what filters are asked of."""

    id: str
    document: Document

    @property
    def source_id(self) -> str:
        return str(self.document["sourceId"])


def search_key(text: str) -> str:
    """What a search compares: the text without its case."""
    return fold_case(text)


class TrackedCustomer:
    """A customer while one transaction works on it: all that it does makes one new version."""

    def __init__(self, id_: str, before: Document | None, source_id: str) -> None:
        self.id = id_
        self.before = before
        self.document: dict[str, Any] = (
            {"sourceId": source_id, "metadata": {}} if before is None else dict(before)
        )

    @property
    def next_version(self) -> int:
        """The version that this transaction brings."""
        previous = self.before or {}
        return int(previous.get("version") or 0) + 1

    def merge(self, changes: Mapping[str, Any]) -> None:
        """Lays fields over the profile: null removes, address and metadata merge key by key."""
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
        """Lays values over the activity, for one question: null makes one missing."""
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
        """Counts one more event of the name."""
        events = self.document.get("events") or {}
        previous = events.get(escape_event_name(name))
        updated = {
            "count": previous["count"] + 1 if previous else 1,
            "firstAt": min(previous["firstAt"], at) if previous else at,
            "lastAt": max(previous["lastAt"], at) if previous else at,
        }
        # What lies inside the document is shared with `before`: replaced, never mutated.
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
        """Stamps the new version."""
        if self.before is None:
            self.document["createdAt"] = now
        self.document["updatedAt"] = now
        self.document["version"] = self.next_version
        if "searchKeys" not in self.document or any(
            self._is_replaced(key) for key in SEARCHABLE_FIELDS
        ):
            self.document["searchKeys"] = sorted(
                {
                    search_key(str(self.document[key]))
                    for key in SEARCHABLE_FIELDS
                    if self.document.get(key)
                }
            )

    def _is_replaced(self, key: str) -> bool:
        return self.document.get(key) is not (self.before or {}).get(key)

    def check_size(self) -> Problem | None:
        """The problem of a profile that has grown too large."""
        profile = {k: v for k, v in self.document.items() if k not in ("events", "searchKeys")}
        if is_within_size_limit(profile):
            return None
        return Problem(
            UserErrorCode.INVALID, "The profile would exceed 1 MiB; send less.", ("metadata",)
        )


def to_stored_fields(profile: Profile) -> dict[str, Any]:
    """What was sent of a profile, as it is stored; metadata is taken separately."""
    fields = profile.sent_fields()
    if isinstance(fields.get("birthdate"), date):
        fields["birthdate"] = utc_midnight(fields["birthdate"])
    if profile.address is not None:
        fields["address"] = profile.address.sent_fields()
    return fields
