"""All services of one process: what the API, the commands and the workers call."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.consumers import Consumer
from app.domain.ids import EntityKind, kind_of
from app.domain.inputs import CustomerRef
from app.domain.project import Project
from app.filters import Calendar, Now
from app.services.api_keys import ApiKeys
from app.services.attributes import Attributes
from app.services.authenticator import Authenticator
from app.services.code_pools import CodePools
from app.services.consumers import Consumers
from app.services.customers import Customers
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries import (
    Channels,
    CodeBacklog,
    ContentMaker,
    Deliveries,
    DeliveriesConsumer,
    DeliveryRetention,
    DeliveryWorker,
    DeliveryWriter,
    MemberBackfills,
    Sender,
    Upkeep,
    UpkeepFailures,
)
from app.services.distributions import Distributions
from app.services.earning_consumer import EarningConsumer
from app.services.engine_status import EngineStatusReader
from app.services.events import Events
from app.services.exports import ExportFeed, Exports, ExportSettings, ExportWorker
from app.services.exports.download_urls import DownloadUrls
from app.services.filter_hints import FilterHints
from app.services.filter_import import FilterImport
from app.services.idempotency import Idempotency
from app.services.job_queue import JobQueue, NullJobQueue
from app.services.loyalty import Loyalty
from app.services.memberships import Memberships
from app.services.metadata import Metadata
from app.services.orders import Orders
from app.services.points import Points
from app.services.previews import Previews
from app.services.query_planner import QueryPlanner
from app.services.referral_checks import ReferralChecks
from app.services.referral_consumer import ReferralConsumer
from app.services.referral_rewards import RewardGiver
from app.services.referrals import Referrals
from app.services.segment_members import SegmentMembers
from app.services.segment_sizes import SegmentSizes
from app.services.segments import Segments
from app.services.timeline import Timeline
from app.services.transition_feed import TransitionFeed
from app.services.transitions import Transitions
from app.services.validation_rules import ValidationRules
from app.settings import Settings
from app.store import Store

_WEEK_STARTS = {"MONDAY": 0, "SATURDAY": 5, "SUNDAY": 6}


class Services:
    """One attribute for each subject: customers, segments, loyalty and so on."""

    def __init__(self, store: Store, settings: Settings, queue: JobQueue | None = None) -> None:
        self.store = store
        self.api_keys = ApiKeys(store)
        self.authenticator = Authenticator(
            store, self._instant, requires_keys=settings.auth == "keys"
        )
        self.idempotency = Idempotency(store, self._instant)
        self.project = Project(settings.time_zone, settings.week_start, settings.currency)
        self.calendar = Calendar(ZoneInfo(settings.time_zone), _WEEK_STARTS[settings.week_start])
        self.definitions = DefinitionsReader(store, self.calendar)
        self.query_planner = QueryPlanner(store)
        queue = queue or NullJobQueue()
        self.metadata = Metadata(store, self.definitions, self.calendar, queue)
        self.code_pools = CodePools(store, self.definitions, queue)
        self.customers = Customers(store, self.definitions, self.query_planner)
        self.events = Events(store)
        self.orders = Orders(store)
        self.segments = Segments(store, self.definitions, self.query_planner)
        self.segment_members = SegmentMembers(store, self.definitions, self.query_planner)
        interval = timedelta(minutes=settings.size_interval_minutes)
        self.segment_sizes = SegmentSizes(store, self.segment_members, interval)
        self.attributes = Attributes(store, self.definitions)
        self.filter_hints = FilterHints(store, self.definitions)
        self.filter_import = FilterImport(self.definitions)
        self.memberships = Memberships(store, self.definitions)
        self.previews = Previews(store, self.definitions, self.query_planner, self.memberships)
        self.validation_rules = ValidationRules(store, self.definitions, self.memberships)
        self.timeline = Timeline(store)
        self.transition_feed = TransitionFeed(store)
        self.transitions = Transitions(store, self.definitions, self.transition_feed)
        export_settings = ExportSettings(timedelta(days=settings.export_retention_days))
        self.exports = Exports(store, self.definitions, self.attributes, queue)
        self.export_worker = ExportWorker(
            store, self.definitions, self.query_planner, queue, export_settings
        )
        self.export_feed = ExportFeed(store)
        self.download_urls = DownloadUrls(settings.secret_key)
        self.engine_status = EngineStatusReader(store)
        self.loyalty = Loyalty(store, self.definitions)
        self.points = Points(store)
        reward_giver = RewardGiver(store, self._instant)
        self.referrals = Referrals(store, self.definitions, reward_giver)
        self.distributions = Distributions(store, self.definitions, settings)
        open_channels = partial(Channels, settings)
        content_maker = ContentMaker(settings)
        self.deliveries = Deliveries(
            store, self.definitions, content_maker, open_channels, self._instant
        )
        retention_days = settings.delivery_retention_days
        self.delivery_retention = DeliveryRetention(
            store,
            None if retention_days is None else timedelta(days=retention_days),
            self._instant,
        )
        writer = DeliveryWriter(store, self.definitions, content_maker, self._instant)
        upkeep_failures = UpkeepFailures(store)
        self.delivery_worker = DeliveryWorker(
            Sender(store, self.definitions, open_channels, self._instant),
            Upkeep(
                store,
                MemberBackfills(store, writer, upkeep_failures),
                CodeBacklog(store, self.definitions, content_maker, upkeep_failures, self._instant),
                upkeep_failures,
            ),
        )
        self.consumers = Consumers(
            store,
            {
                Consumer.LOYALTY: EarningConsumer(store, self._instant).handle,
                Consumer.REFERRALS: ReferralConsumer(store, reward_giver).handle,
                Consumer.DELIVERIES: DeliveriesConsumer(store, writer).handle,
            },
            {
                Consumer.LOYALTY: store.earning_rules.segments_used_after,
                Consumer.REFERRALS: store.referral_programs.segments_used_after,
                Consumer.DELIVERIES: store.distributions.segments_used_after,
            },
            {"referral checks": ReferralChecks(store, reward_giver, self._instant).run_once},
        )
        # Each reader takes a public id of its kind and returns the entity, or None.
        self._get_by_kind: Mapping[EntityKind, Callable[[str], Awaitable[Any]]] = {
            EntityKind.CUSTOMER: lambda id_: self.customers.get(CustomerRef.by_id(id_)),
            EntityKind.EVENT: self.events.get,
            EntityKind.ORDER: self.orders.get,
            EntityKind.SEGMENT: self.segments.get,
            EntityKind.TRANSITION: self.transitions.get,
            EntityKind.LEDGER_ENTRY: self.loyalty.ledger_entry,
            EntityKind.LOYALTY_PROGRAM: self.loyalty.program,
            EntityKind.EARNING_RULE: self.loyalty.rule,
            EntityKind.EXPORT: self.exports.get,
            EntityKind.VALIDATION_RULE: self.validation_rules.get,
            EntityKind.DISTRIBUTION: self.distributions.get,
            EntityKind.DELIVERY: self.deliveries.get,
            EntityKind.CODE_POOL: self.code_pools.get,
            EntityKind.REFERRAL_PROGRAM: self.referrals.program,
            EntityKind.REFERRAL_TIER: self.referrals.tier,
        }
        self._get_users_by_kind: Mapping[
            EntityKind | None, Callable[[list[str]], Awaitable[Mapping[str, Any]]]
        ] = {
            EntityKind.SEGMENT: self.segments.get_many,
            EntityKind.EARNING_RULE: self.loyalty.get_rules,
            EntityKind.VALIDATION_RULE: self.validation_rules.get_many,
            EntityKind.REFERRAL_TIER: self.referrals.get_tiers,
            EntityKind.DISTRIBUTION: self.distributions.get_many,
        }

    async def get_users(self, ids: Iterable[str]) -> dict[str, Any]:
        """Returns, by id, the existing ones of these definitions that use segments or code pools,
        each as `get_by_id` does."""
        ids_by_kind: defaultdict[EntityKind | None, list[str]] = defaultdict(list)
        for id_ in ids:
            ids_by_kind[kind_of(id_)].append(id_)
        # At the same time, so that they share one read of the definitions.
        users_by_kind = await asyncio.gather(
            *(
                self._get_users_by_kind[kind](ids_of_kind)
                for kind, ids_of_kind in ids_by_kind.items()
                if kind in self._get_users_by_kind
            )
        )
        return {id_: user for users in users_by_kind for id_, user in users.items()}

    async def get_by_id(self, id_: str) -> tuple[EntityKind, Any] | None:
        """Returns the kind of a public id and the entity that has it: for an earning rule, a
        RuleWithSegment. None if the id is malformed or unknown."""
        kind = kind_of(id_)
        entity = await self._get_by_kind[kind](id_) if kind else None
        return None if kind is None or entity is None else (kind, entity)

    def _instant(self) -> datetime:
        return self.now().at

    def now(self) -> Now:
        """Returns the current instant with the project's calendar. A caller takes it once for a
        whole request."""
        return Now(datetime.now(UTC), self.calendar)
