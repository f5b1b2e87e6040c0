"""Converts between public ids (`cus_…`) and MongoDB's ObjectIds."""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId

from app.domain.ids import EntityKind, kind_of


def to_object_id(kind: EntityKind, id_: str) -> ObjectId | None:
    """The ObjectId of a public id; None if the id is malformed or of another kind."""
    return ObjectId(id_.partition("_")[2]) if kind_of(id_) is kind else None


def to_object_ids(kind: EntityKind, ids: Iterable[str]) -> list[ObjectId]:
    """The ObjectIds of the ids of this kind; skips other ids."""
    return [object_id for id_ in ids if (object_id := to_object_id(kind, id_)) is not None]


def to_public_id(kind: EntityKind, object_id: ObjectId) -> str:
    """The public id of a document."""
    return f"{kind.value}_{object_id}"


def new_id(kind: EntityKind) -> str:
    """A new public id."""
    return to_public_id(kind, ObjectId())


def to_customer_id(document: Mapping[str, Any]) -> str:
    """The public id of a customer's document."""
    return to_public_id(EntityKind.CUSTOMER, document["_id"])
