"""The customers, orders and events of the sample shop: the same rows for the same `opened_at`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count, cycle
from random import Random
from typing import Any

Row = dict[str, Any]

CUSTOMER_COUNT = 3_000

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


@dataclass(frozen=True)
class Product:
    name: str
    category: str
    price: int


_PRODUCTS = (
    Product("kettle", "kitchen", 3_900),
    Product("lamp", "home", 5_500),
    Product("novel", "books", 1_400),
    Product("rake", "garden", 2_200),
    Product("rucksack", "outdoor", 7_900),
    Product("sandals", "shoes", 4_500),
    Product("boots", "shoes", 11_900),
    Product("teddy", "toys", 1_900),
    Product("vase", "home", 2_600),
)
_CHANNELS = ("web", "web", "store")


@dataclass(frozen=True)
class ActivityPattern:
    """The activity of one kind of customer: the number of orders and events, and the interval in
    which they lie, in days before `opened_at`."""

    order_count: int
    event_count: int
    since_days_ago: int
    until_days_ago: int = 0
    is_vip: bool = False


# The patterns are assigned to the customers in turn.
_ACTIVITY_PATTERNS = (
    ActivityPattern(order_count=10, event_count=15, since_days_ago=730, is_vip=True),
    *[ActivityPattern(order_count=4, event_count=8, since_days_ago=730)] * 3,
    *[ActivityPattern(order_count=2, event_count=5, since_days_ago=600)] * 3,
    *[ActivityPattern(order_count=3, event_count=4, since_days_ago=730, until_days_ago=200)] * 2,
    ActivityPattern(order_count=0, event_count=5, since_days_ago=60),
)


class Shop:
    """All rows of the shop, in the shape of the API's inputs. `opened_at` is the instant of the
    first load."""

    def __init__(self, opened_at: datetime) -> None:
        self._opened_at = opened_at

    def customers(self) -> Iterator[Row]:
        random = _seeded_random("customers")
        for number, pattern in _numbered_patterns():
            yield self._build_customer(number, pattern, random)

    def orders(self) -> Iterator[Row]:
        # With this seed customer-0001, of the examples, has bought three times this quarter.
        random, numbers = _seeded_random("checkout"), count(1)
        for customer_number, pattern in _numbered_patterns():
            for _ in range(pattern.order_count):
                yield self._build_order(next(numbers), customer_number, pattern, random)

    def events(self) -> Iterator[Row]:
        random, numbers = _seeded_random("events"), count(1)
        for customer_number, pattern in _numbered_patterns():
            for _ in range(pattern.event_count):
                yield self._build_event(next(numbers), customer_number, pattern, random)

    def _build_customer(self, number: int, pattern: ActivityPattern, random: Random) -> Row:
        first, last = random.choice(_FIRST_NAMES), random.choice(_LAST_NAMES)
        city = random.choice(_CITIES)
        birthdate = date(1945, 1, 1) + timedelta(days=random.randrange(60 * 365))
        signed_up_at = self._opened_at - timedelta(
            days=pattern.since_days_ago + random.randrange(30)
        )
        return {
            "sourceId": source_id(number),
            "name": f"{first} {last}",
            "email": f"{first}.{last}.{number}@example.com".lower(),
            "phone": f"+999 555 {number:04}" if random.random() < 0.7 else None,
            "birthdate": birthdate.isoformat() if random.random() < 0.8 else None,
            "source": "sample",
            "address": {
                "line1": f"{random.randint(1, 120)} {random.choice(_STREETS)}",
                "city": city.name,
                "postalCode": f"{random.randint(10_000, 99_999)}",
                "country": city.country,
            },
            "metadata": {
                "vip": pattern.is_vip,
                "plan": random.choice(PLANS),
                "tags": sorted(random.sample(TAGS, random.randint(0, 3))),
                "newsletter": random.random() < 0.6,
                "signupDate": signed_up_at.date().isoformat(),
                "favouriteStore": {
                    "lat": round(city.lat + random.uniform(-0.1, 0.1), 4),
                    "lon": round(city.lon + random.uniform(-0.1, 0.1), 4),
                },
            },
        }

    def _build_order(
        self, number: int, customer_number: int, pattern: ActivityPattern, random: Random
    ) -> Row:
        items = [
            _build_item(product, random)
            for product in random.sample(_PRODUCTS, random.choice((1, 1, 2, 2, 3, 4)))
        ]
        return {
            "sourceId": f"order-{number:05}",
            "customer": {"sourceId": source_id(customer_number)},
            "status": random.choice(("PAID", "PAID", "FULFILLED", "FULFILLED", "CANCELED")),
            "amount": sum(item["amount"] for item in items),
            "at": self._random_instant(pattern, random),
            "items": items,
            "metadata": {"channel": random.choice(_CHANNELS)},
        }

    def _build_event(
        self, number: int, customer_number: int, pattern: ActivityPattern, random: Random
    ) -> Row:
        name, properties = random.choice(
            (
                ("visit", {"page": random.choice(("home", "sale", "basket"))}),
                ("newsletter_opened", {"campaign": random.choice(("spring", "autumn"))}),
                (
                    "product_viewed",
                    {
                        "product": random.choice(_PRODUCTS).name,
                        "price": random.randrange(500, 9_000),
                    },
                ),
            )
        )
        return {
            "customer": {"sourceId": source_id(customer_number)},
            "name": name,
            "at": self._random_instant(pattern, random),
            "properties": properties,
            "idempotencyKey": f"sample-event-{number:05}",
        }

    def _random_instant(self, pattern: ActivityPattern, random: Random) -> datetime:
        """Returns an instant in the pattern's interval. The square makes recent days busier."""
        days = (
            pattern.until_days_ago
            + (pattern.since_days_ago - pattern.until_days_ago) * random.random() ** 2
        )
        return self._opened_at - timedelta(days=days)


def _build_item(product: Product, random: Random) -> Row:
    quantity = random.choice((1, 1, 1, 2, 3))
    item = {
        "sku": product.name,
        "name": product.name.capitalize(),
        "category": product.category,
        "quantity": quantity,
        "amount": quantity * product.price,
    }
    if product.category == "shoes":
        item["metadata"] = {"size": random.randint(36, 46)}
    return item


def source_id(number: int) -> str:
    return f"customer-{number:04}"


def _numbered_patterns() -> Iterator[tuple[int, ActivityPattern]]:
    return zip(range(1, CUSTOMER_COUNT + 1), cycle(_ACTIVITY_PATTERNS), strict=False)


def _seeded_random(seed: str) -> Random:
    """Returns a generator that yields the same numbers in each run."""
    return Random(seed)  # noqa: S311 - made-up people keep no secrets
