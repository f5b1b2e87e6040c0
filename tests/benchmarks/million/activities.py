"""Generates the activity of each customer of the benchmark shop: events and orders.

The generator is deterministic. The first thousand customers of a shop of a million are the
customers of a shop of a thousand.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random

from bson import ObjectId

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
EVENT_NAMES = (
    *["page_view"] * 10,
    *["newsletter_opened"] * 4,
    *["purchase"] * 4,
    *["basket_left", "support.asked"],
)


@dataclass(frozen=True)
class ActivityLevel:
    """How many events and orders this many of each thousand customers have. Most have few."""

    customers_per_thousand: int
    event_count: int
    order_count: int


# A thousand customers with 3,000 events and 700 orders.
_ACTIVITY_LEVELS = (
    ActivityLevel(320, 0, 0),
    ActivityLevel(60, 0, 1),
    ActivityLevel(250, 1, 0),
    ActivityLevel(160, 2, 1),
    ActivityLevel(120, 4, 1),
    ActivityLevel(60, 8, 3),
    ActivityLevel(20, 20, 5),
    ActivityLevel(7, 60, 8),
    ActivityLevel(2, 150, 8),
    ActivityLevel(1, 350, 8),
)
_ORDER_STATUSES = (*["PAID"] * 8, *["FULFILLED"] * 8, "CREATED", *["CANCELED"] * 3)


@dataclass(slots=True)
class Event:
    """An event. `random_bits` determine its properties; `customer_version` is the version of the
    customer that includes it first."""

    milliseconds_ago: int
    name: str
    random_bits: int
    customer_version: int = 0


@dataclass(slots=True)
class Order:
    """An order. With `is_revised` it has superseded an earlier revision."""

    milliseconds_ago: int
    status: str
    amount: int
    random_bits: int
    is_revised: bool
    customer_version: int = 0

    @property
    def is_counted(self) -> bool:
        return self.status in ("PAID", "FULFILLED")


@dataclass(slots=True)
class Activity:
    """The events and orders of one customer."""

    number: int
    joined_milliseconds_ago: int
    events: list[Event]
    orders: list[Order]
    version: int = 1


def customer_id(number: int) -> ObjectId:
    """Returns the id of a customer. Ids are in the order of the numbers."""
    return ObjectId((0x60000000 + number // 8).to_bytes(4) + b"shops" + number.to_bytes(3))


def source_id(number: int) -> str:
    return f"customer-{number:07}"


def instant_before_now(milliseconds: int) -> datetime:
    """Returns the instant this many milliseconds before NOW."""
    return NOW - timedelta(milliseconds=milliseconds)


def generate_activities(customers: int) -> Iterator[Activity]:
    """Yields the activity of each customer, in the order of their numbers."""
    rng = Random(1997)
    levels = [level for level in _ACTIVITY_LEVELS for _ in range(level.customers_per_thousand)]
    for number in range(customers):
        if number % len(levels) == 0:
            rng.shuffle(levels)
        yield _generate_activity(number, levels[number % len(levels)], rng)


def _generate_activity(number: int, level: ActivityLevel, rng: Random) -> Activity:
    day = 86_400_000
    joined_milliseconds_ago = int((2 + 900 * rng.random()) * day)
    quiet_milliseconds = int(joined_milliseconds_ago * rng.random()) if rng.random() < 0.3 else 0

    def random_time() -> int:
        # The square makes the last weeks the busiest.
        return quiet_milliseconds + int(
            (joined_milliseconds_ago - quiet_milliseconds) * rng.random() ** 2
        )

    events = [
        Event(random_time(), rng.choice(EVENT_NAMES), rng.getrandbits(32))
        for _ in range(level.event_count)
    ]
    orders = [
        Order(
            random_time(),
            rng.choice(_ORDER_STATUSES),
            500 + int(40_000 * rng.random() ** 3),
            rng.getrandbits(32),
            rng.random() < 0.08,
        )
        for _ in range(level.order_count)
    ]
    activity = Activity(number, joined_milliseconds_ago, events, orders)
    events_and_orders: list[Event | Order] = [*events, *orders]
    for entry in sorted(events_and_orders, key=attrgetter("milliseconds_ago"), reverse=True):
        activity.version += 2 if isinstance(entry, Order) and entry.is_revised else 1
        entry.customer_version = activity.version
    return activity
