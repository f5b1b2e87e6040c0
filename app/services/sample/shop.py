"""The shop's customers and what they did: the same each time, at moments counted back from one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count, cycle
from random import Random
from typing import Any

Row = dict[str, Any]

CUSTOMERS = 3_000

_FIRST_NAMES = (
    *("Ada", "Bruno", "Celia", "Dario", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas"),
    *("Kira", "Luca", "Maja", "Nils", "Olga", "Pavel", "Rosa", "Sami", "Tilda", "Zofia"),
)
_LAST_NAMES = (
    *("Adler", "Berg", "Castro", "Duda", "Eriksen", "Ferrari", "Grabowski", "Horvat", "Ilic"),
    *("Jansen", "Kowalska", "Lindqvist", "Moreau", "Nowak", "Okafor", "Petrov", "Rossi"),
    *("Silva", "Tamm", "Weber"),
)


@dataclass(frozen=True)
class City:
    name: str
    country: str
    lat: float
    lon: float


_CITIES = (
    City("Warsaw", "PL", 52.23, 21.01),
    City("Berlin", "DE", 52.52, 13.40),
    City("Lisbon", "PT", 38.72, -9.14),
    City("Milan", "IT", 45.46, 9.19),
    City("Oslo", "NO", 59.91, 10.75),
    City("Tallinn", "EE", 59.44, 24.75),
)
_STREETS = ("Mill Lane", "Harbour Street", "Long Road", "Garden Square", "Station Way")
TAGS = ("gardening", "gifts", "kitchen", "outdoor", "reading", "toys")
PLANS = ("free", "plus", "gold")
_PRODUCTS = ("kettle", "lamp", "novel", "rake", "rucksack", "teddy", "vase")


@dataclass(frozen=True)
class Habit:
    """A kind of customer: how many orders and events, from so many days ago until so many."""

    orders: int
    events: int
    since: int
    until: int = 0
    vip: bool = False


# One customer after the other has the next of these ten habits.
_HABITS = (
    Habit(orders=10, events=15, since=730, vip=True),
    *[Habit(orders=4, events=8, since=730)] * 3,
    *[Habit(orders=2, events=5, since=600)] * 3,
    *[Habit(orders=3, events=4, since=730, until=200)] * 2,
    Habit(orders=0, events=5, since=60),
)


class Shop:
    """All rows, in the shape of the API's inputs; `opened` is the moment of the first loading."""

    def __init__(self, opened: datetime) -> None:
        self._opened = opened

    def customers(self) -> Iterator[Row]:
        chance = _chance("customers")
        for number, habit in _everyone():
            yield self._customer(number, habit, chance)

    def orders(self) -> Iterator[Row]:
        chance, numbers = _chance("orders"), count(1)
        for customer, habit in _everyone():
            for _ in range(habit.orders):
                yield self._order(next(numbers), customer, habit, chance)

    def events(self) -> Iterator[Row]:
        chance, numbers = _chance("events"), count(1)
        for customer, habit in _everyone():
            for _ in range(habit.events):
                yield self._event(next(numbers), customer, habit, chance)

    def _customer(self, number: int, habit: Habit, chance: Random) -> Row:
        first, last = chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES)
        city = chance.choice(_CITIES)
        born = date(1945, 1, 1) + timedelta(days=chance.randrange(60 * 365))
        since = self._opened - timedelta(days=habit.since + chance.randrange(30))
        return {
            "sourceId": source_id(number),
            "name": f"{first} {last}",
            "email": f"{first}.{last}.{number}@example.com".lower(),
            "phone": f"+999 555 {number:04}" if chance.random() < 0.7 else None,
            "birthdate": born.isoformat() if chance.random() < 0.8 else None,
            "source": "sample",
            "address": {
                "line1": f"{chance.randint(1, 120)} {chance.choice(_STREETS)}",
                "city": city.name,
                "postalCode": f"{chance.randint(10_000, 99_999)}",
                "country": city.country,
            },
            "metadata": {
                "vip": habit.vip,
                "plan": chance.choice(PLANS),
                "tags": sorted(chance.sample(TAGS, chance.randint(0, 3))),
                "newsletter": chance.random() < 0.6,
                "signupDate": since.date().isoformat(),
                "favouriteStore": {
                    "lat": round(city.lat + chance.uniform(-0.1, 0.1), 4),
                    "lon": round(city.lon + chance.uniform(-0.1, 0.1), 4),
                },
            },
        }

    def _order(self, number: int, customer: int, habit: Habit, chance: Random) -> Row:
        return {
            "sourceId": f"order-{number:05}",
            "customer": {"sourceId": source_id(customer)},
            "status": chance.choice(("PAID", "PAID", "FULFILLED", "FULFILLED", "CANCELED")),
            "amount": chance.randrange(500, 25_000),
            "at": self._moment(habit, chance),
            "metadata": {
                "channel": chance.choice(("web", "web", "store")),
                "items": chance.randint(1, 6),
            },
        }

    def _event(self, number: int, customer: int, habit: Habit, chance: Random) -> Row:
        name, properties = chance.choice(
            (
                ("visit", {"page": chance.choice(("home", "sale", "basket"))}),
                ("newsletter_opened", {"campaign": chance.choice(("spring", "autumn"))}),
                (
                    "product_viewed",
                    {"product": chance.choice(_PRODUCTS), "price": chance.randrange(500, 9_000)},
                ),
            )
        )
        return {
            "customer": {"sourceId": source_id(customer)},
            "name": name,
            "at": self._moment(habit, chance),
            "properties": properties,
            "idempotencyKey": f"sample-event-{number:05}",
        }

    def _moment(self, habit: Habit, chance: Random) -> datetime:
        """Some time in the habit's days; the square makes the last weeks the busiest."""
        days = habit.until + (habit.since - habit.until) * chance.random() ** 2
        return self._opened - timedelta(days=days)


def source_id(number: int) -> str:
    return f"customer-{number:04}"


def _everyone() -> Iterator[tuple[int, Habit]]:
    return zip(range(1, CUSTOMERS + 1), cycle(_HABITS), strict=False)


def _chance(of: str) -> Random:
    """The same numbers each time."""
    return Random(of)  # noqa: S311 - made-up people keep no secrets
