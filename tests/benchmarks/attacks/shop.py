"""A shop with ordinary customers, and with a few that make requests expensive."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from bson import ObjectId

from app.domain.search import search_fields
from tests.api import Json
from tests.benchmarks.busy_customers import BenchmarkShop

LARGE_CUSTOMERS = 105
"""Customers with 1 MiB of metadata: the oldest, so that the first page has them."""
CUSTOMER_WITH_EVENTS = "events"
CUSTOMER_WITH_TEXTS = "texts"

_EVENTS = 30_000
_TEXTS = 40_000
_TEXT_BYTES = 1_000_000
_OBJECTS_OF_A_MEBIBYTE = 15_000
_EXPENSIVE_SEGMENTS = 30
_ROWS_PER_INSERT = 5_000


class Segments(NamedTuple):
    """The ids of the segments that the attacks use."""

    gold: str
    """One attribute condition."""
    active: str
    """The members have `vip` in their metadata."""
    texts: str
    """200 conditions on the array of texts."""
    events: str
    """100 event conditions."""


def customer_source_id(number: int) -> str:
    return f"customer-{number:06}"


def build(shop: BenchmarkShop, ordinary_customers: int) -> Segments:
    """Inserts the customers and their events, and creates the segments."""
    now = datetime.now(UTC).replace(microsecond=0)
    customers, events = shop.database.customers, shop.database.events
    for batch in _batches(_large_customers(now), 10):
        customers.insert_many(batch)
    texts = [f"text {number:06}" for number in range(_TEXTS)]
    customers.insert_one(_customer(CUSTOMER_WITH_TEXTS, now, metadata={"texts": texts}))
    ordinary = [_ordinary_customer(number, now) for number in range(ordinary_customers)]
    buyer = _customer(CUSTOMER_WITH_EVENTS, now)
    buyer["events"] = {"view": {"count": _EVENTS, "firstAt": now - timedelta(days=300)}}
    buyer["events"]["view"]["lastAt"] = now
    for batch in _batches([*ordinary, buyer], _ROWS_PER_INSERT):
        customers.insert_many(batch)
    for batch in _batches(_views(ordinary, buyer, now), _ROWS_PER_INSERT):
        events.insert_many(batch, ordered=False)
    shop.database.eventNames.insert_one({"_id": "view"})
    for number in range(_EXPENSIVE_SEGMENTS):
        shop.create_segment(f"Expensive {number}", {"all": event_conditions(60, number)})
    vip = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
    gold = {"path": "metadata.plan", "operator": "IS", "value": "gold"}
    return Segments(
        gold=shop.create_segment("Gold", {"attribute": gold}),
        active=shop.create_active_segment("Active", vip),
        texts=shop.create_segment("Texts", {"any": text_conditions(200)}),
        events=shop.create_segment("Events", {"any": event_conditions(100)}),
    )


def text_conditions(count: int) -> list[Json]:
    """Conditions that no text matches, so that each is compared with all of them."""
    return [
        {
            "attribute": {
                "path": "metadata.texts",
                "operator": "CONTAINS",
                "value": f"absent {number}",
                "ignoreCase": True,
            }
        }
        for number in range(count)
    ]


def event_conditions(count: int, first: int = 0) -> list[Json]:
    """Conditions on views, each with a window and an operand of its own."""
    return [
        {
            "event": {
                "name": "view",
                "within": {"last": f"P{1 + (first + number) % 300}D"},
                "aggregate": {"function": ("SUM", "AVG", "MAX")[number % 3], "property": "seconds"},
                "operator": "LESS_THAN",
                "value": 10**9 + number,
            }
        }
        for number in range(count)
    ]


def _large_customers(now: datetime) -> Iterator[Json]:
    for number in range(LARGE_CUSTOMERS):
        if number % 7:
            yield _customer(f"text-{number}", now, metadata={"note": "x" * _TEXT_BYTES})
        else:
            visits = [{"page": f"/{n}", "seconds": n % 60} for n in range(_OBJECTS_OF_A_MEBIBYTE)]
            yield _customer(f"visits-{number}", now, metadata={"visits": visits})


def _ordinary_customer(number: int, now: datetime) -> Json:
    metadata = {"plan": ("free", "gold")[number % 2], "vip": False, "score": number % 1_000}
    first_at, last_at = now - timedelta(days=1 + number % 300), now - timedelta(days=number % 300)
    return _customer(
        customer_source_id(number),
        now,
        name=f"Ann O'Hara the {number}th, née Łoś",
        email=f"ann.{number}@example.com",
        phone=f"0048{number:09}",
        metadata=metadata,
        orders={"totalCount": number % 50, "totalAmount": number % 50 * 1999},
        events={"view": {"count": 2, "firstAt": first_at, "lastAt": last_at}},
    )


def _customer(source_id: str, now: datetime, **fields: object) -> Json:
    document: Json = {
        "_id": ObjectId(),
        "sourceId": source_id,
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        **fields,
    }
    return document | search_fields(document)


def _views(customers: Iterable[Json], buyer: Json, now: datetime) -> Iterator[Json]:
    for customer in customers:
        summary = customer["events"]["view"]
        yield _view(customer, summary["firstAt"], 10)
        yield _view(customer, summary["lastAt"], 20)
    for number in range(_EVENTS):
        yield _view(buyer, now - timedelta(days=300) * (number / _EVENTS), number % 60)


def _view(customer: Json, at: datetime, seconds: int) -> Json:
    return {
        "_id": ObjectId(),
        "customerId": customer["_id"],
        "name": "view",
        "at": at,
        "sinceVersion": 1,
        "properties": {"seconds": seconds},
    }


def _batches(rows: Iterable[Json], size: int) -> Iterator[list[Json]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch
