"""Paging through a customer's timeline, newest first."""

from datetime import datetime
from typing import Any

from app.domain.ids import EntityKind, kind_of
from app.store.ids import to_object_id

# At the same instant, entries of a later kind come first.
_KIND_ORDER = list(EntityKind)


def older_than(
    cursor: tuple[datetime, str] | None, kind: EntityKind, key_field: str = "_id"
) -> dict[str, Any]:
    """The predicate of rows that follow the cursor (an instant and an id), which are older."""
    if cursor is None:
        return {}
    at, id_ = cursor
    cursor_kind = kind_of(id_)
    if cursor_kind is kind:
        return {
            "$or": [{"at": {"$lt": at}}, {"at": at, key_field: {"$lt": to_object_id(kind, id_)}}]
        }
    is_later_kind = cursor_kind is not None and _KIND_ORDER.index(kind) < _KIND_ORDER.index(
        cursor_kind
    )
    return {"at": {"$lte" if is_later_kind else "$lt": at}}


def sort_key(at: datetime, id_: str) -> tuple[datetime, int, str]:
    """The sort key of an entry in the timeline; the greatest comes first."""
    kind = kind_of(id_)
    return at, -1 if kind is None else _KIND_ORDER.index(kind), id_
