"""Custom events. They are append-only; each has the customer version that added it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.events import Event
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.customers import existing_keys
from app.store.ids import to_object_id, to_public_id
from app.store.timeline import older_than, read_latest_of_customers


class Events:
    """The events collection, and eventNames: the names of all events."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.events
        self._names = database.eventNames

    async def used_idempotency_keys(
        self, keys: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> set[str]:
        """Returns the idempotency keys that an event already has.

        Removes the key from events of deleted customers, which the sweeper has not deleted yet,
        and counts it as free.
        """
        query = {"idempotencyKey": {"$in": list(keys)}}
        projection = {"idempotencyKey": 1, "customerId": 1}
        cursor = self._collection.find(query, projection, session=transaction)
        rows = await cursor.batch_size(len(keys) + 1).to_list(None)
        if not rows:
            return set()
        existing_customers = await existing_keys(
            self._database, (row["customerId"] for row in rows), transaction
        )
        if freed := [row["_id"] for row in rows if row["customerId"] not in existing_customers]:
            await self._collection.update_many(
                {"_id": {"$in": freed}}, {"$unset": {"idempotencyKey": ""}}, session=transaction
            )
        return {row["idempotencyKey"] for row in rows if row["customerId"] in existing_customers}

    async def names(self, transaction: AsyncIOMotorClientSession | None = None) -> set[str]:
        return {row["_id"] async for row in self._names.find({}, session=transaction)}

    async def add_names(self, names: Iterable[str], transaction: AsyncIOMotorClientSession) -> None:
        await self._names.insert_many([{"_id": name} for name in names], session=transaction)

    async def add(self, events: Sequence[Event], transaction: AsyncIOMotorClientSession) -> None:
        if events:
            await self._collection.insert_many(
                [_document(event) for event in events], session=transaction
            )

    async def get(self, id_: str) -> Event | None:
        """Returns the event; None if it or its customer does not exist."""
        document = await self._collection.find_one({"_id": to_object_id(EntityKind.EVENT, id_)})
        if document is None or not await existing_keys(self._database, [document["customerId"]]):
            return None
        return _event(document)

    async def latest(
        self, customer_ids: Iterable[str], after: tuple[datetime, str] | None, limit: int
    ) -> dict[str, list[Event]]:
        """By customer, at most `limit` events, newest first, older than the cursor `after`."""
        query = older_than(after, EntityKind.EVENT)
        rows = await read_latest_of_customers(self._collection, customer_ids, limit, query)
        return {id_: list(map(_event, documents)) for id_, documents in rows.items()}


def _document(event: Event) -> dict[str, Any]:
    document = {
        "_id": to_object_id(EntityKind.EVENT, event.id),
        "customerId": to_object_id(EntityKind.CUSTOMER, event.customer_id),
        "name": event.name,
        "at": event.at,
        "properties": event.properties,
        "sinceVersion": event.customer_version,
    }
    if event.idempotency_key is not None:
        document["idempotencyKey"] = event.idempotency_key
    return document


def _event(document: Mapping[str, Any]) -> Event:
    return Event(
        id=to_public_id(EntityKind.EVENT, document["_id"]),
        customer_id=to_public_id(EntityKind.CUSTOMER, document["customerId"]),
        name=document["name"],
        at=document["at"],
        properties=document.get("properties") or {},
        customer_version=document.get("sinceVersion", 0),
        idempotency_key=document.get("idempotencyKey"),
    )
