"""Definitions by what changed: the rows that are newer than a revision, as of one instant.

Each change of a definition raises the revision in `fences` and stamps the rows that it writes with
it, in one transaction. A deleted segment leaves a tombstone with the revision of its deletion.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from app.backoff import Backoff
from app.domain.ids import Kind
from app.domain.loyalty import EarningRule
from app.domain.metadata import Definition
from app.domain.segments import Segment
from app.store.collections import Database
from app.store.ids import public
from app.store.loyalty import as_rule
from app.store.metadata import as_definition
from app.store.segments import KEPT_REVISIONS, REVISION, TOMBSTONES, as_segment
from app.time_slice import TimeSlice

# Decoding a batch holds the interpreter for as long as it takes.
_ROWS_PER_BATCH = 500
# The collections changed so lately that the snapshot does not know them yet.
_SNAPSHOT_UNAVAILABLE = 246
_FENCE = "fences"


class Version(NamedTuple):
    """Identifies the definitions as of one commit. `unstamped` counts the revisions whose changes
    carry no stamp: somebody raised the revision past the program, or an older program did."""

    revision: int
    unstamped: int


@dataclass
class Changes:
    """What changed after a version, up to `version`; or everything, where `complete`."""

    version: Version
    complete: bool
    segments: list[Segment] = field(default_factory=list)
    deleted_segments: list[str] = field(default_factory=list)
    metadata: list[Definition] = field(default_factory=list)
    earning_rules: list[EarningRule] = field(default_factory=list)


class DefinitionRows:
    """Reads the rows of all definitions together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._time_slice = TimeSlice()
        majority, snapshot = ReadConcern("majority"), ReadConcern("snapshot")
        self._revisions = database.get_collection(_FENCE, read_concern=majority)
        self._snapshots = database.get_collection(_FENCE, read_concern=snapshot)

    async def revision(self) -> int:
        """The newest revision that a majority has committed, and so can't be rolled back."""
        found = await self._revisions.find_one({"_id": REVISION})
        return int(found["revision"]) if found else 0

    async def changes(
        self, since: Version | None, transaction: AsyncIOMotorClientSession | None = None
    ) -> Changes:
        """What changed after the version, in one snapshot that a majority has committed; in a
        transaction in its own snapshot. Everything, where the rows can't tell what changed."""
        wait = Backoff(0.01, 0.5)
        while True:
            try:
                found = await self._changes(since, transaction)
            except OperationFailure as error:
                if transaction is not None or error.code != _SNAPSHOT_UNAVAILABLE:
                    raise
                await wait.wait()
                continue
            if found is not None:
                return found
            since = None

    async def _changes(
        self, since: Version | None, transaction: AsyncIOMotorClientSession | None
    ) -> Changes | None:
        """None where the stamps do not tell everything that changed since the version."""
        async with aclosing(self._rows(since, transaction)) as rows:
            version = _version(await anext(rows, {}))
            if since is not None and not _are_stamped(since, version):
                return None
            changes = Changes(version, complete=since is None)
            async for row in rows:
                await self._time_slice.turn()
                _add(changes, row)
        return changes

    async def _rows(
        self, since: Version | None, transaction: AsyncIOMotorClientSession | None
    ) -> AsyncGenerator[dict[str, Any]]:
        """The fence, then the rows of each collection, each with the name of its collection."""
        for cursor in self._cursors(since, transaction):
            try:
                async for row in cursor:
                    yield row
            finally:
                await cursor.close()

    def _cursors(
        self, since: Version | None, transaction: AsyncIOMotorClientSession | None
    ) -> Iterator[Any]:
        stages = _stages(since)
        if transaction is None:
            yield self._snapshots.aggregate(_united(stages), batchSize=_ROWS_PER_BATCH)
            return
        # Transactions have no $unionWith.
        for name, pipeline in stages.items():
            yield self._database[name].aggregate(
                pipeline, session=transaction, batchSize=_ROWS_PER_BATCH
            )


def _version(row: Mapping[str, Any]) -> Version:
    revision = int(row.get("revision", 0))
    return Version(revision, revision - int(row.get("stamped", 0)))


def _are_stamped(since: Version, version: Version) -> bool:
    """Whether every change between the two left a stamp that is still there."""
    recent = version.revision - since.revision <= KEPT_REVISIONS
    return recent and version.unstamped == since.unstamped


def _stages(since: Version | None) -> dict[str, list[dict[str, Any]]]:
    """By collection, the pipeline that selects its rows; the fence first."""
    newer = {} if since is None else {"revision": {"$gt": since.revision}}
    selected: dict[str, dict[str, Any]] = {
        "segments": newer,
        "metadataDefinitions": newer,
        # A rule that has ended is gone, but a process that still has it must hear of its end.
        "earningRules": {"until": None} if since is None else newer,
    }
    if since is not None:
        selected[TOMBSTONES] = newer
    return {_FENCE: [{"$match": {"_id": REVISION}}]} | {
        name: [
            {"$match": query},
            {"$sort": {"_id": 1}},
            {"$set": {"collection": {"$literal": name}}},
        ]
        for name, query in selected.items()
    }


def _united(stages: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One pipeline on the first of the collections, for the rows of all of them in this order."""
    (_, first), *others = stages.items()
    unions = [{"$unionWith": {"coll": name, "pipeline": pipeline}} for name, pipeline in others]
    return [*first, *unions]


def _add(changes: Changes, row: Mapping[str, Any]) -> None:
    match row["collection"]:
        case "segments":
            changes.segments.append(as_segment(row))
        case "metadataDefinitions":
            changes.metadata.append(as_definition(row))
        case "earningRules":
            changes.earning_rules.append(as_rule(row))
        case _:
            changes.deleted_segments.append(public(Kind.SEGMENT, row["_id"]))
