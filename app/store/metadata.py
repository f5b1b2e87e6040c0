"""What the project has defined of its customers' metadata."""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.metadata import Definition, DefinitionState
from app.filters.fields import AttributeType
from app.store.collections import Database


class MetadataDefinitions:
    """The metadataDefinitions collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.metadataDefinitions

    async def all(self, transaction: AsyncIOMotorClientSession | None = None) -> list[Definition]:
        found = self._collection.find(session=transaction).sort("_id", 1)
        return [_definition(document) async for document in found]

    async def save(self, definition: Definition, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.replace_one(
            {"_id": definition.key}, _document(definition), upsert=True, session=transaction
        )


def _document(definition: Definition) -> dict[str, Any]:
    return {
        "type": definition.type.value,
        "isArray": definition.is_array,
        "required": definition.required,
        "allowedValues": definition.allowed_values,
        "label": definition.label,
        "state": definition.state.value,
        "problem": definition.problem,
    }


def _definition(document: Mapping[str, Any]) -> Definition:
    allowed = document["allowedValues"]
    return Definition(
        key=document["_id"],
        type=AttributeType(document["type"]),
        is_array=document["isArray"],
        required=document["required"],
        allowed_values=None if allowed is None else tuple(allowed),
        label=document["label"],
        state=DefinitionState(document["state"]),
        problem=document["problem"],
    )
