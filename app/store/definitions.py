"""Reads what changed in the definitions since a revision, in one snapshot.

Each change of a definition increments the definitions revision in `counters` and stamps the rows
that it writes with the new revision, in one transaction. A deleted segment or validation rule
leaves a tombstone with the revision of its deletion.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from app.backoff import Backoff
from app.domain.distributions import Distribution
from app.domain.ids import EntityKind
from app.domain.loyalty import EarningRule
from app.domain.metadata import KeyDefinition
from app.domain.segments import Segment
from app.domain.validation_rules import ValidationRule
from app.store.collections import Database
from app.store.distributions import as_distribution
from app.store.ids import to_public_id
from app.store.loyalty import as_rule
from app.store.metadata_definitions import as_definition
from app.store.segments import (
    DEFINITIONS_REVISION,
    DELETED_SEGMENT_RETENTION_REVISIONS,
    DELETED_SEGMENTS,
    as_segment,
)
from app.store.validation_rules import as_validation_rule
from app.time_slice import TimeSlice

# Decoding a batch blocks the event loop, so batches are small.
_BATCH_ROWS = 500
# SnapshotUnavailable: a collection is newer than the snapshot.
_SNAPSHOT_UNAVAILABLE = 246
_COUNTERS = "counters"


class DefinitionsVersion(NamedTuple):
    """Identifies the definitions as of one commit.

    `unstamped_revisions` counts the revisions that were incremented without stamping rows: by
    another program, or by an older version of this one.
    """

    revision: int
    unstamped_revisions: int


@dataclass
class DefinitionsDelta:
    """What changed after a version, up to `version`; all definitions if `is_complete`."""

    version: DefinitionsVersion
    is_complete: bool
    segments: list[Segment] = field(default_factory=list)
    deleted_segment_ids: list[str] = field(default_factory=list)
    metadata_definitions: list[KeyDefinition] = field(default_factory=list)
    earning_rules: list[EarningRule] = field(default_factory=list)
    distributions: list[Distribution] = field(default_factory=list)
    validation_rules: list[ValidationRule] = field(default_factory=list)
    deleted_validation_rule_ids: list[str] = field(default_factory=list)


class DefinitionsReader:
    """Reads all definitions in one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._time_slice = TimeSlice()
        self._majority_counters = database.get_collection(
            _COUNTERS, read_concern=ReadConcern("majority")
        )
        self._snapshot_counters = database.get_collection(
            _COUNTERS, read_concern=ReadConcern("snapshot")
        )

    async def read_revision(self) -> int:
        """The newest majority-committed revision, which can't be rolled back."""
        counter = await self._majority_counters.find_one({"_id": DEFINITIONS_REVISION})
        return int(counter["revision"]) if counter else 0

    async def read_delta(
        self, since: DefinitionsVersion | None, transaction: AsyncIOMotorClientSession | None = None
    ) -> DefinitionsDelta:
        """Returns what changed after `since`, or all definitions if `since` is None.

        Reads a majority-committed snapshot, or the snapshot of `transaction`. Returns all
        definitions, too, if the stamps do not show every change after `since`.
        """
        backoff = Backoff(0.01, 0.5)
        while True:
            try:
                delta = await self._try_read_delta(since, transaction)
            except OperationFailure as error:
                if transaction is not None or error.code != _SNAPSHOT_UNAVAILABLE:
                    raise
                await backoff.wait()
                continue
            if delta is not None:
                return delta
            since = None

    async def _try_read_delta(
        self, since: DefinitionsVersion | None, transaction: AsyncIOMotorClientSession | None
    ) -> DefinitionsDelta | None:
        """Like `read_delta`; None if the stamps do not show every change after the version."""
        async with aclosing(self._read_rows(since, transaction)) as rows:
            version = _version(await anext(rows, {}))
            if since is not None and not _is_fully_stamped(since, version):
                return None
            delta = DefinitionsDelta(version, is_complete=since is None)
            async for row in rows:
                await self._time_slice.yield_when_spent()
                _add_row(delta, row)
        return delta

    async def _read_rows(
        self, since: DefinitionsVersion | None, transaction: AsyncIOMotorClientSession | None
    ) -> AsyncGenerator[dict[str, Any]]:
        """Yields the counter, then the rows, each with the name of its collection."""
        for cursor in self._open_cursors(since, transaction):
            try:
                async for row in cursor:
                    yield row
            finally:
                await cursor.close()

    def _open_cursors(
        self, since: DefinitionsVersion | None, transaction: AsyncIOMotorClientSession | None
    ) -> Iterator[Any]:
        stages = _stages_by_collection(since)
        if transaction is None:
            yield self._snapshot_counters.aggregate(_union_pipeline(stages), batchSize=_BATCH_ROWS)
            return
        # Transactions have no $unionWith.
        for name, pipeline in stages.items():
            yield self._database[name].aggregate(
                pipeline, session=transaction, batchSize=_BATCH_ROWS
            )


def _version(row: Mapping[str, Any]) -> DefinitionsVersion:
    revision = int(row.get("revision", 0))
    return DefinitionsVersion(revision, revision - int(row.get("stampedRevisions", 0)))


def _is_fully_stamped(since: DefinitionsVersion, version: DefinitionsVersion) -> bool:
    """Whether every change between the two versions left a stamp that still exists."""
    is_recent = version.revision - since.revision <= DELETED_SEGMENT_RETENTION_REVISIONS
    return is_recent and version.unstamped_revisions == since.unstamped_revisions


def _stages_by_collection(since: DefinitionsVersion | None) -> dict[str, list[dict[str, Any]]]:
    """By collection, the pipeline that selects its rows; the counters first."""
    newer = {} if since is None else {"revision": {"$gt": since.revision}}
    queries: dict[str, dict[str, Any]] = {
        "segments": newer,
        "metadataDefinitions": newer,
        # All rules means those in force. A delta includes ended rules, so that caches drop them.
        "earningRules": {"untilSequence": None} if since is None else newer,
        "distributions": {"deleted": False} if since is None else newer,
        "validationRules": {"deleted": None} if since is None else newer,
    }
    if since is not None:
        queries[DELETED_SEGMENTS] = newer
    return {_COUNTERS: [{"$match": {"_id": DEFINITIONS_REVISION}}]} | {
        name: [
            {"$match": query},
            {"$sort": {"_id": 1}},
            {"$set": {"collection": {"$literal": name}}},
        ]
        for name, query in queries.items()
    }


def _union_pipeline(stages: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One pipeline on the first collection that yields the rows of all, in this order."""
    (_, first_stages), *others = stages.items()
    unions = [{"$unionWith": {"coll": name, "pipeline": pipeline}} for name, pipeline in others]
    return [*first_stages, *unions]


def _add_row(delta: DefinitionsDelta, row: Mapping[str, Any]) -> None:
    match row["collection"]:
        case "segments":
            delta.segments.append(as_segment(row))
        case "metadataDefinitions":
            delta.metadata_definitions.append(as_definition(row))
        case "earningRules":
            delta.earning_rules.append(as_rule(row))
        case "distributions":
            delta.distributions.append(as_distribution(row))
        case "validationRules":
            if row.get("deleted"):
                id_ = to_public_id(EntityKind.VALIDATION_RULE, row["_id"])
                delta.deleted_validation_rule_ids.append(id_)
            else:
                delta.validation_rules.append(as_validation_rule(row))
        case _:
            delta.deleted_segment_ids.append(to_public_id(EntityKind.SEGMENT, row["_id"]))
