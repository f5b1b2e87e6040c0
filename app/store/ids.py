"""Public ids and what MongoDB keys its documents by."""

from collections.abc import Iterable

from bson import ObjectId

from app.domain.ids import EntityKind, kind_of


def to_object_id(kind: EntityKind, id_: str) -> ObjectId | None:
    """The key behind an id; None where the id is of another kind, or none at all."""
    return ObjectId(id_.partition("_")[2]) if kind_of(id_) is kind else None


def to_object_ids(kind: EntityKind, ids: Iterable[str]) -> list[ObjectId]:
    """The keys behind those ids that are of the kind."""
    return [object_id for id_ in ids if (object_id := to_object_id(kind, id_)) is not None]


def to_public_id(kind: EntityKind, object_id: ObjectId) -> str:
    """The id that stands for a document outside."""
    return f"{kind.value}_{object_id}"


def new_id(kind: EntityKind) -> str:
    """An id that nothing has yet."""
    return to_public_id(kind, ObjectId())
