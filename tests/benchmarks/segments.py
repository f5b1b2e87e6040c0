"""Segments and customers of a shop, for the matcher's benchmark."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.filters import AttributeType, Calendar, Catalog, Facts, MetadataType, Now

Wire = dict[str, Any]

NOW = Now(datetime(2026, 7, 1, 12, tzinfo=UTC), Calendar(ZoneInfo("Europe/Warsaw")))
_KINDS = 50
NAMES = [f"event_{number}" for number in range(_KINDS)]
_NUMBERS = [f"number{n}" for n in range(6)]
_TEXTS = [f"text{n}" for n in range(6)]
_MOMENTS = [f"moment{n}" for n in range(2)]
CATALOG = Catalog(
    {
        **{key: MetadataType(AttributeType.NUMBER) for key in _NUMBERS},
        **{key: MetadataType(AttributeType.STRING) for key in _TEXTS},
        **{key: MetadataType(AttributeType.DATETIME) for key in _MOMENTS},
    }
)
_NUMBER_PATHS = [
    *(f"metadata.{key}" for key in _NUMBERS),
    *("orders.totalCount", "orders.totalAmount", "loyalty.points"),
]
_TEXT_PATHS = [*(f"metadata.{key}" for key in _TEXTS), "address.country", "address.city"]
_MOMENT_PATHS = [
    *(f"metadata.{key}" for key in _MOMENTS),
    *("createdAt", "orders.lastOrderAt"),
]
_LARGEST, _WORDS = 1_000, 200
_AGES = [f"P{days}D" for days in (1, 2, 3, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365, 730)]
_WINDOWS = ("", "P7D", "P30D", "P90D")
_COMPARED = ("GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL")


def segment(number: int, dice: Random) -> Wire:
    """One of the shop's segments: of ten, eight are conjunctions, one is a tree, one has events."""
    kind = number % 10
    if kind < 8:
        return {"all": _attributes(dice, dice.randint(2, 4))}
    if kind == 8:
        return _tree(dice)
    bought = [_event(dice)]
    return {"all": [*bought, *_attributes(dice, dice.randint(1, 2))]}


def _tree(dice: Random) -> Wire:
    def group(kind: str) -> Wire:
        return {kind: _attributes(dice, dice.randint(2, 3))}

    shapes: tuple[Wire, ...] = (
        {"all": [_attribute(dice), group("any")]},
        {"any": [_attribute(dice), group("all"), group("all")]},
        {"all": [_attribute(dice), group("none")]},
        {"all": [group("any"), group("any")]},
    )
    return dice.choice(shapes)


def _attributes(dice: Random, count: int) -> list[Wire]:
    """On so many attributes; two conditions on one are rare."""
    found: dict[object, Wire] = {}
    while len(found) < count:
        asked = _attribute(dice)
        path = asked["attribute"]["path"]
        found[path if dice.random() < 0.9 else len(found)] = asked
    return [*found.values()]


def _attribute(dice: Random) -> Wire:
    kind = dice.random()
    if kind < 0.5:
        operator = dice.choice(_COMPARED)
        return _asked(dice.choice(_NUMBER_PATHS), operator, dice.randrange(_LARGEST))
    if kind < 0.8:
        operator = dice.choice(("IS", "IS", "IS_NOT", "IN"))
        words = [_word(dice) for _ in range(5)]
        return _asked(dice.choice(_TEXT_PATHS), operator, words if operator == "IN" else words[0])
    if kind < 0.97:
        operator = dice.choice(("WITHIN_LAST", "MORE_THAN_AGO"))
        return _asked(dice.choice(_MOMENT_PATHS), operator, dice.choice(_AGES))
    # What no table tells: of these a shop has few that differ.
    return dice.choice(
        (
            _asked("email", "ENDS_WITH", f"@example{dice.randrange(5)}.com"),
            _asked("birthdate", "ANNIVERSARY_IN_PERIOD", "TODAY"),
            _asked("birthdate", "YEARS_AGO", [dice.choice((18, 50)), None]),
        )
    )


def _event(dice: Random) -> Wire:
    """Of each kind one measure is asked: of some a sum, of most lately."""
    kind = dice.randrange(_KINDS)
    event: Wire = {"name": NAMES[kind], "operator": "GREATER_THAN_OR_EQUAL"}
    if kind % 3 == 0:
        event["aggregate"] = {"function": "SUM", "property": "amount"}
        event["value"] = dice.randrange(1, _LARGEST)
    else:
        event["value"] = dice.randint(1, 10)
    if kind % 4:
        event["within"] = {"last": _WINDOWS[kind % 4]}
    return {"event": event}


def _asked(path: str, operator: str, value: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


def _word(dice: Random) -> str:
    return f"word {dice.randrange(_WORDS)}"


def customer(dice: Random) -> Facts:
    """A customer with events of a few kinds, or none; each attribute is missing now and then."""
    document: dict[str, Any] = {
        "email": f"someone@example{dice.randrange(20)}.com",
        "birthdate": datetime(1960, 1, 1, tzinfo=UTC) + timedelta(dice.randrange(16_000)),
    }
    for path in (*_NUMBER_PATHS, *_TEXT_PATHS, *_MOMENT_PATHS):
        *group, key = path.split(".")
        where = document.setdefault(group[0], {}) if group else document
        if dice.random() < 0.9:
            where[key] = _value(dice, path)
    rows = [
        {"name": name, "at": _moment(dice), "properties": {"amount": dice.randrange(100)}}
        for name in dice.sample(NAMES, dice.choice((0, 0, 1, 1, 2, 3, 5)))
        for _ in range(dice.randint(1, 3))
    ]
    return Facts(document, {"events": rows})


def _value(dice: Random, path: str) -> Any:
    if path in _NUMBER_PATHS:
        return dice.randrange(_LARGEST)
    return _word(dice) if path in _TEXT_PATHS else _moment(dice)


def _moment(dice: Random) -> datetime:
    return NOW.at - timedelta(seconds=int(dice.random() ** 3 * 730 * 86_400))
