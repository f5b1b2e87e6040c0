"""All verbs together: what the doors are given."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.consumers import Consumer
from app.filters import Calendar, Now
from app.services.attributes import Attributes
from app.services.consumers import Consumers
from app.services.customers import Customers
from app.services.definitions import DefinitionsReader
from app.services.earning_consumer import EarningConsumer
from app.services.engine_status import EngineStatusReader
from app.services.events import Events
from app.services.filter_import import FilterImport
from app.services.job_queue import JobQueue, NullJobQueue
from app.services.loyalty import Loyalty
from app.services.memberships import Memberships
from app.services.metadata import Metadata
from app.services.orders import Orders
from app.services.query_planner import QueryPlanner
from app.services.segment_sizes import SegmentSizes
from app.services.segments import Segments
from app.services.timeline import Timeline
from app.services.transition_feed import TransitionFeed
from app.services.transitions import Transitions
from app.settings import Settings
from app.store import Store

_WEEK_STARTS = {"MONDAY": 0, "SATURDAY": 5, "SUNDAY": 6}


class Services:
    """One attribute a noun."""

    def __init__(self, store: Store, settings: Settings, queue: JobQueue | None = None) -> None:
        self.store = store
        self.calendar = Calendar(ZoneInfo(settings.time_zone), _WEEK_STARTS[settings.week_start])
        self.definitions = DefinitionsReader(store, self.calendar)
        self.query_planner = QueryPlanner(store)
        self.metadata = Metadata(store, self.definitions, self.calendar, queue or NullJobQueue())
        self.customers = Customers(store, self.definitions, self.query_planner)
        self.events = Events(store)
        self.orders = Orders(store)
        self.segments = Segments(store, self.definitions, self.query_planner)
        interval = timedelta(minutes=settings.size_interval_minutes)
        self.segment_sizes = SegmentSizes(store, self.segments, interval)
        self.attributes = Attributes(store, self.definitions)
        self.filter_import = FilterImport(self.definitions)
        self.memberships = Memberships(store, self.definitions)
        self.timeline = Timeline(store)
        self.transition_feed = TransitionFeed(store)
        self.transitions = Transitions(store, self.definitions, self.transition_feed)
        self.engine_status = EngineStatusReader(store)
        self.loyalty = Loyalty(store, self.definitions)
        earning_consumer = EarningConsumer(store, lambda: self.now().at)
        self.consumers = Consumers(store, {Consumer.LOYALTY: earning_consumer.handle})

    def now(self) -> Now:
        """The instant that a door takes for a whole request."""
        return Now(datetime.now(UTC), self.calendar)
