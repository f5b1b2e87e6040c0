"""The store, opened and closed; and the transaction in which it changes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from typing import Any, Self, TypeVar

from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo import ReadPreference, ReturnDocument, WriteConcern
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from app.errors import Unusable
from app.settings import Settings
from app.store.active_filters import ActiveFilters
from app.store.checkpoints import Checkpoints
from app.store.collections import Database, prepare
from app.store.customers import Customers
from app.store.departures import Departures
from app.store.events import Events
from app.store.facts import Facts
from app.store.history import History
from app.store.leases import Leases
from app.store.ledger import Ledger
from app.store.loyalty import EarningRules, LoyaltyPrograms
from app.store.members import Members
from app.store.metadata import MetadataDefinitions
from app.store.oplog import OplogReader
from app.store.orders import Orders
from app.store.partitions import Partitions
from app.store.presence import Client, Presence, blocking_client
from app.store.quarantine import Quarantine
from app.store.questions import Questions
from app.store.retention import Retention
from app.store.seen import Seen
from app.store.segments import Segments
from app.store.selections import Selections
from app.store.sessions import Deadlines
from app.store.size_schedule import SizeSchedule
from app.store.sizes import Sizes
from app.store.states import States
from app.store.stream import Stream
from app.store.transitions import Transitions
from app.store.workers import Workers

Transaction = AsyncIOMotorClientSession
Result = TypeVar("Result")
Work = Callable[[Transaction], Coroutine[Any, Any, Result]]


class Store:
    """All that the program keeps: one attribute a collection."""

    def __init__(
        self,
        client: AsyncIOMotorClient[Any],
        database: Database,
        seconds: float,
        connect: Callable[[], Client],
    ) -> None:
        self._client = client
        self._database = database
        self.presence = Presence(database, connect)
        self._leases = leases = Leases(database, self.presence)
        self._questions = questions = Questions(database, seconds)
        self.customers = Customers(database, questions)
        self.selections = Selections(questions)
        self.events = Events(database)
        self.orders = Orders(database)
        self.facts = Facts(database)
        self.segments = Segments(database)
        self.members = Members(database)
        self.active_filters = ActiveFilters(database)
        self.transitions = Transitions(database, leases)
        self.departures = Departures(database)
        self.history = History(database, self.departures)
        self.states = States(database)
        self.workers = Workers(database, self.presence)
        self.partitions = Partitions(database, leases)
        self.oplog = OplogReader(database)
        self.retention = Retention(database)
        self.checkpoints = Checkpoints(database, leases, self.transitions)
        self.quarantine = Quarantine(database)
        self.deadlines = Deadlines(database)
        self.loyalty_programs = LoyaltyPrograms(database)
        self.earning_rules = EarningRules(database)
        self.ledger = Ledger(database)
        self.seen = Seen(questions)
        self.metadata = MetadataDefinitions(database)
        self.sizes = Sizes(database)
        self.size_schedule = SizeSchedule(database, leases)

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connects, and makes what is missing. Unusable says what to mend."""
        store = cls.connect(settings)
        try:
            await store.prepare()
        except (PyMongoError, TimeoutError) as error:
            await store.close()
            raise Unusable(f"MongoDB can't be used: {error}") from error
        return store

    async def prepare(self) -> None:
        """Makes what is missing."""
        await prepare(self._database)
        await self.segments.prepare()
        await self._leases.prepare()
        await self.transitions.prepare()
        await self.partitions.prepare()
        await self.retention.prepare()
        await self.checkpoints.prepare()

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connects, and changes nothing there. Unusable where nothing is named."""
        if settings.mongodb_url is None:
            raise Unusable("MONGODB_URL is not set; name a replica set, or use `segments up`.")
        url = settings.mongodb_url.get_secret_value()
        client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
            url,
            serverSelectionTimeoutMS=10_000,
            appname="customer-segments",
        )
        # Dates that Python can't hold, written by somebody else, are bent to its bounds.
        options: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_CLAMP
        )
        database = client.get_database(settings.database, codec_options=options)
        return cls(client, database, settings.query_seconds, partial(blocking_client, url))

    async def close(self) -> None:
        self.presence.close()
        self._client.close()

    async def ping(self) -> None:
        """Returns when MongoDB answers."""
        await self._database.command("ping")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """A session for transactions one after the other, which somebody else may end."""
        async with await self._client.start_session() as session:
            yield session

    async def transaction(self, work: Work[Result], session: Transaction | None = None) -> Result:
        """What `work` does is done whole or not at all; it may be run more than once.

        It looks for a key before it takes it: where another is first with the key meanwhile, the
        two conflict, and the next run sees the other's document.

        Who is cancelled waits until it is through. The driver's thread that is at an operation does
        not hear of that: it would go on when the transaction is over, and write outside of it.
        """
        cancelled = False

        async def unless_cancelled(own: Transaction) -> Result:
            if cancelled:
                raise asyncio.CancelledError
            return await work(own)

        running = asyncio.create_task(self._transaction(unless_cancelled, session))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            cancelled = True
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({running})
            if not running.cancelled():
                # Looked at, so that nobody complains that it was not.
                running.exception()
            raise

    async def _transaction(self, work: Work[Result], session: Transaction | None) -> Result:
        async with self.session() if session is None else nullcontext(session) as own:
            return await own.with_transaction(
                work,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
                read_preference=ReadPreference.PRIMARY,
            )

    async def stream(
        self, place: str, partitions: Sequence[int], paths: Iterable[tuple[str, ...]], worker: str
    ) -> Stream:
        """What was committed after a place. HistoryLost where nobody can tell."""
        return await Stream.open(self._client, self._database, place, partitions, paths, worker)

    async def fence(self, name: str, transaction: Transaction) -> int:
        """Lets transactions that rest on the same things pass one after the other.

        Snapshots alone would let two of them through that are each right by itself.
        """
        found = await self._database.fences.find_one_and_update(
            {"_id": name},
            {"$inc": {"revision": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=transaction,
        )
        return int(found["revision"])
