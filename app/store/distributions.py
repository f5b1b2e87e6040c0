"""Distributions. Deleted ones stay, because deliveries refer to them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.distributions import (
    Channel,
    Distribution,
    EmailChannel,
    MemberBackfill,
    SigningSecret,
    WebhookChannel,
)
from app.domain.engine_status import FailingDistribution
from app.domain.ids import EntityKind
from app.domain.log_interval import LogInterval
from app.domain.transitions import TransitionType
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.recorded_failures import as_failure, failure_fields

_NOT_DELETED = {"deleted": False}


class DistributionProgress(NamedTuple):
    """A distribution, and the progress of its member backfill; None if it needs none."""

    distribution: Distribution
    member_backfill: MemberBackfill | None


class Distributions:
    """The distributions collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.distributions

    async def segments_used_after(
        self, transaction: AsyncIOMotorClientSession, sequence: int
    ) -> list[str]:
        """The segments of the distributions that apply to some of the log after a sequence."""
        segment_keys = await self._collection.distinct(
            "segmentId", _affected_after(sequence), session=transaction
        )
        return [to_public_id(EntityKind.SEGMENT, key) for key in segment_keys]

    async def affected(
        self,
        segment_ids: Sequence[str],
        first_sequence: int,
        transaction: AsyncIOMotorClientSession,
    ) -> list[DistributionProgress]:
        """The segments' distributions that apply to some of the log from `first_sequence` on."""
        query = {
            "segmentId": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)},
            **_affected_after(first_sequence - 1),
        }
        cursor = self._collection.find(query, session=transaction).sort("_id", 1)
        return [_progress(row) async for row in cursor]

    async def get_progress(
        self, id_: str, transaction: AsyncIOMotorClientSession
    ) -> DistributionProgress | None:
        """The distribution with its member backfill; None if it is deleted."""
        query = {"_id": to_object_id(EntityKind.DISTRIBUTION, id_), **_NOT_DELETED}
        row = await self._collection.find_one(query, session=transaction)
        return None if row is None else _progress(row)

    async def with_unfinished_backfill(self) -> list[DistributionProgress]:
        query = {**_NOT_DELETED, "memberBackfill": {"$ne": None}, "memberBackfill.through": None}
        return [_progress(row) async for row in self._collection.find(query).sort("_id", 1)]

    async def min_backfill_sequence(self, checkpoint_sequence: int) -> int | None:
        """The last sequence before the transitions that a member backfill still needs; None if none
        does. `checkpoint_sequence` is that of the deliveries consumer."""
        query = {
            **_NOT_DELETED,
            "memberBackfill": {"$ne": None},
            "$or": [
                {"memberBackfill.through": None},
                {"memberBackfill.through": {"$gt": checkpoint_sequence}},
            ],
        }
        rows = self._collection.find(query, {"liveIntervals": {"$slice": 1}})
        return min([int(row["liveIntervals"][0]["after"]) async for row in rows], default=None)

    async def without_need_of_history(self, checkpoint_sequence: int) -> list[str]:
        """The ids of the distributions that make no delivery depend on earlier ones: they have no
        limit for each customer and need no member backfill, or they are deleted.
        `checkpoint_sequence` is that of the deliveries consumer."""
        query = {
            "$or": [
                {"deleted": True},
                {"maxPerCustomer": None, "memberBackfill": None},
                {"maxPerCustomer": None, "memberBackfill.through": {"$lte": checkpoint_sequence}},
            ]
        }
        cursor = self._collection.find(query, {"_id": 1}).sort("_id", 1)
        return [to_public_id(EntityKind.DISTRIBUTION, row["_id"]) async for row in cursor]

    async def code_pool_ids(self) -> set[str]:
        """The ids of the code pools that distributions use."""
        query = {**_NOT_DELETED, "codePoolId": {"$ne": None}}
        return {*await self._collection.distinct("codePoolId", query)}

    async def save_backfill(
        self, id_: str, backfill: MemberBackfill, transaction: AsyncIOMotorClientSession
    ) -> None:
        update = {"$set": {"memberBackfill": _backfill_document(backfill)}}
        query = {"_id": to_object_id(EntityKind.DISTRIBUTION, id_)}
        await self._collection.update_one(query, update, session=transaction)

    async def deleted_with_unfinished_deliveries(self) -> list[str]:
        """The ids of deleted distributions whose deliveries have yet to be canceled."""
        cursor = self._collection.find({"deleted": True, "isCanceled": False}, {"_id": 1})
        return [to_public_id(EntityKind.DISTRIBUTION, row["_id"]) async for row in cursor]

    async def paused_ids(self) -> list[str]:
        query = {**_NOT_DELETED, "liveIntervals": {"$not": {"$elemMatch": {"through": None}}}}
        cursor = self._collection.find(query, {"_id": 1})
        return [to_public_id(EntityKind.DISTRIBUTION, row["_id"]) async for row in cursor]

    async def set_canceled(self, id_: str) -> None:
        """Records that the deliveries of a deleted distribution are canceled."""
        query = {"_id": to_object_id(EntityKind.DISTRIBUTION, id_)}
        update = {"$set": {"isCanceled": True}, "$unset": {"upkeepFailure": ""}}
        await self._collection.update_one(query, update)

    # --- failures of the upkeep

    async def save_upkeep_failure(self, id_: str, task: str, error: str) -> None:
        """Records the error that stops this task for the distribution."""
        query = {"_id": to_object_id(EntityKind.DISTRIBUTION, id_)}
        update = [{"$set": {"upkeepFailure": {"task": task, **failure_fields(error)}}}]
        await self._collection.update_one(query, update)

    async def clear_upkeep_failure(self, id_: str, task: str) -> None:
        """Deletes the recorded failure of the task."""
        query = {"_id": to_object_id(EntityKind.DISTRIBUTION, id_), "upkeepFailure.task": task}
        await self._collection.update_one(query, {"$unset": {"upkeepFailure": ""}})

    async def clear_upkeep_failures(self) -> None:
        """Deletes the recorded failures of all distributions."""
        query = {"upkeepFailure": {"$exists": True}}
        await self._collection.update_many(query, {"$unset": {"upkeepFailure": ""}})

    async def with_upkeep_failure(self, limit: int) -> list[FailingDistribution]:
        """At most `limit` distributions whose upkeep fails, the latest failure first."""
        query = {"upkeepFailure": {"$exists": True}}
        cursor = self._collection.find(query, {"name": 1, "upkeepFailure": 1})
        return [
            FailingDistribution(
                to_public_id(EntityKind.DISTRIBUTION, row["_id"]),
                row["name"],
                row["upkeepFailure"]["task"],
                as_failure(row["upkeepFailure"]),
            )
            async for row in cursor.sort("upkeepFailure.at", -1).limit(limit)
        ]

    # --- changes

    async def add(
        self,
        distribution: Distribution,
        backfill: MemberBackfill | None,
        revision: int,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Adds the distribution; `revision` is the definitions revision of this transaction."""
        row = {
            "_id": to_object_id(EntityKind.DISTRIBUTION, distribution.id),
            **_document(distribution),
            "memberBackfill": None if backfill is None else _backfill_document(backfill),
            "isCanceled": False,
            "revision": revision,
        }
        await self._collection.insert_one(row, session=transaction)

    async def save(
        self, distribution: Distribution, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Saves a change; `revision` is the definitions revision of this transaction."""
        query = {"_id": to_object_id(EntityKind.DISTRIBUTION, distribution.id)}
        update = {"$set": {**_document(distribution), "revision": revision}}
        await self._collection.update_one(query, update, session=transaction)


def _affected_after(sequence: int) -> dict[str, Any]:
    """The distributions that make deliveries for some of the log after a sequence."""
    return {
        **_NOT_DELETED,
        "$or": [
            {"liveIntervals": {"$elemMatch": {"through": None}}},
            {"liveIntervals": {"$elemMatch": {"through": {"$gt": sequence}}}},
            {"memberBackfill": {"$ne": None}, "memberBackfill.through": None},
            {"memberBackfill.through": {"$gt": sequence}},
        ],
    }


def _document(distribution: Distribution) -> dict[str, Any]:
    pool_id = distribution.code_pool_id
    return {
        "name": distribution.name,
        "segmentId": to_object_id(EntityKind.SEGMENT, distribution.segment_id),
        "on": distribution.on.value,
        "channel": channel_document(distribution.channel),
        "createdAt": distribution.created_at,
        "liveIntervals": [
            {"after": interval.after_sequence, "through": interval.through_sequence}
            for interval in distribution.live_intervals
        ],
        "secrets": [
            {"secret": secret.secret, "validUntil": secret.valid_until}
            for secret in distribution.secrets
        ],
        "codePoolId": pool_id,
        "maxPerCustomer": distribution.max_per_customer,
        "includesCurrentMembers": distribution.includes_current_members,
        "pausedBecause": distribution.paused_because,
        "deleted": distribution.is_deleted,
    }


def as_distribution(row: Mapping[str, Any]) -> Distribution:
    return Distribution(
        id=to_public_id(EntityKind.DISTRIBUTION, row["_id"]),
        name=row["name"],
        segment_id=to_public_id(EntityKind.SEGMENT, row["segmentId"]),
        on=TransitionType(row["on"]),
        channel=as_channel(row["channel"]),
        created_at=row["createdAt"],
        live_intervals=tuple(
            LogInterval(interval["after"], interval["through"]) for interval in row["liveIntervals"]
        ),
        secrets=tuple(
            SigningSecret(secret["secret"], secret["validUntil"]) for secret in row["secrets"]
        ),
        code_pool_id=row["codePoolId"],
        max_per_customer=row["maxPerCustomer"],
        includes_current_members=row["includesCurrentMembers"],
        paused_because=row["pausedBecause"],
        is_deleted=row["deleted"],
    )


def channel_document(channel: Channel) -> dict[str, Any]:
    if isinstance(channel, EmailChannel):
        return {"email": {"subject": channel.subject, "body": channel.body}}
    # As a list: the names of headers may hold dots.
    headers = [{"name": name, "value": value} for name, value in channel.headers.items()]
    return {"webhook": {"url": channel.url, "headers": headers}}


def as_channel(row: Mapping[str, Any]) -> Channel:
    if email := row.get("email"):
        return EmailChannel(email["subject"], email["body"])
    webhook = row["webhook"]
    headers = {header["name"]: header["value"] for header in webhook["headers"]}
    return WebhookChannel(webhook["url"], headers)


def _backfill_document(backfill: MemberBackfill) -> dict[str, Any]:
    return {
        "filterRevision": backfill.filter_revision,
        "lastCustomerId": backfill.last_customer_id,
        "through": backfill.through_sequence,
    }


def _progress(row: Mapping[str, Any]) -> DistributionProgress:
    backfill = row["memberBackfill"]
    return DistributionProgress(
        as_distribution(row),
        backfill
        and MemberBackfill(
            backfill["filterRevision"], backfill["lastCustomerId"], backfill["through"]
        ),
    )
