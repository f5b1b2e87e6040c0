"""Quarantine (a dead letter queue): transitions that a consumer failed to handle.

A row contains the transition itself, because retention may delete it from the log.
"""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.consumers import Consumer, QuarantinedTransition
from app.domain.transitions import Transition
from app.store.collections import Database
from app.store.transitions import as_document, as_transition

_MAX_ERROR_LENGTH = 1_000
_MAX_RETRY_SECONDS = 60


class Quarantine:
    """The quarantine collection.

    The consumer retries each row after 1, 2, 4, … seconds, at most one minute, until it succeeds.
    """

    def __init__(self, database: Database) -> None:
        self._collection = database.quarantine

    async def add(
        self,
        consumer: Consumer,
        transition: Transition,
        error: str,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        row = [
            {
                "$set": {
                    "consumer": consumer.value,
                    "transition": {"$literal": as_document(transition)},
                    "error": {"$literal": error[:_MAX_ERROR_LENGTH]},
                    "firstFailedAt": "$$NOW",
                    "tries": 1,
                    "retryAt": {"$add": ["$$NOW", 1_000]},
                }
            }
        ]
        query = {"_id": _key(consumer, transition)}
        await self._collection.update_one(query, row, upsert=True, session=transaction)

    async def due_retries(self, consumer: Consumer, limit: int) -> list[QuarantinedTransition]:
        """At most `limit` transitions whose retry is due, earliest first."""
        query = {"consumer": consumer.value, "$expr": {"$lte": ["$retryAt", "$$NOW"]}}
        rows = self._collection.find(query).sort("retryAt", 1).limit(limit)
        return [_quarantined(row) async for row in rows]

    async def schedule_retry(self, quarantined: QuarantinedTransition, error: str) -> None:
        """Records another failure and schedules the next retry."""
        pause_seconds = {"$min": [{"$pow": [2, {"$min": ["$tries", 10]}]}, _MAX_RETRY_SECONDS]}
        update = {
            "error": {"$literal": error[:_MAX_ERROR_LENGTH]},
            "tries": {"$add": ["$tries", 1]},
            "retryAt": {"$add": ["$$NOW", {"$multiply": [pause_seconds, 1_000]}]},
        }
        query = {"_id": _key(quarantined.consumer, quarantined.transition)}
        await self._collection.update_one(query, [{"$set": update}])

    async def remove(
        self, quarantined: QuarantinedTransition, transaction: AsyncIOMotorClientSession
    ) -> bool:
        """Removes the row. Returns False if it was removed already."""
        query = {"_id": _key(quarantined.consumer, quarantined.transition)}
        return bool((await self._collection.delete_one(query, session=transaction)).deleted_count)

    async def count(self, consumer: Consumer) -> int:
        return int(await self._collection.count_documents({"consumer": consumer.value}))

    async def count_customers(self, consumer: Consumer) -> int:
        """The number of customers with quarantined transitions."""
        customer_keys = await self._collection.distinct(
            "transition.customerId", {"consumer": consumer.value}
        )
        return len(customer_keys)

    async def first_sequence(
        self, consumer: Consumer, transaction: AsyncIOMotorClientSession
    ) -> int | None:
        """The first sequence in quarantine; None if there is none."""
        row = await self._collection.find_one(
            {"consumer": consumer.value},
            {"transition._id": 1},
            sort=[("transition._id", 1)],
            session=transaction,
        )
        return None if row is None else int(str(row["transition"]["_id"]), 16)

    async def oldest(self, consumer: Consumer, limit: int) -> list[QuarantinedTransition]:
        rows = (
            self._collection.find({"consumer": consumer.value})
            .sort("firstFailedAt", 1)
            .limit(limit)
        )
        return [_quarantined(row) async for row in rows]


def _key(consumer: Consumer, transition: Transition) -> str:
    return f"{consumer.value} {transition.sequence}"


def _quarantined(row: Mapping[str, Any]) -> QuarantinedTransition:
    return QuarantinedTransition(
        Consumer(row["consumer"]),
        as_transition(row["transition"]),
        row["error"],
        row["firstFailedAt"],
        row["tries"],
    )
