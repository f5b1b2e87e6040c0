"""The stream of all committed changes that the engine lives by: of customers, and of definitions.

Besides these it carries marks: rows that a worker writes only to see them come by. Whatever was
read before a mark was written is no newer than the mark; and their wall times are the clock.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
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
_TOKEN_GONE, _HISTORY_LOST = 280, 286
# What happens to one document; all else, a drop for one, is no document's.
_OF_ONE = ("insert", "update", "replace", "delete")
# Of an event, besides what is asked of the images.
_READ = (
    *("operationType", "ns.coll", "documentKey", "wallTime", "clusterTime", "lsid.id", "txnNumber"),
    *("partition", "updateDescription", "fullDocument.revision", "fullDocument.number"),
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

    def __init__(self, database: Database, session: AsyncIOMotorClientSession, cursor: int) -> None:
        self._database = database
        self._session = session
        self._cursor = cursor
        self._open: list[Event] = []

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
            answer = await database.command(command, session=session)
        except OperationFailure as error:
            await session.end_session()
            raise _told(error) from error
        return cls(database, session, answer["cursor"]["id"])

    async def close(self) -> None:
        """Leaves nothing behind, if MongoDB can be reached."""
        command = {"killCursors": "$cmd.aggregate", "cursors": [self._cursor]}
        with suppress(PyMongoError):
            await self._database.command(command, session=self._session)
        await self._session.end_session()

    async def read(self) -> list[Commit]:
        """What was committed next, whole transactions each; waits a while for it."""
        command = {
            "getMore": self._cursor,
            "collection": "$cmd.aggregate",
            "batchSize": _MOST,
            "maxTimeMS": _WAIT_MILLISECONDS,
        }
        try:
            answer = await self._database.command(
                command, session=self._session, codec_options=self._database.codec_options
            )
        except OperationFailure as error:
            raise _told(error) from error
        cursor = answer["cursor"]
        self._open += cursor["nextBatch"]
        groups = [list(group) for _, group in groupby(self._open, key=_transaction)]
        # Where an answer is full, its last transaction may go on in the next one.
        cut = groups and cursor["postBatchResumeToken"] == self._open[-1]["_id"]
        self._open = groups.pop() if cut else []
        return [_commit(group) for group in groups]


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
    """The place of what was committed at a cluster time: no two commits share one, and the order of
    places as text is theirs. (Resume tokens would differ by how much of a transaction one sees.)"""
    return f"{time.time:08x}{time.inc:08x}"


def time_of(place: str) -> Timestamp:
    """The cluster time of a place."""
    return Timestamp(int(place[:8], 16), int(place[8:], 16))


def _transaction(event: Event) -> object:
    """What is the same for all changes of one transaction."""
    if "txnNumber" not in event:
        return event["_id"]["_data"]
    return bytes(event["lsid"]["id"]), event["txnNumber"]


def _commit(events: Sequence[Event]) -> Commit:
    last = events[-1]
    changes: dict[str, Change] = {}
    revision = mark = None
    for event in events:
        match event["ns"]["coll"]:
            case "customers":
                if (kind := event["operationType"]) not in _OF_ONE:
                    raise HistoryLost(f"the customers were changed as a whole: {kind}")
                with blamed(event["partition"], str(event["documentKey"]["_id"])):
                    _fold(changes, event)
            case "fences":
                revision = _updated(event, "revision")
            case _:
                mark = _updated(event, "number")
    told = [each for each in changes.values() if each.before or each.after]
    return Commit(place_of(last["clusterTime"]), last["wallTime"], told, revision, mark)


def _updated(event: Event, field: str) -> int:
    """What a field of a small document is now; these have no images."""
    if event["operationType"] == "update":
        return int(event["updateDescription"]["updatedFields"][field])
    return int(event["fullDocument"][field])


def _fold(changes: dict[str, Change], event: Event) -> None:
    """However often a transaction changes a customer, it makes one state of it."""
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
