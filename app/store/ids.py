"""Public ids and what MongoDB keys its documents by."""

from collections.abc import Iterable

from bson import ObjectId

from app.domain.ids import Kind, kind_of


def key(kind: Kind, id_: str) -> ObjectId | None:
    """The key behind an id; None where the id is of another kind, or none at all."""
    return ObjectId(id_.partition("_")[2]) if kind_of(id_) is kind else None


def keys(kind: Kind, ids: Iterable[str]) -> list[ObjectId]:
    """The keys behind those ids that are of the kind."""
    return [found for id_ in ids if (found := key(kind, id_)) is not None]


def public(kind: Kind, key_: ObjectId) -> str:
    """The id that stands for a document outside."""
    return f"{kind.value}_{key_}"


def new_id(kind: Kind) -> str:
    """An id that nothing has yet."""
    return public(kind, ObjectId())
