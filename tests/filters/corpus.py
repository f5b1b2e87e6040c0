"""Customers, events and orders of every shape that a filter may meet; the same in each run."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.filters import AttributeType, Calendar, Catalog, MetadataType, Now, parse
from app.filters.calendar import MILLISECOND, utc_midnight
from app.filters.sources import static_member_source
from app.filters.tree import Measure, NestedSegment, StaticMemberCondition
from tests.filters.derived_fields import Document, add_ngrams, update_summaries

RandomValue = Callable[[Random], Any]

CUSTOMERS = 200
_ROW_COLLECTIONS = ("events", "orders")

_METADATA = Catalog(
    {
        "day": MetadataType(AttributeType.DATE),
        "at": MetadataType(AttributeType.DATETIME),
        "num": MetadataType(AttributeType.NUMBER),
        "text": MetadataType(AttributeType.STRING),
        "flag": MetadataType(AttributeType.BOOLEAN),
        "place": MetadataType(AttributeType.GEOPOINT),
        "places": MetadataType(AttributeType.GEOPOINT, is_array=True),
        "thing": MetadataType(AttributeType.OBJECT),
        "tags": MetadataType(AttributeType.STRING, is_array=True),
        "scores": MetadataType(AttributeType.NUMBER, is_array=True),
        "days": MetadataType(AttributeType.DATE, is_array=True),
        "visits": MetadataType(AttributeType.DATETIME, is_array=True),
    }
)
# Each may nest the earlier ones; the static lists are random.
LIST_SHARES = {"list-of-some": 0.3, "list-of-many": 0.8, "list-of-nobody": 0.0}
SEGMENTS: dict[str, Any] = {
    "vips": {"attribute": {"path": "metadata.flag", "operator": "IS", "value": True}},
    "buyers": {"event": {"name": "purchase", "value": 2}},
    "idle": {"none": [{"event": {"name": "order", "within": {"last": "P30D"}}}]},
    "mixed": {
        "any": [
            {"segment": {"id": "vips", "member": False}},
            {"all": [{"segment": {"id": "buyers"}}, {"segment": {"id": "list-of-many"}}]},
        ]
    },
    "outer": {
        "all": [
            {"segment": {"id": "mixed"}},
            {"none": [{"segment": {"id": "vips"}}, {"segment": {"id": "list-of-some"}}]},
        ]
    },
    "twice": {
        "any": [
            {"all": [{"segment": {"id": "outer"}}, {"segment": {"id": "idle", "member": False}}]},
            {"none": [{"segment": {"id": "outer"}}, {"segment": {"id": "buyers"}}]},
        ]
    },
}


def _nested_segments() -> dict[str, NestedSegment]:
    """Returns the segments as filters nest them."""
    segments = {
        id_: NestedSegment(id_, id_, StaticMemberCondition(Measure(static_member_source(id_, id_))))
        for id_ in LIST_SHARES
    }
    catalog = Catalog(_METADATA.metadata, segments.get)
    for id_, wire in SEGMENTS.items():
        segments[id_] = NestedSegment(id_, id_, parse(wire, catalog))
    return segments


CATALOG = Catalog(_METADATA.metadata, _nested_segments().get)
FREE_KEYS = ("a", "b", "0", "x y", "Ü")
CUSTOM_EVENT_NAMES = ("purchase", "page.view", "$odd%2E")
EVENT_NAMES = (*CUSTOM_EVENT_NAMES, "order", "order.item")
SUMMARIZED_EVENT_NAMES = (*CUSTOM_EVENT_NAMES, "order", "told")  # "told" has no rows
PROPERTIES = ("amount", "colour", "a", "a.b", "a.0", "status")
ITEM_PROPERTIES = ("sku", "name", "category", "quantity", "orderSourceId")


def properties_of(event_name: str) -> tuple[str, ...]:
    """The paths of properties that the events of a name may have."""
    return (*PROPERTIES, *ITEM_PROPERTIES * 2) if event_name == "order.item" else PROPERTIES


def _now(at: str, zone: str, week_start: int = 0) -> Now:
    return Now(datetime.fromisoformat(at), Calendar(ZoneInfo(zone), week_start))


NOWS = (
    _now("2026-03-29T12:00:00+00:00", "UTC"),
    # The clock skips an hour, and repeats one.
    _now("2026-03-29T01:00:00+00:00", "Europe/Warsaw"),
    _now("2025-10-26T01:00:00+00:00", "Europe/Warsaw", 6),
    # The clock skips midnight, and repeats the hour before midnight.
    _now("2018-11-04T03:00:00+00:00", "America/Sao_Paulo"),
    _now("2018-02-18T02:00:00+00:00", "America/Sao_Paulo", 6),
    # The clock skips a whole day, and goes back over midnight.
    _now("2011-12-30T10:00:00+00:00", "Pacific/Apia"),
    _now("2010-11-07T02:31:00+00:00", "America/St_Johns"),
    # The last of February, in a year that has no 29th.
    _now("2025-02-28T12:00:00+00:00", "Europe/Warsaw", 6),
)
DURATIONS = ("PT0.001S", "PT1H", "PT11H", "P1D", "P7D", "PT720H", "P52W", "P36525D")
_INSTANT_OFFSETS = tuple(
    sign * step + edge
    for step in map(timedelta, (0, 1, 7, 30, 364, 365, 400))
    for sign in (-1, 1)
    for edge in (-MILLISECOND, timedelta(), MILLISECOND, timedelta(hours=11))
)

TEXTS = (
    *("Ann", "ann", "ANN", "Anna", "Berlin", "berlin", "BERLIN", "ann@example.com"),
    "B@EXAMPLE.COM",
    *("straße", "STRASSE", "STRAẞE", "ſtraße", "kelvin", "\u212aELVIN", "ΟΔΟΣ", "οδος", "οδοσ"),
    *("İstanbul", "istanbul", "ıstanbul", "ISTANBUL", "ǅ", "ǆ", "Ǆ", "Ω", "\u2126", "Å", "\u212b"),
    *("ﬀ", "ff", "ŉ", "ᾳ", "ᾼ", "é", "e\u0301", "É", "𐐀bc", "𐐨bc", "😀", "a😀", "\ufeffa"),
    *("a", "a\n", "\na", "A", "a.b", "a*b", "axb", "(a", "[a]", "\\d", "^a$", "a|b", "a-b", "#a"),
    *("100 %", "", " ", "/a/", "x\u2028y", "a{2}", "aa", "\\", "\t", "10", "1", "true", "null"),
    *("2026-03-29", "2026-03-29T12:00:00Z"),
)
NUMBERS: tuple[int | float, ...] = (
    *(0, -0.0, 0.0, 1, 1.0, -1, 2, 2.5, 3, 5, 10, 10.0, 100, 0.1, 0.2, 0.3, 99.99, 5e-324),
    *(2**31, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), float(2**63), 1e308, -1e308),
)
_NON_FINITE_NUMBERS = (float("nan"), float("inf"), float("-inf"))


def _text(random: Random) -> str:
    return random.choice(TEXTS) + ("\n" if random.random() < 0.08 else "")


def _number(random: Random) -> int | float:
    return random.choice(NUMBERS + _NON_FINITE_NUMBERS if random.random() < 0.1 else NUMBERS)


def _flag(random: Random) -> bool:
    return random.random() < 0.5


def _instant(random: Random) -> datetime:
    """Returns an instant near one of the evaluation times, or near a midnight of its zone."""
    now = random.choice(NOWS)
    if random.random() < 0.3:
        day = now.calendar.day_of(now.at) + timedelta(random.randint(-2, 2))
        edge = random.choice((-MILLISECOND, timedelta(), MILLISECOND))
        return now.calendar.midnight_of(day) + edge
    return now.at + random.choice(_INSTANT_OFFSETS)


def _day(random: Random) -> datetime:
    """Returns a date as it is stored; some are long ago, some on a leap day."""
    if random.random() < 0.3:
        day = date(random.randint(1930, 2010), random.choice((2, 3, 10, 11)), random.randint(1, 28))
        return utc_midnight(random.choice((day, date(2000, 2, 29))))
    return utc_midnight(_instant(random).date())


def _scalar(random: Random) -> Any:
    return random.choice((_text, _text, _number, _number, _flag, _instant))(random)


def _point(random: Random) -> Any:
    """Returns a point, among them poles and the 180th meridian; some lack a key or a number."""
    place: Document = {
        "lat": random.choice((52.23, 52.2297, 52, -33.9, 0, 0.0, -0.0, 89.999, 90, -90.0)),
        "lon": random.choice((21.01, 21.0122, 21, 151.2, 0, 0.001, 180, 179.999, -180.0, -159)),
    }
    if random.random() < 0.2:
        key = random.choice(("lat", "lon", "alt"))
        place[key] = random.choice((None, "1", True, [52], 91, -180.5, float("nan"), 2**62))
    return place


def _object(random: Random, depth: int = 0) -> Document:
    inner: Callable[[Random], Any] = _scalar if depth > 1 else lambda r: _any(r, depth + 1)
    return {key: inner(random) for key in ("a", "b", "0") if random.random() < 0.7}


def _array(random: Random, make_element: RandomValue) -> list[Any]:
    return [make_element(random) for _ in range(random.choice((0, 1, 1, 2, 3)))]


def _any(random: Random, depth: int = 0) -> Any:
    """Returns any JSON value, or an instant as a direct write may store it."""
    shape = random.random()
    if shape < 0.5:
        return _scalar(random)
    if shape < 0.7:
        return _array(random, lambda r: None if r.random() < 0.15 else _scalar(r))
    if shape < 0.9:
        return _object(random, depth)
    return random.choice(
        (
            None,
            [],
            [None],
            {},
            [[]],
            [[_scalar(random)]],
            [[_scalar(random)], _scalar(random)],
            [_object(random, depth + 1), _object(random, depth + 1)],
            [_scalar(random), _object(random, depth + 1), None],
            _point(random),
            [_point(random), _scalar(random), _point(random)],
            [[_point(random)]],
        )
    )


def _mostly_valid(random: Random, make: RandomValue) -> Any:
    """Returns a value that mostly has the right type."""
    return _any(random) if random.random() < 0.12 else make(random)


def _random_fields(random: Random, probability: float, **fields: RandomValue) -> Document:
    """Returns a random subset of the fields."""
    return {key: make(random) for key, make in fields.items() if random.random() < probability}


def _metadata(random: Random) -> Document:
    makers: dict[str, RandomValue] = {
        "day": _day,
        "at": _instant,
        "num": _number,
        "text": _text,
        "flag": _flag,
        "place": _point,
        "places": lambda r: _array(r, _point),
        "thing": _object,
        "tags": lambda r: _array(r, _text),
        "scores": lambda r: _array(r, _number),
        "days": lambda r: _array(r, _day),
        "visits": lambda r: _array(r, _instant),
    }
    values = {
        key: _mostly_valid(random, make) for key, make in makers.items() if random.random() < 0.8
    }
    return values | {key: _any(random) for key in FREE_KEYS if random.random() < 0.85}


def _profile_text(random: Random) -> Any:
    return random.choice((None, 7)) if random.random() < 0.06 else _text(random)


def _count(random: Random) -> Any:
    return random.choice((0, 0, 1, 2, 3, 5, 10, 2.5, None, "3"))


def _activity(random: Random) -> Document:
    return _random_fields(random, 0.8, count=_count, firstAt=_instant, lastAt=_instant)


def customer(random: Random, id_: int) -> Document:
    texts = ("name", "email", "phone", "description", "source")
    address_fields = ("line1", "line2", "city", "state", "postalCode", "country")
    order_fields: dict[str, RandomValue] = {
        "totalCount": _count,
        "totalAmount": _number,
        "averageAmount": _number,
        "lastOrderAmount": _number,
        "firstOrderAt": _instant,
        "lastOrderAt": _instant,
    }
    groups: Document = {
        "address": _random_fields(random, 0.7, **dict.fromkeys(address_fields, _profile_text)),
        "orders": _random_fields(random, 0.8, **order_fields),
        "loyalty": _random_fields(random, 0.8, points=_count),
        "events": {"told": _activity(random)} if _flag(random) else {},
        "metadata": _metadata(random),
    }
    return {
        "_id": id_,
        "sourceId": f"customer-{id_}",
        "createdAt": _instant(random),
        "updatedAt": _instant(random),
        **_random_fields(random, 0.8, **dict.fromkeys(texts, _profile_text), birthdate=_day),
        **{key: group for key, group in groups.items() if random.random() < 0.93},
    }


def _properties(random: Random) -> Document:
    numbers = (0, -0.0, 1, 1.0, 2.5, 10, 100, -5, 0.1, 0.2, 2**53 + 1, 2**63 - 1, 1e308, -1e308)
    return _random_fields(
        random,
        0.8,
        amount=lambda r: _scalar(r) if r.random() < 0.1 else r.choice(numbers),
        colour=lambda r: r.choice(("red", "RED", "blue", "ẞ", "ß", None, ["red", "blue"])),
        a=_any,
        status=_text,
    )


def events(random: Random, customers: Sequence[int]) -> list[Document]:
    return [
        {
            "customerId": random.choice(customers),
            "name": random.choice(CUSTOM_EVENT_NAMES),
            "at": _instant(random),
            "properties": _properties(random),
        }
        for _ in range(3 * len(customers))
    ]


def orders(random: Random, customers: Sequence[int]) -> list[Document]:
    rows: list[Document] = []
    # Apart from the other values, which stay the same.
    items_random = Random(17)
    for number in range(2 * len(customers)):
        properties = _properties(random)
        order: Document = {
            "customerId": random.choice(customers),
            "sourceId": f"order-{number}",
            "status": random.choice(("PAID", "PAID", "FULFILLED", "CREATED", "CANCELED")),
            "amount": random.choice((0, 10, 11, 9_999, 100, 2**53 + 1)),
            "at": _instant(random),
            "metadata": properties,
            **order_items(items_random),
        }
        rows.append(order | ({"current": random.random() < 0.9} if random.random() < 0.95 else {}))
    return rows


def order_items(random: Random) -> Document:
    """The field with the items of an order, 0 to 20; without items the order has no such field."""
    items = [
        {
            "sku": random.choice(("book", "shoe", "SHOE", "vase", "ẞ")),
            "amount": random.choice((0, 10, 100, -5, 2**53 + 1, 2**63 - 1)),
            "quantity": random.choice((1, 1, 2, 3, 0)),
            **_random_fields(
                random,
                0.7,
                name=lambda r: r.choice(("Book", "Red shoe", "ß")),
                category=lambda r: r.choice(("shoes", "Shoes", "books")),
                metadata=_properties,
            ),
        }
        for _ in range(random.choice((0, 0, 0, 1, 1, 1, 2, 2, 3, 5, 20)))
    ]
    return {"items": items} if items else {}


def members(random: Random, customers: Sequence[int]) -> list[Document]:
    """Returns the member rows of static segments."""
    return [
        {"segmentId": list_, "customerId": id_}
        for list_, share in LIST_SHARES.items()
        for id_ in customers
        if random.random() < share
    ]


def build_corpus() -> dict[str, list[Document]]:
    """Returns the documents by collection."""
    random = Random(20260329)
    ids = list(range(CUSTOMERS))
    collections = {
        "customers": [customer(random, id_) for id_ in ids],
        "events": events(random, ids[: CUSTOMERS * 3 // 4]),
        "orders": orders(random, ids[CUSTOMERS // 4 :]),
        "members": members(random, ids),
    }
    for customer_document in collections["customers"]:
        rows = (
            [r for r in collections[name] if r["customerId"] == customer_document["_id"]]
            for name in _ROW_COLLECTIONS
        )
        update_summaries(customer_document, *rows)
        # Some customers have no n-grams, as those of an earlier version.
        if customer_document["_id"] % 7:
            add_ngrams(customer_document)
    return collections
