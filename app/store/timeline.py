"""Paging through what happened, the latest first."""

from datetime import datetime
from typing import Any

from app.domain.ids import Kind, kind_of
from app.store.ids import key

# Of things that happened at one moment, those of a later kind come first.
_KINDS = list(Kind)


def before(
    place: tuple[datetime, str] | None, kind: Kind, key_field: str = "_id"
) -> dict[str, Any]:
    """The predicate of rows that come after a place in the timeline: earlier ones."""
    if place is None:
        return {}
    at, id_ = place
    placed = kind_of(id_)
    if placed is kind:
        return {"$or": [{"at": {"$lt": at}}, {"at": at, key_field: {"$lt": key(kind, id_)}}]}
    later = placed is not None and _KINDS.index(kind) < _KINDS.index(placed)
    return {"at": {"$lte" if later else "$lt": at}}


def rank(at: datetime, id_: str) -> tuple[datetime, int, str]:
    """Where a thing stands in the timeline; the greatest comes first."""
    kind = kind_of(id_)
    return at, -1 if kind is None else _KINDS.index(kind), id_
