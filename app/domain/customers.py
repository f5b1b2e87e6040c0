"""A customer: one document of facts, and what may change of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.domain.inputs import Profile
from app.domain.json import is_small, same
from app.domain.orders import Summary
from app.errors import Code, Problem
from app.filters.calendar import nominal
from app.filters.fields import event_key
from app.filters.folding import fold

Document = Mapping[str, Any]

SEARCHED = ("name", "email", "phone", "sourceId")
_MERGED = ("address", "metadata")


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
    return fold(text)


class Draft:
    """A customer while one transaction works on it: all that it does makes one new version."""

    def __init__(self, id_: str, before: Document | None, source_id: str) -> None:
        self.id = id_
        self.before = before
        self.document: dict[str, Any] = (
            {"sourceId": source_id, "metadata": {}} if before is None else dict(before)
        )

    @property
    def version(self) -> int:
        """The version that this transaction brings."""
        before = self.before or {}
        return int(before.get("version") or 0) + 1

    def merge(self, changes: Mapping[str, Any]) -> None:
        """Lays fields over the profile: null removes, address and metadata merge key by key."""
        for key, value in changes.items():
            if key == "sourceId":
                continue
            if key in _MERGED:
                self._merge_object(key, value)
            elif value is None:
                self.document.pop(key, None)
            else:
                self.document[key] = value

    def lay_over(self, activity: Mapping[str, Mapping[str, Any]]) -> None:
        """Lays values over the activity, for one question: null makes one missing."""
        for key, values in activity.items():
            laid = dict(self.document.get(key) or {})
            for name, value in values.items():
                among_events = key == "events" and value is not None
                laid[name] = {**(laid.get(name) or {}), **value} if among_events else value
            self.document[key] = laid

    def _merge_object(self, key: str, changes: Mapping[str, Any] | None) -> None:
        merged = {} if changes is None else {**(self.document.get(key) or {}), **changes}
        kept = {inner: value for inner, value in merged.items() if value is not None}
        if kept or key == "metadata":
            self.document[key] = kept
        else:
            self.document.pop(key, None)

    def record_event(self, name: str, at: datetime) -> None:
        """Counts one more event of the name."""
        events = self.document.get("events") or {}
        known = events.get(event_key(name))
        counted = {
            "count": known["count"] + 1 if known else 1,
            "firstAt": min(known["firstAt"], at) if known else at,
            "lastAt": max(known["lastAt"], at) if known else at,
        }
        # What lies inside the document is shared with `before`: replaced, never mutated.
        self.document["events"] = {**events, event_key(name): counted}

    @property
    def orders(self) -> Summary:
        return Summary.of(self.document.get("orders") or {})

    @orders.setter
    def orders(self, summary: Summary) -> None:
        if summary.total_count:
            self.document["orders"] = summary.document()
        else:
            self.document.pop("orders", None)

    @property
    def changed(self) -> bool:
        return self.before is None or not same(self.document, self.before)

    def touch(self, now: datetime) -> None:
        """Stamps the new version."""
        if self.before is None:
            self.document["createdAt"] = now
        self.document["updatedAt"] = now
        self.document["version"] = self.version
        if "search" not in self.document or any(self._replaced(key) for key in SEARCHED):
            self.document["search"] = sorted(
                {search_key(str(self.document[key])) for key in SEARCHED if self.document.get(key)}
            )

    def _replaced(self, key: str) -> bool:
        return self.document.get(key) is not (self.before or {}).get(key)

    def oversize(self) -> Problem | None:
        """The problem of a profile that has grown too large."""
        profile = {k: v for k, v in self.document.items() if k not in ("events", "search")}
        if is_small(profile):
            return None
        return Problem(Code.INVALID, "The profile would exceed 1 MiB; send less.", ("metadata",))


def changes(profile: Profile) -> dict[str, Any]:
    """What was sent of a profile, as it is stored; metadata is taken separately."""
    sent = profile.sent()
    if isinstance(sent.get("birthdate"), date):
        sent["birthdate"] = nominal(sent["birthdate"])
    if profile.address is not None:
        sent["address"] = profile.address.sent()
    return sent
