"""The store, opened and closed; and the transaction in which it changes."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from app.errors import Unusable
from app.settings import Settings
from app.store import lanes
from app.store.active_filters import ActiveFilters
from app.store.checkpoints import Checkpoints
from app.store.collections import Database, prepare
from app.store.connection import CODEC_OPTIONS, connect
from app.store.customers import Customers
from app.store.definitions import DefinitionRows
from app.store.events import Events
from app.store.facts import Facts
from app.store.history import History
from app.store.leases import Leases
from app.store.ledger import Ledger
from app.store.loyalty import EarningRules, LoyaltyPrograms
from app.store.members import Members
from app.store.metadata import MetadataDefinitions
from app.store.open_transactions import OpenTransactions
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
from app.store.snapshots import read_snapshot
from app.store.states import States
from app.store.stream import Stream
from app.store.tombstones import CustomerTombstones, SegmentTombstones
from app.store.transactions import Result, Transaction, Transactions, Work
from app.store.transitions import Transitions
from app.store.workers import Workers

__all__ = ["Result", "Store", "Transaction", "Work"]

# A program that starts does not wait as long as one that is at work.
_REACH_SECONDS = 10.0


class Store:
    """All that the program keeps: one attribute a collection."""

    def __init__(
        self,
        client: AsyncIOMotorClient[Any],
        database: Database,
        settings: Settings,
        connect: Callable[[], Client],
    ) -> None:
        self._client = client
        self._database = database
        self._transactions = Transactions(client, settings.operation_seconds)
        self.presence = Presence(database, connect)
        self._leases = leases = Leases(database, self.presence)
        self._questions = questions = Questions(database, settings.query_seconds)
        self.customers = Customers(database, questions)
        self.selections = Selections(questions)
        self.events = Events(database)
        self.orders = Orders(database)
        self.facts = Facts(database)
        self.definitions = DefinitionRows(database)
        self.segments = Segments(database)
        self.members = Members(database)
        self.active_filters = ActiveFilters(database)
        self.transitions = Transitions(database, leases)
        self.customer_tombstones = CustomerTombstones(database)
        self.segment_tombstones = SegmentTombstones(database)
        self.history = History(database)
        self.states = States(database)
        self.workers = Workers(database, self.presence)
        self.partitions = Partitions(database, leases)
        self.oplog = OplogReader(database)
        self.open_transactions = OpenTransactions(database)
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
            with pymongo.timeout(_REACH_SECONDS):
                await store.ping()
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
        lanes.install(settings.population_queries)
        client = connect(url)
        database = client.get_database(settings.database, codec_options=CODEC_OPTIONS)
        return cls(client, database, settings, partial(blocking_client, url))

    async def close(self) -> None:
        self.presence.close()
        self._client.close()

    async def ping(self) -> None:
        """Returns when MongoDB answers."""
        await self._database.command("ping")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """A session for transactions one after the other, which another process may end."""
        async with self._transactions.session() as session:
            yield session

    async def transaction(
        self,
        work: Work[Result],
        session: Transaction | None = None,
        *,
        keys: Iterable[str] = (),
    ) -> Result:
        """Runs `work` in a transaction until it commits, and returns its result. `work` may run
        more than once; TransactionTimeout where it did not commit in time. `keys` name what it
        writes that others may write at the same time.

        It looks for a key before it takes it: where another is first with the key meanwhile, the
        two conflict, and the next run sees the other's document.
        """
        return await self._transactions.run(work, session, keys)

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
            {"$inc": {"revision": 1, "stamped": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=transaction,
        )
        return int(found["revision"])

    async def revision(self, fence: str, transaction: Transaction) -> int:
        """The revision of a fence in the snapshot that the transaction reads. Holds up nobody."""
        found = await self._database.fences.find_one({"_id": fence}, session=transaction)
        return int(found["revision"]) if found else 0

    async def read_snapshot(self, work: Work[Result]) -> Result:
        """Runs reads that all see the data of one instant, which a majority has committed; returns
        the result of `work`, which may run more than once."""
        return await read_snapshot(self._client, work)
