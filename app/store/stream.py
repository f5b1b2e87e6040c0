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

from app.domain.changes import Change, Commit, blamed
from app.domain.ids import Kind
from app.errors import HistoryLost
from app.store.collections import Database
from app.store.ids import public
from app.store.segments import REVISION

PARTITIONS = 16

MARKS = "marks"
_MOST, _WAIT_MILLISECONDS = 1_000, 1_000
# The shortest wait of a getMore; 0 stands for the default, a second.
_SHORT_WAIT_MILLISECONDS = 1
# The part of a resume token that tells the cluster time: a byte for its type, eight for the time.
_TIME_DIGITS = 18
_TOKEN_GONE, _HISTORY_LOST = 280, 286
# What happens to one document; all else, a drop for one, is no document's.
_OF_ONE = ("insert", "update", "replace", "delete")
# Of an event, besides what is asked of the images.
_READ = (
    *("operationType", "ns.coll", "documentKey", "wallTime", "clusterTime", "partition"),
    *("updateDescription", "fullDocument.revision", "fullDocument.number"),
)
_IMAGES: dict[str, Any] = {
    "fullDocument": "whenAvailable",
    "fullDocumentBeforeChange": "whenAvailable",
}

Event = Mapping[str, Any]
Path = tuple[str, ...]


def partition_of(key: str) -> dict[str, Any]:
    """The expression of a customer's partition; the hash is signed, and so is `$mod`."""
    hashed = {"$mod": [{"$toHashedIndexKey": key}, PARTITIONS]}
    return {"$mod": [{"$add": [hashed, PARTITIONS]}, PARTITIONS]}


class Stream:
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
        self._commits = CommitAssembler(is_sharded=is_sharded)

    @classmethod
    async def open(
        cls,
        client: AsyncIOMotorClient[Any],
        database: Database,
        place: str,
        partitions: Sequence[int],
        paths: Iterable[Path],
        worker: str,
    ) -> Self:
        """From a place on, what was committed there included: that place may have been somebody
        else's mark, which a stream with other marks could not find. With the customers of these
        partitions, what lies at these paths of them, and the marks of this worker. HistoryLost
        where the oplog does not reach back so far."""
        session = await client.start_session()
        started = {"$changeStream": {**_IMAGES, "startAtOperationTime": time_of(place)}}
        command = {
            "aggregate": 1,
            "pipeline": [started, *_stages(database.name, partitions, paths, worker)],
            "cursor": {"batchSize": 0},
            "readConcern": {"level": "majority"},
        }
        try:
            hello = await database.command("hello", session=session)
            answer = await database.command(command, session=session)
        except OperationFailure as error:
            await session.end_session()
            raise _told(error) from error
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
        asks_at_once = self._commits.an_empty_batch_tells
        command = {
            "getMore": self._cursor,
            "collection": "$cmd.aggregate",
            "batchSize": _MOST,
            "maxTimeMS": _SHORT_WAIT_MILLISECONDS if asks_at_once else _WAIT_MILLISECONDS,
        }
        try:
            answer = await self._database.command(
                command, session=self._session, codec_options=self._database.codec_options
            )
        except OperationFailure as error:
            raise _told(error) from error
        cursor = answer["cursor"]
        return self._commits.take(cursor["nextBatch"], cursor["postBatchResumeToken"])


def _stages(
    database: str, partitions: Sequence[int], paths: Iterable[Path], worker: str
) -> list[dict[str, Any]]:
    # MongoDB asks this of each entry of the oplog, of each operation of every transaction, ours
    # included, and before it looks up images: collections are soonest told apart by all of their
    # name, and customers by nothing but their key.
    def named(collection: str) -> dict[str, Any]:
        return {"ns": {"db": database, "coll": collection}}

    partition = partition_of("$documentKey._id")
    ours = {"$expr": {"$in": [partition, list(partitions)]}}
    everybodys = {"operationType": {"$nin": _OF_ONE}}
    watched: list[dict[str, Any]] = [
        {**named("customers"), "$or": [ours, everybodys]},
        {**named("fences"), "documentKey._id": REVISION},
        {**named(MARKS), "documentKey._id": worker},
    ]
    is_customer = {"$eq": ["$ns.coll", "customers"]}
    return [
        {"$match": {"$or": watched}},
        {
            "$set": {
                "partition": partition,
                # The images tell all of customers.
                "updateDescription": {"$cond": [is_customer, "$$REMOVE", "$updateDescription"]},
            }
        },
        {"$project": dict.fromkeys((*_READ, *_of_images(paths)), 1)},
    ]


def _of_images(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        yield from (f"{image}.{'.'.join(path)}" for image in _IMAGES)


def place_of(time: Timestamp) -> str:
    """The place of what was committed at a cluster time; the order of places as text is theirs.
    (Resume tokens would differ by how much of a transaction one sees.)"""
    return f"{time.time:08x}{time.inc:08x}"


def time_of(place: str) -> Timestamp:
    """The cluster time of a place."""
    return Timestamp(int(place[:8], 16), int(place[8:], 16))


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
        self._unfinished: _CommitBuilder | None = None

    @property
    def an_empty_batch_tells(self) -> bool:
        """Whether an empty batch now would finish a commit.

        A replica set that has nothing more to send has sent all of the last commit, as an entry of
        its oplog becomes visible whole. On a sharded cluster another shard may still have events of
        the same time.
        """
        return self._unfinished is not None and not self._is_sharded

    def take(self, events: Sequence[Event], token: Mapping[str, str]) -> list[Commit]:
        """The commits that are complete with the next batch of events; `token` is the stream's
        resume token after it. A batch may end in the middle of a commit."""
        commits = []
        finishes = not events and self.an_empty_batch_tells
        for event in events:
            if self._unfinished and self._unfinished.time != event["clusterTime"]:
                commits.append(self._unfinished.build())
                self._unfinished = None
            if self._unfinished is None:
                self._unfinished = _CommitBuilder(event["clusterTime"])
            self._unfinished.add(event)
        if self._unfinished and (finishes or _time_part(token) > self._unfinished.token_time):
            commits.append(self._unfinished.build())
            self._unfinished = None
        return commits


def _time_part(token: Mapping[str, str]) -> str:
    """The part of a resume token that is its cluster time."""
    return token["_data"][:_TIME_DIGITS]


class _CommitBuilder:
    """Collects the events of one cluster time; of a customer, the first and the last state."""

    def __init__(self, time: Timestamp) -> None:
        self.time = time
        # The same as the resume tokens of the events tell it.
        self.token_time = ""
        self._at: datetime | None = None
        self._changes: dict[str, Change] = {}
        self._revision: int | None = None
        self._mark: int | None = None

    def add(self, event: Event) -> None:
        wall = event["wallTime"]
        self._at = wall if self._at is None else max(self._at, wall)
        self.token_time = _time_part(event["_id"])
        match event["ns"]["coll"]:
            case "customers":
                if (kind := event["operationType"]) not in _OF_ONE:
                    raise HistoryLost(f"the customers were changed as a whole: {kind}")
                with blamed(event["partition"], str(event["documentKey"]["_id"])):
                    _fold(self._changes, event)
            case "fences":
                self._revision = _updated(event, "revision")
            case _:
                self._mark = _updated(event, "number")

    def build(self) -> Commit:
        assert self._at is not None
        told = [change for change in self._changes.values() if change.before or change.after]
        return Commit(place_of(self.time), self._at, told, self._revision, self._mark)


def _updated(event: Event, field: str) -> int:
    """What a field of a small document is now; these have no images."""
    if event["operationType"] == "update":
        return int(event["updateDescription"]["updatedFields"][field])
    return int(event["fullDocument"][field])


def _fold(changes: dict[str, Change], event: Event) -> None:
    """However often one commit changes a customer, it makes one state of it."""
    kind = event["operationType"]
    before, after = event.get("fullDocumentBeforeChange"), event.get("fullDocument")
    if (before is None and kind != "insert") or (after is None and kind != "delete"):
        raise HistoryLost("the images of a change are gone")
    id_ = public(Kind.CUSTOMER, event["documentKey"]["_id"])
    if id_ in changes:
        before = changes[id_].before
    changes[id_] = Change(id_, event["partition"], before, after)


def _told(error: OperationFailure) -> Exception:
    if error.code in (_HISTORY_LOST, _TOKEN_GONE):
        return HistoryLost("the oplog no longer reaches back to where the engine was")
    return error
