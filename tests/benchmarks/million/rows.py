"""The shop's rows, in just the shape in which the program stores them."""

from random import Random
from typing import Any

from bson import ObjectId

from app.filters.fields import event_key
from app.filters.folding import fold
from tests.benchmarks.million.shop import (
    NOW,
    Activity,
    Event,
    Order,
    customer_key,
    moment,
    source_id,
)

Row = dict[str, Any]

PLANS = (*["free"] * 10, *["plus"] * 5, *["gold"] * 3, *["business"] * 2)
TAGS = tuple(
    f"{what}-{kind}"
    for what in ("garden", "kitchen", "toys", "books", "outdoor", "pets")
    for kind in ("new", "sale", "gifts", "classic", "handmade")
)
FAVOURITES = 10_000
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
_MAILERS = ("example.com", "example.org", "example.net", "mail.example", "Post.Example")
_TOWNS = ("San", "Bad", "New", "Port", "Nowy", "Alt", "Saint", "Monte", "Villa", "Ober")
_REST = (
    *("Arbor", "Bellis", "Corvo", "Dunes", "Elbing", "Fiore", "Grad", "Holm", "Isar", "Jura"),
    *("Karst", "Lido", "Marsh", "Nave", "Orme", "Prado", "Quell", "Rocca", "Selva", "Torre"),
)
_LANGUAGES = ("en", "de", "pl", "pt", "it", "no", "et")


def customer(activity: Activity, dice: Random) -> Row:
    """A customer's document: as in life, some values are missing and a few of a wrong type."""
    number = activity.number
    first, last = dice.choice(_FIRST_NAMES), dice.choice(_LAST_NAMES)
    name = f"{first} {last}"
    email = f"{fold(first)}.{last}.{number}@{dice.choice(_MAILERS)}"
    row: Row = {
        "_id": customer_key(number),
        "sourceId": source_id(number),
        "name": name,
        "email": email if dice.random() < 0.1 else fold(email),
        "source": dice.choice(("web", "web", "store", "app")),
        "createdAt": moment(activity.joined),
        "updatedAt": moment(min([d.at for d in _done(activity)], default=activity.joined)),
        "version": activity.version,
        "address": _address(dice),
        "metadata": _metadata(activity, dice),
    }
    if dice.random() < 0.7:
        row["phone"] = f"+999 {number:07}"
    if dice.random() < 0.8:
        born = moment(int((16 + 70 * dice.random()) * 365.25) * 86_400_000)
        row["birthdate"] = born.replace(hour=0)
    if dice.random() < 0.3:
        row["loyalty"] = {"points": dice.randrange(5_000)}
    if activity.events:
        row["events"] = _event_summaries(activity.events)
    if counting := [order for order in activity.orders if order.counts]:
        row["orders"] = _order_summary(counting)
    searched = (row.get(key) for key in ("name", "email", "phone", "sourceId"))
    row["search"] = sorted({fold(text) for text in searched if text})
    return row


def _done(activity: Activity) -> list[Event | Order]:
    return [*activity.events, *activity.orders]


def _address(dice: Random) -> Row:
    return {
        "line1": f"{dice.randrange(1, 200)} {dice.choice(_REST)} Road",
        "city": _city(dice),
        "postalCode": f"{dice.randrange(10_000, 100_000)}",
        "country": dice.choice(("PL", "DE", "PT", "IT", "NO", "EE")),
    }


def _city(dice: Random) -> str:
    return f"{dice.choice(_TOWNS)} {dice.choice(_REST)}"


def _metadata(activity: Activity, dice: Random) -> Row:
    chance = dice.random
    # The busy ones are more often VIPs: 5 % of all.
    vip = chance() < (0.4 if len(activity.events) >= 20 else 0.045)
    lat, lon = dice.gauss(50, 4), dice.gauss(15, 6)
    values: list[tuple[float, str, Any]] = [
        (0.10, "vip", _or(vip, 0.001, "yes" if vip else [vip], dice)),
        (0.05, "plan", _or(dice.choice(PLANS), 0.002, ["free", "gold"], dice)),
        (0.10, "score", _score(dice)),
        (0.05, "points", dice.randrange(100_000)),
        (0.15, "city", _city(dice)),
        (0.20, "tags", _or(dice.sample(TAGS, dice.randrange(5)), 0.003, dice.choice(TAGS), dice)),
        (0.02, "favourite", f"product-{dice.randrange(FAVOURITES):05}"),
        (0.40, "place", {"lat": round(lat, 5), "lon": round(lon, 5)}),
        (0.20, "renewsAt", moment(dice.randrange(-400 * 86_400_000, 100 * 86_400_000))),
        (0.30, "preferences", _or(_preferences(dice), 0.001, [_preferences(dice)], dice)),
    ]
    return {key: value for missing, key, value in values if chance() >= missing}


def _or(usual: Any, share: float, other: Any, dice: Random) -> Any:
    return other if dice.random() < share else usual


def _score(dice: Random) -> Any:
    score, luck = 1_000 * dice.random(), dice.random()
    if luck < 0.003:
        return f"{score:.0f}"
    return [score, 1_000 - score] if luck < 0.005 else score


def _preferences(dice: Random) -> Row:
    return {
        "channel": dice.choice(("email", "email", "sms", "push", "letter")),
        "language": dice.choice(_LANGUAGES),
        "sizes": {"shoes": dice.randrange(36, 47)},
    }


def _event_summaries(events: list[Event]) -> Row:
    by_name: dict[str, list[int]] = {}
    for event in events:
        by_name.setdefault(event.name, []).append(event.at)
    return {
        event_key(name): {
            "count": len(times),
            "firstAt": moment(max(times)),
            "lastAt": moment(min(times)),
        }
        for name, times in by_name.items()
    }


def _order_summary(orders: list[Order]) -> Row:
    amount, last = sum(order.amount for order in orders), min(orders, key=lambda order: order.at)
    return {
        "totalCount": len(orders),
        "totalAmount": amount,
        "averageAmount": amount / len(orders),
        "lastOrderAmount": last.amount,
        "firstOrderAt": moment(max(order.at for order in orders)),
        "lastOrderAt": moment(last.at),
    }


def event(number: int, customer_number: int, done: Event) -> Row:
    row: Row = {
        "_id": _key(b"event", number),
        "customerId": customer_key(customer_number),
        "name": done.name,
        "at": moment(done.at),
        "properties": _properties(done.name, done.luck),
        "since": done.since,
    }
    if done.luck % 5 == 0:
        row["idempotencyKey"] = f"{customer_number}-{done.since}"
    return row


def _properties(name: str, luck: int) -> Row:
    if name == "page_view":
        return {"page": f"/articles/{luck % 5_000}", "seconds": (luck >> 13) % 6_000 / 10}
    if name != "purchase":
        return {"campaign": f"campaign-{luck % 40}"}
    amount: Any = 500 + luck % 25_000
    if luck % 97 == 0:
        amount = str(amount)
    elif luck % 11 == 0:
        amount = amount / 7
    found = {"amount": amount, "category": CATEGORIES[(luck >> 16) % 8], "items": 1 + luck % 4}
    if luck % 29 == 0:
        del found["amount"]
    return found


def order(number: int, customer_number: int, done: Order) -> list[Row]:
    """The revisions of an order."""
    current = {
        "_id": _key(b"order", 2 * number + 1),
        "orderId": _key(b"order", 2 * number),
        "sourceId": f"order-{number:07}",
        "customerId": customer_key(customer_number),
        "status": done.status,
        "amount": done.amount,
        "at": moment(done.at),
        "metadata": {"channel": ("web", "web", "store")[done.luck % 3], "items": done.luck % 9},
        "since": done.since,
        "current": True,
    }
    if not done.revised:
        return [current]
    ended = {
        **{key: value for key, value in current.items() if key != "current"},
        "_id": _key(b"first", number),
        "status": "CREATED",
        "since": done.since - 1,
        "until": done.since,
    }
    return [ended, current]


def _key(kind: bytes, number: int) -> ObjectId:
    seconds = int(NOW.timestamp()) - 100_000_000 + number // 256
    return ObjectId(seconds.to_bytes(4) + kind + (number % 0x1000000).to_bytes(3))
