"""The shop of the benchmark: each customer and what he did, the same each time, one by one.

The first thousand of a million are the same people as the thousand of a small shop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random

from bson import ObjectId

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NAMES = (
    *["page_view"] * 10,
    *["newsletter_opened"] * 4,
    *["purchase"] * 4,
    *["basket_left", "support.asked"],
)


@dataclass(frozen=True)
class Habit:
    """How much is done by so many of each thousand customers: most do little, a few hundreds."""

    customers: int
    events: int
    orders: int


# A thousand customers with 3,000 events and 700 orders.
_HABITS = (
    Habit(320, 0, 0),
    Habit(60, 0, 1),
    Habit(250, 1, 0),
    Habit(160, 2, 1),
    Habit(120, 4, 1),
    Habit(60, 8, 3),
    Habit(20, 20, 5),
    Habit(7, 60, 8),
    Habit(2, 150, 8),
    Habit(1, 350, 8),
)
_STATUSES = (*["PAID"] * 8, *["FULFILLED"] * 8, "CREATED", *["CANCELED"] * 3)


@dataclass(slots=True)
class Event:
    """`luck` decides what its properties are; `since` is the customer's version it brought."""

    at: int
    name: str
    luck: int
    since: int = 0


@dataclass(slots=True)
class Order:
    """`revised` where another revision, which it has ended, came before it."""

    at: int
    status: str
    amount: int
    luck: int
    revised: bool
    since: int = 0

    @property
    def counts(self) -> bool:
        return self.status in ("PAID", "FULFILLED")


@dataclass(slots=True)
class Activity:
    """All that one customer did, in the order of time."""

    number: int
    joined: int
    events: list[Event]
    orders: list[Order]
    version: int = 1


def customer_key(number: int) -> ObjectId:
    """Ids grow from customer to customer, and nothing else does."""
    return ObjectId((0x60000000 + number // 8).to_bytes(4) + b"shops" + number.to_bytes(3))


def source_id(number: int) -> str:
    return f"customer-{number:07}"


def moment(milliseconds: int) -> datetime:
    """The instant so long before NOW."""
    return NOW - timedelta(milliseconds=milliseconds)


def activities(customers: int) -> Iterator[Activity]:
    """What each customer did, one customer after the other."""
    dice = Random(1997)
    habits = [habit for habit in _HABITS for _ in range(habit.customers)]
    for number in range(customers):
        if number % len(habits) == 0:
            dice.shuffle(habits)
        yield _activity(number, habits[number % len(habits)], dice)


def _activity(number: int, habit: Habit, dice: Random) -> Activity:
    day = 86_400_000
    joined = int((2 + 900 * dice.random()) * day)
    quiet = int(joined * dice.random()) if dice.random() < 0.3 else 0

    def before() -> int:
        # The square makes the last weeks the busiest.
        return quiet + int((joined - quiet) * dice.random() ** 2)

    events = [
        Event(before(), dice.choice(NAMES), dice.getrandbits(32)) for _ in range(habit.events)
    ]
    orders = [
        Order(
            before(),
            dice.choice(_STATUSES),
            500 + int(40_000 * dice.random() ** 3),
            dice.getrandbits(32),
            dice.random() < 0.08,
        )
        for _ in range(habit.orders)
    ]
    activity = Activity(number, joined, events, orders)
    both: list[Event | Order] = [*events, *orders]
    for done in sorted(both, key=attrgetter("at"), reverse=True):
        activity.version += 2 if isinstance(done, Order) and done.revised else 1
        done.since = activity.version
    return activity
