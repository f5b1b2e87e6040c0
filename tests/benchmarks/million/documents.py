"""The documents of the shop, in the shape in which the program stores them."""

from random import Random
from typing import Any

from bson import ObjectId

from app.filters.case_folding import fold_case
from app.filters.fields import escape_event_name
from tests.benchmarks.million.activities import (
    NOW,
    Activity,
    Event,
    Order,
    customer_id,
    instant_before_now,
    source_id,
)

Row = dict[str, Any]

PLANS = (*["free"] * 10, *["plus"] * 5, *["gold"] * 3, *["business"] * 2)
TAGS = tuple(
    f"{category}-{kind}"
    for category in ("garden", "kitchen", "toys", "books", "outdoor", "pets")
    for kind in ("new", "sale", "gifts", "classic", "handmade")
)
FAVOURITE_COUNT = 10_000
PRODUCT_COUNT = 20_000
CATEGORIES = ("books", "garden", "kitchen", "toys", "pets", "music", "shoes", "tools")
_FIRST_NAMES = (
    *("Ada", "Bruno", "Celia", "Dario", "Elif", "Femi", "Greta", "Hugo", "Inés", "Jonas"),
    *("Kira", "Luca", "Maja", "Nils", "Olga", "Paweł", "Rosa", "Sami", "Tilda", "Zofia"),
)
_LAST_NAMES = (
    *("Adler", "Berg", "Castro", "Duda", "Eriksen", "Ferrari", "Grabowski", "Horvat", "Ilić"),
    *("Jansen", "Kowalska", "Lindqvist", "Moreau", "Nowak", "Okafor", "Petrov", "Rossi"),
    *("Silva", "Tamm", "Weber"),
)
_EMAIL_DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "Post.Example")
_CITY_PREFIXES = ("San", "Bad", "New", "Port", "Nowy", "Alt", "Saint", "Monte", "Villa", "Ober")
_CITY_SUFFIXES = (
    *("Arbor", "Bellis", "Corvo", "Dunes", "Elbing", "Fiore", "Grad", "Holm", "Isar", "Jura"),
    *("Karst", "Lido", "Marsh", "Nave", "Orme", "Prado", "Quell", "Rocca", "Selva", "Torre"),
)
_LANGUAGES = ("en", "de", "pl", "pt", "it", "no", "et")


def customer_document(activity: Activity, rng: Random) -> Row:
    """Returns a customer's document. Some values are missing, and a few have a wrong type."""
    number = activity.number
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    name = f"{first} {last}"
    email = f"{fold_case(first)}.{last}.{number}@{rng.choice(_EMAIL_DOMAINS)}"
    row: Row = {
        "_id": customer_id(number),
        "sourceId": source_id(number),
        "name": name,
        "email": email if rng.random() < 0.1 else fold_case(email),
        "source": rng.choice(("web", "web", "store", "app")),
        "createdAt": instant_before_now(activity.joined_milliseconds_ago),
        "updatedAt": instant_before_now(
            min(
                [entry.milliseconds_ago for entry in _events_and_orders(activity)],
                default=activity.joined_milliseconds_ago,
            )
        ),
        "version": activity.version,
        "address": _address(rng),
        "metadata": _metadata(activity, rng),
    }
    if rng.random() < 0.7:
        row["phone"] = f"+999 {number:07}"
    if rng.random() < 0.8:
        birthdate = instant_before_now(int((16 + 70 * rng.random()) * 365.25) * 86_400_000)
        row["birthdate"] = birthdate.replace(hour=0)
    if rng.random() < 0.3:
        row["loyalty"] = {"points": rng.randrange(5_000)}
    if activity.events:
        row["events"] = _event_summaries(activity.events)
    if counted_orders := [order for order in activity.orders if order.is_counted]:
        row["orders"] = _order_summary(counted_orders)
    searched_values = (row.get(key) for key in ("name", "email", "phone", "sourceId"))
    row["searchKeys"] = sorted({fold_case(text) for text in searched_values if text})
    return row


def _events_and_orders(activity: Activity) -> list[Event | Order]:
    return [*activity.events, *activity.orders]


def _address(rng: Random) -> Row:
    return {
        "line1": f"{rng.randrange(1, 200)} {rng.choice(_CITY_SUFFIXES)} Road",
        "city": _city(rng),
        "postalCode": f"{rng.randrange(10_000, 100_000)}",
        "country": rng.choice(("PL", "DE", "PT", "IT", "NO", "EE")),
    }


def _city(rng: Random) -> str:
    return f"{rng.choice(_CITY_PREFIXES)} {rng.choice(_CITY_SUFFIXES)}"


def _metadata(activity: Activity, rng: Random) -> Row:
    random_share = rng.random
    # 5 % of all customers are VIPs; more of the busy ones.
    vip = random_share() < (0.4 if len(activity.events) >= 20 else 0.045)
    lat, lon = rng.gauss(50, 4), rng.gauss(15, 6)
    values: list[tuple[float, str, Any]] = [
        (0.10, "vip", _rarely(vip, 0.001, "yes" if vip else [vip], rng)),
        (0.05, "plan", _rarely(rng.choice(PLANS), 0.002, ["free", "gold"], rng)),
        (0.10, "score", _score(rng)),
        (0.05, "points", rng.randrange(100_000)),
        (0.15, "city", _city(rng)),
        (0.20, "tags", _rarely(rng.sample(TAGS, rng.randrange(5)), 0.003, rng.choice(TAGS), rng)),
        (0.02, "favourite", f"product-{rng.randrange(FAVOURITE_COUNT):05}"),
        (0.40, "place", {"lat": round(lat, 5), "lon": round(lon, 5)}),
        (0.20, "renewsAt", instant_before_now(rng.randrange(-400 * 86_400_000, 100 * 86_400_000))),
        (0.30, "preferences", _rarely(_preferences(rng), 0.001, [_preferences(rng)], rng)),
    ]
    return {key: value for missing_share, key, value in values if random_share() >= missing_share}


def _rarely(usual_value: Any, share: float, other_value: Any, rng: Random) -> Any:
    return other_value if rng.random() < share else usual_value


def _score(rng: Random) -> Any:
    score, outcome = 1_000 * rng.random(), rng.random()
    if outcome < 0.003:
        return f"{score:.0f}"
    return [score, 1_000 - score] if outcome < 0.005 else score


def _preferences(rng: Random) -> Row:
    return {
        "channel": rng.choice(("email", "email", "sms", "push", "letter")),
        "language": rng.choice(_LANGUAGES),
        "sizes": {"shoes": rng.randrange(36, 47)},
    }


def _event_summaries(events: list[Event]) -> Row:
    by_name: dict[str, list[int]] = {}
    for event in events:
        by_name.setdefault(event.name, []).append(event.milliseconds_ago)
    return {
        escape_event_name(name): {
            "count": len(times),
            "firstAt": instant_before_now(max(times)),
            "lastAt": instant_before_now(min(times)),
        }
        for name, times in by_name.items()
    }


def _order_summary(orders: list[Order]) -> Row:
    amount = sum(order.amount for order in orders)
    last = min(orders, key=lambda order: order.milliseconds_ago)
    return {
        "totalCount": len(orders),
        "totalAmount": amount,
        "averageAmount": amount / len(orders),
        "lastOrderAmount": last.amount,
        "firstOrderAt": instant_before_now(max(order.milliseconds_ago for order in orders)),
        "lastOrderAt": instant_before_now(last.milliseconds_ago),
        "itemCount": sum(len(order_items(order)) for order in orders),
    }


def event_document(number: int, customer_number: int, activity_event: Event) -> Row:
    row: Row = {
        "_id": _object_id(b"event", number),
        "customerId": customer_id(customer_number),
        "name": activity_event.name,
        "at": instant_before_now(activity_event.milliseconds_ago),
        "properties": _properties(activity_event.name, activity_event.random_bits),
        "sinceVersion": activity_event.customer_version,
    }
    if activity_event.random_bits % 5 == 0:
        row["idempotencyKey"] = f"{customer_number}-{activity_event.customer_version}"
    return row


def _properties(name: str, random_bits: int) -> Row:
    if name == "page_view":
        return {
            "page": f"/articles/{random_bits % 5_000}",
            "seconds": (random_bits >> 13) % 6_000 / 10,
        }
    if name != "purchase":
        return {"campaign": f"campaign-{random_bits % 40}"}
    amount: Any = 500 + random_bits % 25_000
    if random_bits % 97 == 0:
        amount = str(amount)
    elif random_bits % 11 == 0:
        amount = amount / 7
    properties = {
        "amount": amount,
        "category": CATEGORIES[(random_bits >> 16) % 8],
        "items": 1 + random_bits % 4,
    }
    if random_bits % 29 == 0:
        del properties["amount"]
    return properties


def order_items(activity_order: Order) -> list[Row]:
    """The items of an order, 1 to 9 with few large orders; about three million of a million
    customers."""
    rng = Random(activity_order.random_bits)
    amounts = [100 + rng.randrange(8_000) for _ in range(rng.choice((1, 2, 3, 3, 4, 5, 6, 9)))]
    return [
        {
            "sku": f"product-{int(PRODUCT_COUNT * rng.random() ** 2):05}",
            "amount": amount,
            "quantity": rng.choice((1, 1, 1, 2, 3)),
            "category": rng.choice(CATEGORIES),
            **({"metadata": {"size": rng.randrange(36, 47)}} if rng.random() < 0.2 else {}),
        }
        for amount in amounts
    ]


def order_revisions(number: int, customer_number: int, activity_order: Order) -> list[Row]:
    """The revisions of an order."""
    current_revision = {
        "_id": _object_id(b"order", 2 * number + 1),
        "orderId": _object_id(b"order", 2 * number),
        "sourceId": f"order-{number:07}",
        "customerId": customer_id(customer_number),
        "status": activity_order.status,
        "amount": activity_order.amount,
        "at": instant_before_now(activity_order.milliseconds_ago),
        "metadata": {
            "channel": ("web", "web", "store")[activity_order.random_bits % 3],
            "items": activity_order.random_bits % 9,
        },
        "items": order_items(activity_order),
        "sinceVersion": activity_order.customer_version,
        "current": True,
    }
    if not activity_order.is_revised:
        return [current_revision]
    superseded_revision = {
        **{key: value for key, value in current_revision.items() if key != "current"},
        "_id": _object_id(b"first", number),
        "status": "CREATED",
        "sinceVersion": activity_order.customer_version - 1,
        "untilVersion": activity_order.customer_version,
    }
    return [superseded_revision, current_revision]


def _object_id(kind: bytes, number: int) -> ObjectId:
    seconds = int(NOW.timestamp()) - 100_000_000 + number // 256
    return ObjectId(seconds.to_bytes(4) + kind + (number % 0x1000000).to_bytes(3))
