"""The change stream that the engine processes: committed changes of customers and definitions.

The stream also carries watermarks, as in Netflix's DBLog: rows that a worker writes only to see
them arrive in its own stream. Data that the worker read before it wrote a watermark is no newer
than the watermark. The wall times of watermarks also move the engine's clock on when nothing else
changes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Self

from bson import Timestamp
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import OperationFailure, PyMongoError

from app.domain.changes import Commit, CustomerChange, FieldPath, attribute_errors_to
from app.domain.ids import EntityKind
from app.errors import HistoryLost
from app.store.collections import Database
from app.store.ids import to_public_id
from app.store.segments import DEFINITIONS_REVISION

PARTITION_COUNT = 16

WATERMARKS = "watermarks"
_EVENTS_PER_BATCH = 1_000
_MAX_WAIT_MILLISECONDS = 1_000
# The shortest wait that a getMore accepts: 0 means the default of one second.
_MIN_WAIT_MILLISECONDS = 1
# The hex digits of a resume token that hold the cluster time: a type byte and eight bytes.
_TOKEN_TIME_DIGITS = 18
_CHANGE_STREAM_FATAL_ERROR = 280
_CHANGE_STREAM_HISTORY_LOST = 286
# The operations on a single document. Others, such as a drop, concern a whole collection.
_DOCUMENT_OPERATIONS = ("insert", "update", "replace", "delete")
# The fields to read of each event, besides the paths of the images.
_EVENT_FIELDS = (
    *("operationType", "ns.coll", "documentKey", "wallTime", "clusterTime", "partition"),
    *("updateDescription", "fullDocument.revision", "fullDocument.number"),
)
_IMAGE_OPTIONS: dict[str, Any] = {
    "fullDocument": "whenAvailable",
    "fullDocumentBeforeChange": "whenAvailable",
}

ChangeEvent = Mapping[str, Any]


def partition_of(key: str) -> dict[str, Any]:
    """The aggregation expression of a customer's partition, from 0 to PARTITION_COUNT - 1.

    `key` is the field path of the customer's `_id`. The hash is signed, and so is `$mod`.
    """
    signed_partition = {"$mod": [{"$toHashedIndexKey": key}, PARTITION_COUNT]}
    return {"$mod": [{"$add": [signed_partition, PARTITION_COUNT]}, PARTITION_COUNT]}


class ChangeStream:
    """One open change stream. It ends with its first error; open another at the last position."""

    def __init__(
        self,
        database: Database,
        session: AsyncIOMotorClientSession,
        cursor: int,
        *,
        is_sharded: bool,
    ) -> None:
        self._database = database
        self._session = session
        self._cursor = cursor
        self._assembler = CommitAssembler(is_sharded=is_sharded)

    @classmethod
    async def open(
        cls,
        client: AsyncIOMotorClient[Any],
        database: Database,
        position: str,
        partitions: Sequence[int],
        paths: Iterable[FieldPath],
        worker: str,
    ) -> Self:
        """Opens a stream that starts at a position and includes what was committed there.

        The stream starts by cluster time, not by resume token: the position may be that of
        another worker's watermark, which is not in this worker's stream. The stream carries the
        changes of customers in `partitions`, of each customer the values at `paths`, the
        definitions revision, and the watermarks of `worker`. Raises HistoryLost if the oplog no
        longer reaches back to the position.
        """
        session = await client.start_session()
        change_stream_stage = {
            "$changeStream": {**_IMAGE_OPTIONS, "startAtOperationTime": cluster_time_of(position)}
        }
        command = {
            "aggregate": 1,
            "pipeline": [change_stream_stage, *_stages(database.name, partitions, paths, worker)],
            "cursor": {"batchSize": 0},
            "readConcern": {"level": "majority"},
        }
        try:
            hello = await database.command("hello", session=session)
            answer = await database.command(command, session=session)
        except OperationFailure as error:
            await session.end_session()
            raise _translate_error(error) from error
        is_sharded = hello.get("msg") == "isdbgrid"
        return cls(database, session, answer["cursor"]["id"], is_sharded=is_sharded)

    async def close(self) -> None:
        """Closes the cursor and its session. Ignores errors if MongoDB is unreachable."""
        command = {"killCursors": "$cmd.aggregate", "cursors": [self._cursor]}
        with suppress(PyMongoError):
            await self._database.command(command, session=self._session)
        await self._session.end_session()

    async def read(self) -> list[Commit]:
        """Returns the next commits, each with all of its events.

        Waits up to one second for the first; the list may be empty. Raises HistoryLost.
        """
        polls_briefly = self._assembler.may_complete_with_empty_batch
        command = {
            "getMore": self._cursor,
            "collection": "$cmd.aggregate",
            "batchSize": _EVENTS_PER_BATCH,
            "maxTimeMS": _MIN_WAIT_MILLISECONDS if polls_briefly else _MAX_WAIT_MILLISECONDS,
        }
        try:
            answer = await self._database.command(
                command, session=self._session, codec_options=self._database.codec_options
            )
        except OperationFailure as error:
            raise _translate_error(error) from error
        cursor = answer["cursor"]
        return self._assembler.add_batch(cursor["nextBatch"], cursor["postBatchResumeToken"])


def _stages(
    database: str, partitions: Sequence[int], paths: Iterable[FieldPath], worker: str
) -> list[dict[str, Any]]:
    # MongoDB evaluates this match for each operation in the oplog, before it looks up images. So
    # it must be cheap: an equality on the whole namespace, and only the key of a customer.
    def in_collection(collection: str) -> dict[str, Any]:
        return {"ns": {"db": database, "coll": collection}}

    partition = partition_of("$documentKey._id")
    owned_customers = {"$expr": {"$in": [partition, list(partitions)]}}
    collection_operations = {"operationType": {"$nin": _DOCUMENT_OPERATIONS}}
    conditions: list[dict[str, Any]] = [
        {**in_collection("customers"), "$or": [owned_customers, collection_operations]},
        {**in_collection("counters"), "documentKey._id": DEFINITIONS_REVISION},
        {**in_collection(WATERMARKS), "documentKey._id": worker},
    ]
    is_customer = {"$eq": ["$ns.coll", "customers"]}
    return [
        {"$match": {"$or": conditions}},
        {
            "$set": {
                "partition": partition,
                # The images already hold all that the engine needs of customers.
                "updateDescription": {"$cond": [is_customer, "$$REMOVE", "$updateDescription"]},
            }
        },
        {"$project": dict.fromkeys((*_EVENT_FIELDS, *_image_fields(paths)), 1)},
    ]


def _image_fields(paths: Iterable[FieldPath]) -> Iterator[str]:
    for path in paths:
        yield from (f"{image}.{'.'.join(path)}" for image in _IMAGE_OPTIONS)


def position_of(cluster_time: Timestamp) -> str:
    """The position of a cluster time, as 16 hex digits. Positions sort like their cluster times.

    Resume tokens do not serve as positions: for the same commit they differ between streams that
    see different parts of the transaction.
    """
    return f"{cluster_time.time:08x}{cluster_time.inc:08x}"


def cluster_time_of(position: str) -> Timestamp:
    """The cluster time of a position."""
    return Timestamp(int(position[:8], 16), int(position[8:], 16))


class CommitAssembler:
    """Assembles the events of a change stream into commits, one for each cluster time.

    One transaction's events share a cluster time, and so do those of one insertMany in MongoDB 8,
    where nothing else shows that they belong together. On a sharded cluster each shard gives its
    part of a transaction its own cluster time, and events of two shards may have the same time by
    chance. A customer lives on one shard, and no shard uses a time twice. So two changes of one
    customer have the same time only if they were committed together.
    """

    def __init__(self, *, is_sharded: bool) -> None:
        self._is_sharded = is_sharded
        # The last commit, while more of its events may follow.
        self._open_commit: _CommitBuilder | None = None

    @property
    def may_complete_with_empty_batch(self) -> bool:
        """Whether an empty batch would complete the open commit.

        When a replica set has nothing more to send, it has sent the whole last commit, because an
        oplog entry becomes visible as a whole. On a sharded cluster another shard may still send
        events with the same time.
        """
        return self._open_commit is not None and not self._is_sharded

    def add_batch(
        self, events: Sequence[ChangeEvent], resume_token: Mapping[str, str]
    ) -> list[Commit]:
        """Adds a batch of events and returns the commits that are now complete.

        `resume_token` is the stream's resume token after the batch. A batch may end in the middle
        of a commit.
        """
        commits = []
        is_caught_up = not events and self.may_complete_with_empty_batch
        for event in events:
            if self._open_commit and self._open_commit.cluster_time != event["clusterTime"]:
                commits.append(self._open_commit.build())
                self._open_commit = None
            if self._open_commit is None:
                self._open_commit = _CommitBuilder(event["clusterTime"])
            self._open_commit.add(event)
        if self._open_commit and (
            is_caught_up or _token_time(resume_token) > self._open_commit.token_time
        ):
            commits.append(self._open_commit.build())
            self._open_commit = None
        return commits


def _token_time(resume_token: Mapping[str, str]) -> str:
    """The cluster time in a resume token, as hex digits; these sort like the times."""
    return resume_token["_data"][:_TOKEN_TIME_DIGITS]


class _CommitBuilder:
    """Collects the events of one commit: of each customer, its state before and after."""

    def __init__(self, cluster_time: Timestamp) -> None:
        self.cluster_time = cluster_time
        # The cluster time as in the events' resume tokens.
        self.token_time = ""
        self._last_wall_time: datetime | None = None
        self._changes: dict[str, CustomerChange] = {}
        self._revision: int | None = None
        self._watermark: int | None = None

    def add(self, event: ChangeEvent) -> None:
        wall_time = event["wallTime"]
        self._last_wall_time = (
            wall_time if self._last_wall_time is None else max(self._last_wall_time, wall_time)
        )
        self.token_time = _token_time(event["_id"])
        match event["ns"]["coll"]:
            case "customers":
                if (operation := event["operationType"]) not in _DOCUMENT_OPERATIONS:
                    raise HistoryLost(
                        f"the customers collection was changed as a whole: {operation}"
                    )
                with attribute_errors_to(event["partition"], str(event["documentKey"]["_id"])):
                    _merge_change(self._changes, event)
            case "counters":
                self._revision = _current_value(event, "revision")
            case _:
                self._watermark = _current_value(event, "number")

    def build(self) -> Commit:
        assert self._last_wall_time is not None
        net_changes = [change for change in self._changes.values() if change.before or change.after]
        return Commit(
            position_of(self.cluster_time),
            self._last_wall_time,
            net_changes,
            self._revision,
            self._watermark,
        )


def _current_value(event: ChangeEvent, field: str) -> int:
    """The current value of a field of a counter or watermark; their events carry no images."""
    if event["operationType"] == "update":
        return int(event["updateDescription"]["updatedFields"][field])
    return int(event["fullDocument"][field])


def _merge_change(changes: dict[str, CustomerChange], event: ChangeEvent) -> None:
    """Merges all changes of a customer in one commit into a single change."""
    operation = event["operationType"]
    before, after = event.get("fullDocumentBeforeChange"), event.get("fullDocument")
    if (before is None and operation != "insert") or (after is None and operation != "delete"):
        raise HistoryLost("the images of a change are gone")
    customer_id = to_public_id(EntityKind.CUSTOMER, event["documentKey"]["_id"])
    if customer_id in changes:
        before = changes[customer_id].before
    changes[customer_id] = CustomerChange(customer_id, event["partition"], before, after)


def _translate_error(error: OperationFailure) -> Exception:
    if error.code in (_CHANGE_STREAM_HISTORY_LOST, _CHANGE_STREAM_FATAL_ERROR):
        return HistoryLost("the oplog no longer reaches back to the engine's position")
    return error
