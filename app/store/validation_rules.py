"""Validation rules. They are read as part of the definitions: see `definitions`."""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.validation_rules import ValidationRule
from app.store.collections import Database
from app.store.ids import to_object_id, to_public_id
from app.store.segments import DELETED_SEGMENT_RETENTION_REVISIONS


class ValidationRules:
    """The validationRules collection. The row of a deleted rule stays for a while, so that other
    processes see the deletion."""

    def __init__(self, database: Database) -> None:
        self._collection = database.validationRules

    async def save(
        self, rule: ValidationRule, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds the rule, or replaces the one with its id. `revision` is the definitions revision
        of this transaction."""
        row = {
            "name": rule.name,
            "filter": rule.filter,
            "errorMessage": rule.error_message,
            "createdAt": rule.created_at,
            "revision": revision,
        }
        query = {"_id": to_object_id(EntityKind.VALIDATION_RULE, rule.id)}
        await self._collection.replace_one(query, row, upsert=True, session=transaction)

    async def delete(self, id_: str, revision: int, transaction: AsyncIOMotorClientSession) -> None:
        """Replaces the rule by a tombstone with `revision`, the definitions revision of this
        transaction."""
        query = {"_id": to_object_id(EntityKind.VALIDATION_RULE, id_)}
        tombstone = {"deleted": True, "revision": revision}
        await self._collection.replace_one(query, tombstone, session=transaction)
        oldest_revision = revision - DELETED_SEGMENT_RETENTION_REVISIONS
        expired = {"deleted": True, "revision": {"$lte": oldest_revision}}
        await self._collection.delete_many(expired, session=transaction)


def as_validation_rule(row: Mapping[str, Any]) -> ValidationRule:
    return ValidationRule(
        id=to_public_id(EntityKind.VALIDATION_RULE, row["_id"]),
        name=row["name"],
        filter=row["filter"],
        error_message=row["errorMessage"],
        created_at=row["createdAt"],
    )
