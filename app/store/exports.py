"""Exports: their definitions and progress. The row of an export is the truth; a job only wakes a
worker.

A worker holds an export by a lease that heartbeats keep. Each checkpoint is one transaction with
the data that it adds to the file. It matches the owner and the status of the row, so that a worker
which lost the lease, or whose export was canceled, can't commit. Instants are MongoDB's.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from app.domain.exports import (
    RECORD_RETENTION,
    ClaimedExport,
    Export,
    ExportCheckpoint,
    ExportDefinition,
    ExportFormat,
    ExportStatus,
    ExportSummary,
    RowOptions,
)
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.filter_references import (
    as_metadata_types,
    as_referenced_segments,
    metadata_rows,
    segment_rows,
)
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.leases import NO_HOLDER, Holder, Leases

Row = dict[str, Any]

_UNFINISHED: Row = {
    "status": {"$in": [status.value for status in ExportStatus if not status.has_ended]}
}
_IS_DUE: Row = {"$expr": {"$lte": ["$retryAt", "$$NOW"]}}
_IS_CLAIMABLE: Row = {**_UNFINISHED, **_IS_DUE}
_MAX_CLAIM_CANDIDATES = 10
# An export that has ended can't be claimed: nobody needs to know who held it.
_NOT_HELD: Row = {name: {"$literal": value} for name, value in NO_HOLDER.items()}


class Exports:
    """The exports collection."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._collection = database.exports
        self._leases = leases

    # --- for clients

    async def add(
        self, export: Export, definition: ExportDefinition, transaction: AsyncIOMotorClientSession
    ) -> None:
        row = {**_document(export, definition), **NO_HOLDER}
        await self._collection.insert_one(row, session=transaction)

    async def get(self, id_: str) -> Export | None:
        row = await self._collection.find_one({"_id": to_object_id(EntityKind.EXPORT, id_)})
        return None if row is None else _export(row)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Export]:
        """The existing ones of the exports by id."""
        query = {"_id": {"$in": to_object_ids(EntityKind.EXPORT, ids)}}
        exports = [_export(row) async for row in self._collection.find(query, _LISTED_FIELDS)]
        return {export.id: export for export in exports}

    async def page(self, segment_id: str | None, after: str | None, limit: int) -> list[Export]:
        """At most `limit` exports, newest first, after the id `after`; of one segment if given."""
        query: Row = {}
        if segment_id is not None:
            query["segmentId"] = to_object_id(EntityKind.SEGMENT, segment_id)
        if after is not None:
            query["_id"] = {"$lt": to_object_id(EntityKind.EXPORT, after)}
        cursor = self._collection.find(query, _LISTED_FIELDS).sort("_id", -1).limit(limit)
        return [_export(row) async for row in cursor]

    async def cancel(self, id_: str) -> Export | None:
        """Cancels the export; returns None if it does not exist or has ended."""
        query = {"_id": to_object_id(EntityKind.EXPORT, id_), **_UNFINISHED}
        row = await self._collection.find_one_and_update(
            query,
            [{"$set": _end_without_file(ExportStatus.CANCELED)}],
            return_document=ReturnDocument.AFTER,
        )
        return None if row is None else _export(row)

    async def summary(self) -> ExportSummary:
        """Counts the unfinished exports and the failed ones that are still listed."""
        statuses = (ExportStatus.SCHEDULED, ExportStatus.IN_PROGRESS, ExportStatus.FAILED)
        scheduled, in_progress, failed = [
            int(await self._collection.count_documents({"status": status.value}))
            for status in statuses
        ]
        oldest = await self._collection.find_one(
            {"status": ExportStatus.SCHEDULED.value}, {"queuedAt": 1}, sort=[("queuedAt", 1)]
        )
        return ExportSummary(scheduled, in_progress, failed, oldest["queuedAt"] if oldest else None)

    # --- for workers

    async def claim_next(self, holder: Holder) -> ClaimedExport | None:
        """Acquires the unfinished export that has waited longest since it last had a worker.
        Returns None if each has a live worker, or has failed and is not due yet."""
        available = {**_IS_CLAIMABLE, **await self._leases.unheld_query()}
        cursor = self._collection.find(available, {"_id": 1}).sort("queuedAt", 1)
        for candidate in await cursor.limit(_MAX_CLAIM_CANDIDATES).to_list(None):
            query = {"_id": candidate["_id"], **_IS_CLAIMABLE}
            if await self._leases.acquire_rows(self._collection, query, holder):
                break
        else:
            return None
        row = await self._collection.find_one_and_update(
            {"owner": holder.owner, **_UNFINISHED},
            {"$set": {"status": ExportStatus.IN_PROGRESS.value}, "$inc": {"attempts": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return None if row is None else _claimed_export(row)

    async def is_held(self, id_: str, owner: str) -> bool:
        """Whether the owner still holds the export. It does not once the export is canceled."""
        query = {"_id": to_object_id(EntityKind.EXPORT, id_), "owner": owner}
        return await self._collection.find_one(query, {"_id": 1}) is not None

    async def save_rows_total(self, id_: str, owner: str, rows_total: int) -> None:
        await self._collection.update_one(_held(id_, owner), {"$set": {"rowsTotal": rows_total}})

    async def save_checkpoint(
        self,
        id_: str,
        owner: str,
        checkpoint: ExportCheckpoint,
        transaction: AsyncIOMotorClientSession,
    ) -> bool:
        """Saves the progress. Returns False, and saves nothing, if the owner no longer holds the
        export."""
        update = {"$set": {**_checkpoint_fields(checkpoint), "attempts": 0, "hasChunks": True}}
        result = await self._collection.update_one(_held(id_, owner), update, session=transaction)
        return bool(result.matched_count)

    async def finish(
        self, id_: str, retention: timedelta, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Makes the export DONE. `retention` is how long its file can be downloaded."""
        fields = {
            "status": ExportStatus.DONE.value,
            "rowsTotal": "$rowsDone",
            "finishedAt": "$$NOW",
            "expiresAt": _after_now(retention),
            "deleteAt": _after_now(retention + RECORD_RETENTION),
            **_NOT_HELD,
        }
        query = {"_id": to_object_id(EntityKind.EXPORT, id_)}
        await self._collection.update_one(query, [{"$set": fields}], session=transaction)

    async def fail(self, id_: str, owner: str, error: str) -> None:
        """Makes the export FAILED, if the owner still holds it."""
        fields = {**_end_without_file(ExportStatus.FAILED), "error": {"$literal": error}}
        await self._collection.update_one(_held(id_, owner), [{"$set": fields}])

    async def release(
        self, id_: str, owner: str, *, retry_in: timedelta = timedelta(0), counts: bool = True
    ) -> None:
        """Puts the export at the end of the queue, to be claimed after `retry_in`. With
        counts=False the claim does not count as an attempt."""
        fields: Row = {"queuedAt": "$$NOW", "retryAt": _after_now(retry_in), **_NOT_HELD}
        if not counts:
            fields["attempts"] = {"$max": [0, {"$subtract": ["$attempts", 1]}]}
        await self._collection.update_one(_held(id_, owner), [{"$set": fields}])

    async def count_claimable(self, limit: int) -> int:
        """How many exports wait for a worker; counts at most `limit`."""
        query = {**_IS_CLAIMABLE, **await self._leases.unheld_query()}
        return int(await self._collection.count_documents(query, limit=limit))

    # --- for the sweep

    async def ids_with_obsolete_file(self, limit: int) -> list[str]:
        """At most `limit` exports whose file has expired, or that ended without a file."""
        ended_without_file = [ExportStatus.CANCELED.value, ExportStatus.FAILED.value]
        query = {
            "hasChunks": True,
            "$or": [
                {"status": {"$in": ended_without_file}},
                {"status": ExportStatus.DONE.value, "$expr": {"$lte": ["$expiresAt", "$$NOW"]}},
            ],
        }
        cursor = self._collection.find(query, {"_id": 1}).limit(limit)
        return [to_public_id(EntityKind.EXPORT, row["_id"]) async for row in cursor]

    async def forget_file(self, id_: str) -> None:
        """Records that the file has been deleted."""
        query = {"_id": to_object_id(EntityKind.EXPORT, id_)}
        await self._collection.update_one(query, {"$set": {"hasChunks": False}})

    async def delete_old(self) -> None:
        """Deletes the rows of exports whose retention is over and whose file is deleted."""
        query = {"hasChunks": False, "$expr": {"$lte": ["$deleteAt", "$$NOW"]}}
        await self._collection.delete_many({"deleteAt": {"$ne": None}, **query})


def _held(id_: str, owner: str) -> Row:
    in_progress = ExportStatus.IN_PROGRESS.value
    return {
        "_id": to_object_id(EntityKind.EXPORT, id_),
        "owner": owner,
        "status": in_progress,
    }


def _after_now(duration: timedelta) -> Row:
    return {"$add": ["$$NOW", duration // timedelta(milliseconds=1)]}


def _end_without_file(status: ExportStatus) -> Row:
    return {
        "status": status.value,
        "finishedAt": "$$NOW",
        "deleteAt": _after_now(RECORD_RETENTION),
        **_NOT_HELD,
    }


def _checkpoint_fields(checkpoint: ExportCheckpoint) -> Row:
    last_id = checkpoint.last_customer_id
    return {
        "lastCustomerId": last_id and to_object_id(EntityKind.CUSTOMER, last_id),
        "rowsDone": checkpoint.rows_done,
        "lengthBytes": checkpoint.length_bytes,
    }


# Without the definition, which may be large.
_LISTED_FIELDS: Row = {"definition": 0}


def _document(export: Export, definition: ExportDefinition) -> Row:
    options = definition.row_options
    max_id = definition.max_customer_id
    return {
        "_id": to_object_id(EntityKind.EXPORT, export.id),
        "segmentId": to_object_id(EntityKind.SEGMENT, export.segment_id),
        "segmentName": export.segment_name,
        "fields": list(export.fields),
        "format": export.format.value,
        "status": export.status.value,
        "definition": {
            "filter": definition.filter,
            "nestedSegments": segment_rows(definition.referenced_segments),
            "metadata": metadata_rows(options.metadata_types),
            "metadataKeys": definition.metadata_keys,
            "timeZone": definition.time_zone,
            "weekStart": definition.week_start,
            "now": definition.now,
            "maxCustomerId": max_id and to_object_id(EntityKind.CUSTOMER, max_id),
            "hasByteOrderMark": options.has_byte_order_mark,
            "escapesFormulas": options.escapes_formulas,
        },
        **_checkpoint_fields(ExportCheckpoint()),
        "rowsTotal": export.rows_total,
        "hasChunks": False,
        "attempts": 0,
        "createdAt": export.created_at,
        "queuedAt": export.created_at,
        "retryAt": export.created_at,
        "finishedAt": None,
        "expiresAt": None,
        "deleteAt": None,
        "error": None,
    }


def _export(row: Mapping[str, Any]) -> Export:
    status = ExportStatus(row["status"])
    return Export(
        id=to_public_id(EntityKind.EXPORT, row["_id"]),
        segment_id=to_public_id(EntityKind.SEGMENT, row["segmentId"]),
        segment_name=row["segmentName"],
        fields=tuple(row["fields"]),
        format=ExportFormat(row["format"]),
        status=status,
        rows_done=int(row["rowsDone"]),
        rows_total=None if row["rowsTotal"] is None else int(row["rowsTotal"]),
        created_at=row["createdAt"],
        finished_at=row["finishedAt"],
        expires_at=row["expiresAt"],
        error=row["error"],
        length_bytes=int(row["lengthBytes"]) if status is ExportStatus.DONE else None,
    )


def _claimed_export(row: Mapping[str, Any]) -> ClaimedExport:
    export, definition = _export(row), row["definition"]
    keys = definition["metadataKeys"]
    return ClaimedExport(
        export=export,
        definition=ExportDefinition(
            segment_id=export.segment_id,
            filter=definition["filter"],
            referenced_segments=as_referenced_segments(definition["nestedSegments"]),
            metadata_keys=None if keys is None else tuple(keys),
            time_zone=definition["timeZone"],
            week_start=definition["weekStart"],
            now=definition["now"],
            max_customer_id=_customer_id(definition["maxCustomerId"]),
            row_options=RowOptions(
                fields=export.fields,
                format=export.format,
                has_byte_order_mark=definition["hasByteOrderMark"],
                escapes_formulas=definition["escapesFormulas"],
                metadata_types=as_metadata_types(definition["metadata"]),
            ),
        ),
        checkpoint=ExportCheckpoint(
            _customer_id(row["lastCustomerId"]), export.rows_done, int(row["lengthBytes"])
        ),
        attempt=int(row["attempts"]),
    )


def _customer_id(object_id: Any) -> str | None:
    return None if object_id is None else to_public_id(EntityKind.CUSTOMER, object_id)
