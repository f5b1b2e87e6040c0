"""Memberships as the transition log has them: as of its last sequence, baselines included."""

from collections.abc import Iterable
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.store.change_stream import partition_of
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.partitions import as_progress

# A customer with its stored state and the progress of its partition.
_STATE_STAGES: list[dict[str, Any]] = [
    {"$project": {"partition": partition_of("$_id")}},
    {
        "$lookup": {
            "from": "membershipStates",
            "localField": "_id",
            "foreignField": "_id",
            "as": "states",
        }
    },
    {
        "$lookup": {
            "from": "partitions",
            "localField": "partition",
            "foreignField": "_id",
            "as": "partitions",
        }
    },
]


class LoggedMemberships:
    """Reads the engine's states of customers. The engine writes them in the transactions that
    append to the log, so in one snapshot they agree with the log."""

    def __init__(self, database: Database) -> None:
        self._customers = database.customers
        self._active_filters = database.activeFilters

    async def segments_of(
        self,
        customer_id: str,
        segment_ids: Iterable[str],
        transaction: AsyncIOMotorClientSession,
    ) -> dict[str, bool]:
        """Returns, by the id of the segment, whether the customer is a member.

        A segment is missing if the log does not tell yet: it is newly active, and the engine has
        not recorded the customer in its baseline. All are missing if the customer does not exist.
        """
        match = {"$match": {"_id": to_object_id(EntityKind.CUSTOMER, customer_id)}}
        cursor = self._customers.aggregate([match, *_STATE_STAGES], session=transaction)
        rows = await cursor.to_list(None)
        if not rows:
            return {}
        (row,) = rows
        (partition_row,) = row["partitions"]
        revision, bits = as_progress(partition_row).revision_of(customer_id), 0
        for state in row["states"]:
            revision = max(revision, state["revision"])
            bits = int.from_bytes(state["membershipBits"], "little")
        filters_in_force = self._active_filters.find(
            {
                "segmentId": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)},
                "sinceRevision": {"$lte": revision},
                "$or": [{"untilRevision": None}, {"untilRevision": {"$gt": revision}}],
            },
            {"segmentId": 1},
            session=transaction,
        )
        return {
            to_public_id(EntityKind.SEGMENT, filter_row["segmentId"]): bool(
                bits >> filter_row["_id"] & 1
            )
            async for filter_row in filters_in_force
        }
