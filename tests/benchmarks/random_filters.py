"""Random segments and customers for the benchmark of the matcher."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.filters import AttributeType, Calendar, Catalog, CustomerFacts, MetadataType, Now

Wire = dict[str, Any]

NOW = Now(datetime(2026, 7, 1, 12, tzinfo=UTC), Calendar(ZoneInfo("Europe/Warsaw")))
_EVENT_KINDS = 50
EVENT_NAMES = [f"event_{number}" for number in range(_EVENT_KINDS)]
_NUMBER_KEYS = [f"number{n}" for n in range(6)]
_TEXT_KEYS = [f"text{n}" for n in range(6)]
_INSTANT_KEYS = [f"instant{n}" for n in range(2)]
CATALOG = Catalog(
    {
        **{key: MetadataType(AttributeType.NUMBER) for key in _NUMBER_KEYS},
        **{key: MetadataType(AttributeType.STRING) for key in _TEXT_KEYS},
        **{key: MetadataType(AttributeType.DATETIME) for key in _INSTANT_KEYS},
    }
)
_NUMBER_PATHS = [
    *(f"metadata.{key}" for key in _NUMBER_KEYS),
    *("orders.totalCount", "orders.totalAmount", "loyalty.points"),
]
_TEXT_PATHS = [*(f"metadata.{key}" for key in _TEXT_KEYS), "address.country", "address.city"]
_INSTANT_PATHS = [
    *(f"metadata.{key}" for key in _INSTANT_KEYS),
    *("createdAt", "orders.lastOrderAt"),
]
_MAX_NUMBER = 1_000
_WORD_COUNT = 200
_DURATIONS = [f"P{days}D" for days in (1, 2, 3, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365, 730)]
_WINDOWS = ("", "P7D", "P30D", "P90D")
_COMPARISON_OPERATORS = ("GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL")


def random_filter(number: int, rng: Random) -> Wire:
    """Returns a filter. Of ten, eight are conjunctions, one is a tree, one has a condition on
    events."""
    kind = number % 10
    if kind < 8:
        return {"all": _random_attribute_conditions(rng, rng.randint(2, 4))}
    if kind == 8:
        return _random_tree(rng)
    event_conditions = [_random_event_condition(rng)]
    return {"all": [*event_conditions, *_random_attribute_conditions(rng, rng.randint(1, 2))]}


def _random_tree(rng: Random) -> Wire:
    def group(kind: str) -> Wire:
        return {kind: _random_attribute_conditions(rng, rng.randint(2, 3))}

    shapes: tuple[Wire, ...] = (
        {"all": [_random_attribute_condition(rng), group("any")]},
        {"any": [_random_attribute_condition(rng), group("all"), group("all")]},
        {"all": [_random_attribute_condition(rng), group("none")]},
        {"all": [group("any"), group("any")]},
    )
    return rng.choice(shapes)


def _random_attribute_conditions(rng: Random, count: int) -> list[Wire]:
    """Returns this many conditions; two conditions on the same attribute are rare."""
    conditions: dict[object, Wire] = {}
    while len(conditions) < count:
        condition = _random_attribute_condition(rng)
        path = condition["attribute"]["path"]
        conditions[path if rng.random() < 0.9 else len(conditions)] = condition
    return [*conditions.values()]


def _random_attribute_condition(rng: Random) -> Wire:
    kind = rng.random()
    if kind < 0.5:
        operator = rng.choice(_COMPARISON_OPERATORS)
        return _attribute_condition(rng.choice(_NUMBER_PATHS), operator, rng.randrange(_MAX_NUMBER))
    if kind < 0.8:
        operator = rng.choice(("IS", "IS", "IS_NOT", "IN"))
        words = [_random_word(rng) for _ in range(5)]
        return _attribute_condition(
            rng.choice(_TEXT_PATHS), operator, words if operator == "IN" else words[0]
        )
    if kind < 0.97:
        operator = rng.choice(("WITHIN_LAST", "MORE_THAN_AGO"))
        return _attribute_condition(rng.choice(_INSTANT_PATHS), operator, rng.choice(_DURATIONS))
    # The matcher has no index for these conditions. A shop has few different ones.
    return rng.choice(
        (
            _attribute_condition("email", "ENDS_WITH", f"@example{rng.randrange(5)}.com"),
            _attribute_condition("birthdate", "ANNIVERSARY_IN_PERIOD", "TODAY"),
            _attribute_condition("birthdate", "YEARS_AGO", [rng.choice((18, 50)), None]),
        )
    )


def _random_event_condition(rng: Random) -> Wire:
    """Returns a condition on events. All conditions on one event name use the same aggregate and
    window."""
    kind = rng.randrange(_EVENT_KINDS)
    event: Wire = {"name": EVENT_NAMES[kind], "operator": "GREATER_THAN_OR_EQUAL"}
    if kind % 3 == 0:
        event["aggregate"] = {"function": "SUM", "property": "amount"}
        event["value"] = rng.randrange(1, _MAX_NUMBER)
    else:
        event["value"] = rng.randint(1, 10)
    if kind % 4:
        event["within"] = {"last": _WINDOWS[kind % 4]}
    return {"event": event}


def _attribute_condition(path: str, operator: str, value: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


def _random_word(rng: Random) -> str:
    return f"word {rng.randrange(_WORD_COUNT)}"


def random_customer(rng: Random) -> CustomerFacts:
    """Returns a customer with events of at most five names. Each attribute is missing now and
    then."""
    document: dict[str, Any] = {
        "email": f"someone@example{rng.randrange(20)}.com",
        "birthdate": datetime(1960, 1, 1, tzinfo=UTC) + timedelta(rng.randrange(16_000)),
    }
    for path in (*_NUMBER_PATHS, *_TEXT_PATHS, *_INSTANT_PATHS):
        *group, key = path.split(".")
        target = document.setdefault(group[0], {}) if group else document
        if rng.random() < 0.9:
            target[key] = _random_value(rng, path)
    rows = [
        {"name": name, "at": _random_instant(rng), "properties": {"amount": rng.randrange(100)}}
        for name in rng.sample(EVENT_NAMES, rng.choice((0, 0, 1, 1, 2, 3, 5)))
        for _ in range(rng.randint(1, 3))
    ]
    return CustomerFacts(document, {"events": rows})


def _random_value(rng: Random, path: str) -> Any:
    if path in _NUMBER_PATHS:
        return rng.randrange(_MAX_NUMBER)
    return _random_word(rng) if path in _TEXT_PATHS else _random_instant(rng)


def _random_instant(rng: Random) -> datetime:
    return NOW.at - timedelta(seconds=int(rng.random() ** 3 * 730 * 86_400))
