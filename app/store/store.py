"""Opens and closes the store, and runs its transactions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from app.errors import SetupError
from app.settings import Settings
from app.store import thread_pools
from app.store.active_filters import ActiveFilters
from app.store.api_keys import ApiKeys
from app.store.change_stream import ChangeStream
from app.store.checkpoints import Checkpoints
from app.store.clock import Clock
from app.store.code_pools import CodePools
from app.store.collection_setup import prepare
from app.store.collections import Database
from app.store.connection import CODEC_OPTIONS, connect
from app.store.customer_facts import CustomerFactsReader
from app.store.customer_history import CustomerHistoryReader
from app.store.customer_search import CustomerSearch
from app.store.customers import Customers
from app.store.definition_changes import DefinitionChanges
from app.store.definitions import DefinitionsReader
from app.store.deliveries import Deliveries
from app.store.delivery_queue import DeliveryQueue
from app.store.delivery_retention import DeliveryRetention
from app.store.distributions import Distributions
from app.store.events import Events
from app.store.export_files import ExportFiles
from app.store.exports import Exports
from app.store.field_probes import FieldProbes
from app.store.heartbeats import BlockingClient, Heartbeats, blocking_client
from app.store.idempotency_keys import IdempotencyKeys
from app.store.leases import Leases
from app.store.ledger import Ledger
from app.store.limited_database import LimitedDatabase
from app.store.logged_memberships import LoggedMemberships
from app.store.loyalty import EarningRules, LoyaltyPrograms
from app.store.matching_customers import MatchingCustomers
from app.store.member_windows import MemberWindows
from app.store.members import Members
from app.store.membership_states import MembershipStates
from app.store.metadata_definitions import MetadataDefinitions
from app.store.open_transactions import OpenTransactions
from app.store.oplog import OplogReader
from app.store.orders import Orders
from app.store.partitions import Partitions
from app.store.quarantine import Quarantine
from app.store.query_budget import QueryBudget
from app.store.referral_programs import ReferralPrograms
from app.store.referral_rewards import ReferralRewards
from app.store.referrals import Referrals
from app.store.retention import LogRetention
from app.store.segment_changes import SegmentChanges
from app.store.segment_lists import SegmentLists
from app.store.segment_sizes import SegmentSizes
from app.store.segments import Segments
from app.store.sessions import TransactionDeadlines
from app.store.size_schedule import SizeSchedule
from app.store.snapshots import read_snapshot
from app.store.tombstones import (
    CustomerTombstones,
    code_pool_tombstones,
    segment_tombstones,
)
from app.store.transactions import Result, Transaction, Transactions, Work
from app.store.transitions import Transitions
from app.store.validation_rules import ValidationRules
from app.store.value_samples import ValueSamples
from app.store.watermarks import Watermarks
from app.store.workers import Workers

__all__ = ["Result", "Store", "Transaction", "Work"]

# A program that starts reports an unreachable MongoDB sooner than one that is running.
_STARTUP_PING_TIMEOUT_SECONDS = 10.0
_CLOSE_TIMEOUT_SECONDS = 1.0


class Store:
    """Access to all stored data: one attribute per collection or kind of query."""

    def __init__(
        self,
        client: AsyncIOMotorClient[Any],
        database: Database,
        settings: Settings,
        connect_blocking: Callable[[], BlockingClient],
    ) -> None:
        self._client = client
        self._database = database
        self._transactions = Transactions(client, settings.operation_seconds)
        self.has_substring_index = settings.substring_index
        self.heartbeats = Heartbeats(database, connect_blocking)
        self.leases = leases = Leases(database, self.heartbeats)
        self._query_budget = query_budget = QueryBudget(database, settings.query_seconds)
        self.customers = Customers(database, query_budget)
        self.matching_customers = MatchingCustomers(query_budget)
        self.customer_search = CustomerSearch(database, query_budget)
        self.events = Events(database)
        self.orders = Orders(database)
        self.customer_facts = CustomerFactsReader(database, settings.query_seconds)
        self.definitions = DefinitionsReader(database)
        self.segments = Segments(database)
        self.segment_changes = SegmentChanges(database)
        self.segment_lists = SegmentLists(database)
        self.members = Members(database)
        self.active_filters = ActiveFilters(database)
        self.transitions = Transitions(database, leases)
        self.customer_tombstones = CustomerTombstones(database)
        self.segment_tombstones = segment_tombstones(database)
        self.code_pool_tombstones = code_pool_tombstones(database)
        self.customer_history = CustomerHistoryReader(database)
        self.membership_states = MembershipStates(database)
        self.workers = Workers(database, self.heartbeats)
        self.clock = Clock(database)
        self.partitions = Partitions(database, leases, self.clock)
        self.definition_changes = DefinitionChanges(database)
        self.watermarks = Watermarks(database)
        self.oplog = OplogReader(database)
        self.open_transactions = OpenTransactions(database)
        self.retention = LogRetention(database)
        self.checkpoints = Checkpoints(database, leases, self.transitions)
        self.quarantine = Quarantine(database)
        self.transaction_deadlines = TransactionDeadlines(database)
        self.loyalty_programs = LoyaltyPrograms(database)
        self.earning_rules = EarningRules(database)
        self.ledger = Ledger(database)
        self.validation_rules = ValidationRules(database)
        self.distributions = Distributions(database)
        self.deliveries = Deliveries(database)
        self.delivery_queue = DeliveryQueue(database, self.heartbeats)
        self.delivery_retention = DeliveryRetention(database)
        self.code_pools = CodePools(database)
        self.referral_programs = ReferralPrograms(database)
        self.referrals = Referrals(database)
        self.referral_rewards = ReferralRewards(database)
        self.logged_memberships = LoggedMemberships(database)
        self.value_samples = ValueSamples(query_budget)
        self.field_probes = FieldProbes(query_budget)
        self.metadata_definitions = MetadataDefinitions(database)
        self.segment_sizes = SegmentSizes(database)
        self.size_schedule = SizeSchedule(database, leases)
        self.member_windows = MemberWindows(database)
        self.exports = Exports(database, leases)
        self.export_files = ExportFiles(database)
        self.api_keys = ApiKeys(database)
        self.idempotency_keys = IdempotencyKeys(database)

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connects and creates missing collections. Raises SetupError, which says what to fix."""
        store = cls.connect(settings)
        try:
            with pymongo.timeout(_STARTUP_PING_TIMEOUT_SECONDS):
                await store.ping()
            await store.prepare()
        except BaseException as error:
            await store.close()
            if isinstance(error, (PyMongoError, TimeoutError)):
                raise SetupError(f"MongoDB can't be used: {error}") from error
            raise
        return store

    async def prepare(self) -> None:
        """Creates missing collections, indexes, counters, leases, partitions and checkpoints."""
        await prepare(self._database, has_substring_index=self.has_substring_index)
        await self.segments.prepare()
        await self.leases.prepare()
        await self.transitions.prepare()
        await self.partitions.prepare()
        await self.retention.prepare()
        await self.checkpoints.prepare()

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connects without changing anything. Raises SetupError if MONGODB_URL is not set."""
        if settings.mongodb_url is None:
            raise SetupError("MONGODB_URL is not set; name a replica set, or use `segments up`.")
        url = settings.mongodb_url.get_secret_value()
        thread_pools.install_executor(settings.population_queries)
        client = connect(url)
        database = LimitedDatabase(client, settings.database, codec_options=CODEC_OPTIONS)
        return cls(client, database, settings, partial(blocking_client, url))

    async def close(self) -> None:
        """Closes the connections. Takes at most a second if MongoDB does not answer."""
        # The driver ends its sessions first, in the thread of the call.
        await asyncio.to_thread(self._close_clients)

    def _close_clients(self) -> None:
        with pymongo.timeout(_CLOSE_TIMEOUT_SECONDS):
            self.heartbeats.close()
            self._client.close()

    async def ping(self) -> None:
        """Waits until MongoDB answers."""
        await self._database.command("ping")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """Opens a session for consecutive transactions, which another process may end."""
        async with self._transactions.session() as session:
            yield session

    async def transaction(
        self,
        work: Work[Result],
        session: Transaction | None = None,
        *,
        keys: Iterable[str] = (),
    ) -> Result:
        """Runs `work` in a transaction until it commits, and returns its result.

        `work` may run more than once. `keys` name the documents that other transactions may write
        at the same time. Raises TransactionTimeout if the transaction does not commit in time.

        `work` must look a unique key up before it inserts it. If another transaction inserts the
        key meanwhile, the two conflict, and the next run finds the other's document.
        """
        return await self._transactions.run(work, session, keys)

    async def open_change_stream(
        self,
        position: str,
        partitions: Sequence[int],
        paths: Iterable[tuple[str, ...]],
        worker: str,
    ) -> ChangeStream:
        """Opens the change stream at a position. Raises HistoryLost if the oplog starts later."""
        return await ChangeStream.open(
            self._client, self._database, position, partitions, paths, worker
        )

    async def increment_revision(self, name: str, transaction: Transaction) -> int:
        """Increments a revision in `counters`, and returns it.

        Transactions that increment the same revision conflict, so they commit one after the other.
        Snapshot isolation alone would allow write skew: both could commit, although each of them
        is valid only without the other.
        """
        counter = await self._database.counters.find_one_and_update(
            {"_id": name},
            {"$inc": {"revision": 1, "stampedRevisions": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=transaction,
        )
        return int(counter["revision"])

    async def read_revision(self, name: str, transaction: Transaction) -> int:
        """The revision in the transaction's snapshot; 0 if it was never incremented."""
        counter = await self._database.counters.find_one({"_id": name}, session=transaction)
        return int(counter["revision"]) if counter else 0

    async def read_snapshot(self, work: Work[Result]) -> Result:
        """Runs `work`, whose reads see one majority-committed snapshot, and returns its result.

        `work` may run more than once.
        """
        return await read_snapshot(self._client, work)
