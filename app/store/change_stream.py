"""The stream of all committed changes that the engine lives by: of customers, and of definitions.

Besides these it carries marks: rows that a worker writes only to see them come by. Whatever was
read before a mark was written is no newer than the mark; and their wall times are the clock.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Self

from bson import Timestamp
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import OperationFailure, PyMongoError

from app.domain.changes import Commit, CustomerChange, attribute_errors_to
from app.domain.ids import EntityKind
from app.errors import HistoryLost
from app.store.collections import Database
from app.store.ids import to_public_id
from app.store.segments import DEFINITIONS_REVISION

PARTITION_COUNT = 16

WATERMARKS = "watermarks"
_EVENTS_PER_BATCH, _MAX_WAIT_MILLISECONDS = 1_000, 1_000
# The shortest wait of a getMore; 0 stands for the default, a second.
_MIN_WAIT_MILLISECONDS = 1
# The part of a resume token that tells the cluster time: a byte for its type, eight for the time.
_TOKEN_TIME_DIGITS = 18
_CHANGE_STREAM_FATAL_ERROR, _CHANGE_STREAM_HISTORY_LOST = 280, 286
# What happens to one document; all else, a drop for one, is no document's.
_DOCUMENT_OPERATIONS = ("insert", "update", "replace", "delete")
# Of an event, besides what is asked of the images.
_EVENT_FIELDS = (
    *("operationType", "ns.coll", "documentKey", "wallTime", "clusterTime", "partition"),
    *("updateDescription", "fullDocument.revision", "fullDocument.number"),
)
_IMAGE_OPTIONS: dict[str, Any] = {
    "fullDocument": "whenAvailable",
    "fullDocumentBeforeChange": "whenAvailable",
}

ChangeEvent = Mapping[str, Any]
Path = tuple[str, ...]


def partition_of(key: str) -> dict[str, Any]:
    """The expression of a customer's partition; the hash is signed, and so is `$mod`."""
    signed_partition = {"$mod": [{"$toHashedIndexKey": key}, PARTITION_COUNT]}
    return {"$mod": [{"$add": [signed_partition, PARTITION_COUNT]}, PARTITION_COUNT]}


class ChangeStream:
    """One opened stream. It ends with its first error; another one goes on at the same place."""

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
        paths: Iterable[Path],
        worker: str,
    ) -> Self:
        """From a place on, what was committed there included: that place may have been somebody
        else's mark, which a stream with other marks could not find. With the customers of these
        partitions, what lies at these paths of them, and the marks of this worker. HistoryLost
        where the oplog does not reach back so far."""
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
        """Leaves nothing behind, if MongoDB can be reached."""
        command = {"killCursors": "$cmd.aggregate", "cursors": [self._cursor]}
        with suppress(PyMongoError):
            await self._database.command(command, session=self._session)
        await self._session.end_session()

    async def read(self) -> list[Commit]:
        """The next commits, each with all of its events. Waits up to a second for the first; the
        list may be empty."""
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
    database: str, partitions: Sequence[int], paths: Iterable[Path], worker: str
) -> list[dict[str, Any]]:
    # MongoDB asks this of each entry of the oplog, of each operation of every transaction, ours
    # included, and before it looks up images: collections are soonest told apart by all of their
    # name, and customers by nothing but their key.
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
                # The images tell all of customers.
                "updateDescription": {"$cond": [is_customer, "$$REMOVE", "$updateDescription"]},
            }
        },
        {"$project": dict.fromkeys((*_EVENT_FIELDS, *_image_fields(paths)), 1)},
    ]


def _image_fields(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        yield from (f"{image}.{'.'.join(path)}" for image in _IMAGE_OPTIONS)


def position_of(cluster_time: Timestamp) -> str:
    """The place of what was committed at a cluster time; the order of places as text is theirs.
    (Resume tokens would differ by how much of a transaction one sees.)"""
    return f"{cluster_time.time:08x}{cluster_time.inc:08x}"


def cluster_time_of(position: str) -> Timestamp:
    """The cluster time of a place."""
    return Timestamp(int(position[:8], 16), int(position[8:], 16))


class CommitAssembler:
    """Puts the events of a change stream together to commits, one for each cluster time.

    One transaction's events share a cluster time, and so do those of one insertMany in MongoDB 8,
    where nothing else tells that they belong together. On a sharded cluster each shard gives its
    part of a transaction a time of its own, and events of two shards may share one by chance. As a
    customer lives on one shard, and no shard uses a time twice, two changes of one customer share a
    time only where they were committed together.
    """

    def __init__(self, *, is_sharded: bool) -> None:
        self._is_sharded = is_sharded
        # The last commit, as long as more of its events may follow.
        self._open_commit: _CommitBuilder | None = None

    @property
    def may_complete_with_empty_batch(self) -> bool:
        """Whether an empty batch now would finish a commit.

        A replica set that has nothing more to send has sent all of the last commit, as an entry of
        its oplog becomes visible whole. On a sharded cluster another shard may still have events of
        the same time.
        """
        return self._open_commit is not None and not self._is_sharded

    def add_batch(
        self, events: Sequence[ChangeEvent], resume_token: Mapping[str, str]
    ) -> list[Commit]:
        """The commits that are complete with the next batch of events; `token` is the stream's
        resume token after it. A batch may end in the middle of a commit."""
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
    """The part of a resume token that is its cluster time."""
    return resume_token["_data"][:_TOKEN_TIME_DIGITS]


class _CommitBuilder:
    """Collects the events of one cluster time; of a customer, the first and the last state."""

    def __init__(self, cluster_time: Timestamp) -> None:
        self.cluster_time = cluster_time
        # The same as the resume tokens of the events tell it.
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
                    raise HistoryLost(f"the customers were changed as a whole: {operation}")
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
    """What a field of a small document is now; these have no images."""
    if event["operationType"] == "update":
        return int(event["updateDescription"]["updatedFields"][field])
    return int(event["fullDocument"][field])


def _merge_change(changes: dict[str, CustomerChange], event: ChangeEvent) -> None:
    """However often one commit changes a customer, it makes one state of it."""
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
        return HistoryLost("the oplog no longer reaches back to where the engine was")
    return error
