"""Many filters, most of which have similar conditions on the same fields."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.filters import CustomerFacts, Filter, parse
from app.filters.calendar import MILLISECOND, parse_duration
from tests.filters import corpus
from tests.filters.corpus import CATALOG
from tests.filters.filter_strategies import FilterStrategies, Wire
from tests.random_cases import draw

_SEGMENTS = (*corpus.SEGMENTS, "idle", "idle", "list-of-some")
_COMPARISON_OPERATORS = (
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
    "IS",
)
_NEARBY_NUMBERS: tuple[int | float, ...] = (
    *(-1, -0.0, 0, 0.5, 1, 1.0, 1.5, 2, 3, 9, 10, 10.0, 11, 5e-324, 99.99, 1e308),
    *(2**53 - 1, 2**53, float(2**53), 2**53 + 1, 2**63 - 1, -(2**63)),
)
_TEXTS = ("Ann", "ann", "Berlin", "straße", "kelvin", "a", "A", "10", "true", "")
_DURATIONS = (
    "PT0.001S",
    "PT11H",
    "PT11H0.001S",
    "P1D",
    "P7D",
    "P30D",
    "P30DT11H",
    "P365D",
    "P36525D",
)
_CLOCK_OPERATORS = ("WITHIN_LAST", "MORE_THAN_AGO", "WITHIN_NEXT", "MORE_THAN_AHEAD")
_DAYS = ("2026-03-28", "2026-03-29", "2018-02-18", "2011-12-30", "2011-12-31")
_INSTANTS = (*_DAYS, "2026-03-29T12:00:00Z", "2011-12-30T10:00:00Z", "2018-11-04T00:00:00")
_NUMBER_PATHS = ("metadata.num", "metadata.scores", "metadata.a", "metadata.0", "loyalty.points")
_TEXT_PATHS = ("metadata.text", "metadata.tags", "metadata.a", "metadata.b", "name", "address.city")
_INSTANT_PATHS = ("metadata.at", "metadata.visits", "metadata.a", "orders.lastOrderAt", "createdAt")
_DATE_PATHS = ("metadata.day", "metadata.days", "birthdate")


def _attribute(path: str, operator: str, value: Any, **more: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **more}}


def random_condition(random: Random) -> Wire:
    """Returns a condition on a field that many other conditions use."""
    pick = random.choice
    shapes = (
        lambda: _attribute(pick(_NUMBER_PATHS), pick(_COMPARISON_OPERATORS), pick(_NEARBY_NUMBERS)),
        lambda: _attribute(
            pick(_NUMBER_PATHS), "BETWEEN", sorted((pick(_NEARBY_NUMBERS), pick(_NEARBY_NUMBERS)))
        ),
        lambda: _attribute(pick(_TEXT_PATHS), pick(("IS", "IS_NOT")), pick(_TEXTS)),
        lambda: _attribute(
            pick(_TEXT_PATHS), pick(("IN", "NOT_IN")), random.sample(_TEXTS, 3), ignoreCase=True
        ),
        lambda: _attribute("metadata.flag", pick(("IS", "IS_NOT")), pick((True, False))),
        lambda: _attribute("metadata.a", pick(("IS", "IS_NOT")), pick((True, False, 1, 0))),
        lambda: _attribute("metadata.a", "IN", random.sample(("a", 1, 2.5, "10", 10, 0), 3)),
        lambda: _attribute(
            pick(_TEXT_PATHS), pick(("CONTAINS", "NOT_CONTAINS", "STARTS_WITH")), pick("aeBn1")
        ),
        lambda: _attribute(
            pick((*_INSTANT_PATHS, *_DATE_PATHS)), pick(_CLOCK_OPERATORS), pick(_DURATIONS)
        ),
        lambda: _attribute(
            pick((*_INSTANT_PATHS, *_DATE_PATHS)),
            pick(("BEFORE", "ON_OR_AFTER", "AFTER")),
            pick(_INSTANTS),
        ),
        lambda: _attribute(pick(_DATE_PATHS), pick(("IN", "NOT_IN")), random.sample(_INSTANTS, 4)),
        lambda: _attribute(
            pick(_DATE_PATHS), "IN_PERIOD", pick(("TODAY", "THIS_WEEK", "LAST_MONTH"))
        ),
        lambda: {"segment": {"id": pick(_SEGMENTS), "member": random.random() < 0.5}},
        lambda: _event(random),
    )
    return pick(shapes)()


def _event(random: Random) -> Wire:
    pick = random.choice
    wire: Wire = {"name": pick(corpus.EVENT_NAMES), "operator": pick(_COMPARISON_OPERATORS)}
    wire["value"] = pick((0, 1, 2, 3, 10, 100.5, 2**53, -5))
    if random.random() < 0.6:
        wire["within"] = {"last": pick(_DURATIONS)}
    if random.random() < 0.5:
        function = pick(("SUM", "AVG", "MIN", "MAX", "DISTINCT_COUNT"))
        wire["aggregate"] = {"function": function, "property": pick(("amount", "a"))}
    if random.random() < 0.3:
        wire["where"] = [{"path": "amount", "operator": "GREATER_THAN", "value": pick((0, 10))}]
    return {"event": wire}


def random_filter(random: Random) -> Wire:
    """Returns a filter: mostly a conjunction, sometimes a tree."""
    if random.random() < 0.7:
        return {"all": [random_condition(random) for _ in range(random.choice((1, 2, 2, 3, 4)))]}
    return random_tree(random, 3)


def random_tree(random: Random, levels: int) -> Wire:
    if not levels or random.random() < 0.3:
        return random_condition(random)
    kind = random.choice(("all", "any", "none"))
    return {kind: [random_tree(random, levels - 1) for _ in range(random.choice((1, 2, 3, 5)))]}


def random_customer(random: Random) -> CustomerFacts:
    """Returns a customer with values at or next to the operands of the filters, or of any shape."""
    document: dict[str, Any] = {}
    for path in (*_NUMBER_PATHS, *_TEXT_PATHS, *_INSTANT_PATHS, *_DATE_PATHS, "metadata.flag"):
        *group, key = path.split(".")
        if random.random() < 0.8:
            (document.setdefault(group[0], {}) if group else document)[key] = _random_stored_value(
                random
            )
    rows = [
        {"name": name, "at": _instant(random), "properties": {"amount": _scalar(random)}}
        for name in corpus.CUSTOM_EVENT_NAMES
        for _ in range(random.choice((0, 0, 1, 3)))
    ]
    lists = [{"segmentId": name} for name in corpus.LIST_SHARES if random.random() < 0.5]
    orders = [
        {"status": status, "current": current, "at": _instant(random), "amount": _scalar(random)}
        for status, current in (("PAID", True), ("CREATED", True), ("FULFILLED", False))
        for _ in range(random.choice((0, 1, 2)))
    ]
    return CustomerFacts(document, {"events": rows, "orders": orders, "members": lists})


def _random_stored_value(random: Random) -> Any:
    if random.random() < 0.7:
        return _scalar(random)
    elements = (_scalar(random) for _ in range(random.choice((0, 1, 2, 3))))
    return random.choice((None, {}, {"a": 1}, [[_scalar(random)]], [*elements]))


def _scalar(random: Random) -> Any:
    pick = random.choice
    number: int | float = pick((*_NEARBY_NUMBERS, math.nan, math.inf, -math.inf, 2**64))
    shapes = (
        lambda: number,
        lambda: number + pick((-1, 1)),
        lambda: math.nextafter(number, pick((-math.inf, math.inf))),
        lambda: pick((True, False, None)),
        lambda: pick(_TEXTS) + pick(("", "", "\n")),
        lambda: _instant(random),
        lambda: _instant(random),
    )
    return pick(shapes)()


def _instant(random: Random) -> datetime:
    """Returns an instant near one of the evaluation times, or this long before or after it."""
    at = random.choice(corpus.NOWS).at
    length = parse_duration(random.choice(_DURATIONS[:-1])) * random.choice((-1, -1, 0, 1))
    edge = random.choice((-MILLISECOND, timedelta(), MILLISECOND))
    midnight = at.replace(hour=0, minute=0)
    return random.choice((at, at, midnight)) + length + edge


def draw_filters(filter_strategies: FilterStrategies, count: int) -> list[Wire]:
    """Draws this many filters of any kind."""
    return draw(filter_strategies.filters(), count)


def assign_slots(random: Random, wires: Sequence[Wire]) -> dict[int, Filter]:
    """Assigns the filters to slots in random order, with gaps."""
    slots = random.sample(range(len(wires) * 3 // 2), len(wires))
    return {slot: parse(wire, CATALOG) for slot, wire in zip(slots, wires, strict=True)}
