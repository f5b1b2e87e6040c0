"""What was done to segments, in the order of the definitions revisions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.segment_changes import (
    ChangePosition,
    RecordedChange,
    SegmentChange,
    SegmentChangeKind,
)
from app.domain.uses import Use, UseKind
from app.store.collections import Database
from app.store.ids import to_object_id, to_public_id
from app.store.timeline import read_latest


class SegmentChanges:
    """The segmentChanges collection: one row per change."""

    def __init__(self, database: Database) -> None:
        self._collection = database.segmentChanges

    async def add(
        self,
        changes: Sequence[SegmentChange],
        revision: int,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Adds all changes of a segment that a transaction makes. `revision` is its definitions
        revision."""
        rows = [
            _document(change, ChangePosition(revision, number))
            for number, change in enumerate(changes)
        ]
        if rows:
            await self._collection.insert_many(rows, session=transaction)

    async def latest(
        self, segment_ids: Iterable[str], after: ChangePosition | None, limit: int
    ) -> dict[str, list[RecordedChange]]:
        """Returns, by segment, at most `limit` changes, newest first, before a position. A segment
        without changes is left out."""
        query: dict[str, Any] = {}
        if after is not None:
            older_revision = {"revision": {"$lt": after.revision}}
            same_revision = {"revision": after.revision, "number": {"$lt": after.number}}
            query = {"$or": [older_revision, same_revision]}
        rows_by_segment = await read_latest(
            self._collection,
            "segmentId",
            EntityKind.SEGMENT,
            segment_ids,
            limit,
            query,
            order={"revision": -1, "number": -1},
        )
        return {id_: list(map(_as_change, rows)) for id_, rows in rows_by_segment.items()}


def _document(change: SegmentChange, position: ChangePosition) -> dict[str, Any]:
    use = change.use
    return {
        "segmentId": to_object_id(EntityKind.SEGMENT, change.segment_id),
        **position._asdict(),
        "at": change.at,
        "kind": change.kind.value,
        "by": change.by,
        "filterBefore": change.filter_before,
        "filterAfter": change.filter_after,
        "use": None if use is None else {"kind": use.kind.value, "id": use.id, "name": use.name},
    }


def _as_change(row: Mapping[str, Any]) -> RecordedChange:
    use = row["use"]
    return RecordedChange(
        SegmentChange(
            to_public_id(EntityKind.SEGMENT, row["segmentId"]),
            row["at"],
            SegmentChangeKind(row["kind"]),
            row["by"],
            row["filterBefore"],
            row["filterAfter"],
            None if use is None else Use(UseKind(use["kind"]), use["id"], use["name"]),
        ),
        ChangePosition(row["revision"], row["number"]),
    )
