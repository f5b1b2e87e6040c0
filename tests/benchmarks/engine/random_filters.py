"""Random active segments for the shop of a million customers."""

from random import Random
from typing import Any

from tests.benchmarks.million.filter_case import attribute, event

Wire = dict[str, Any]

_EVENT_NAMES = ("purchase", "page_view", "newsletter_opened", "basket_left", "support.asked")
_WINDOW_DAYS = (1, 3, 7, 14, 21, 30, 45, 60, 90, 180)
_CITY_PREFIXES = ("San", "Bad", "New", "Port", "Nowy", "Alt", "Saint", "Monte", "Villa", "Ober")
_CITY_SUFFIXES = (
    "Arbor",
    "Bellis",
    "Corvo",
    "Dunes",
    "Elbing",
    "Fiore",
    "Grad",
    "Holm",
    "Isar",
    "Jura",
)


def random_filter(rng: Random) -> Wire:
    """Returns a filter. Of ten, eight are conjunctions, one is a tree, one has a condition on
    events."""
    kind = rng.random()
    if kind < 0.8:
        return {
            "all": [
                _selective_condition(rng),
                *(_random_attribute_condition(rng) for _ in range(rng.randint(1, 2))),
            ]
        }
    if kind < 0.9:
        any_condition = {
            "any": [
                _random_attribute_condition(rng),
                {"all": [_random_attribute_condition(rng), _random_attribute_condition(rng)]},
            ]
        }
        return {
            "all": [
                _selective_condition(rng),
                any_condition,
                {"none": [_random_attribute_condition(rng)]},
            ]
        }
    number, days = rng.randint(1, 5), rng.choice(_WINDOW_DAYS)
    return {"all": [event(rng.choice(_EVENT_NAMES), number, days), _selective_condition(rng)]}


def _selective_condition(rng: Random) -> Wire:
    """Returns a condition that few customers meet, as in most segments."""
    city = f"{rng.choice(_CITY_PREFIXES)} {rng.choice(_CITY_SUFFIXES)}"
    favourite = f"product-{rng.randrange(5_000):05}"
    return rng.choice(
        (
            attribute("metadata.city", "IS", city),
            attribute("address.city", "IS", city),
            attribute("metadata.favourite", "IS", favourite),
        )
    )


def _random_attribute_condition(rng: Random) -> Wire:
    conditions: tuple[tuple[str, str, Any], ...] = (
        ("metadata.score", "GREATER_THAN_OR_EQUAL", rng.randrange(1_000)),
        ("metadata.points", "LESS_THAN", rng.randrange(100_000)),
        ("metadata.vip", "IS", True),
        ("metadata.plan", "IS_NOT", rng.choice(("free", "gold"))),
        ("address.country", "IN", rng.sample(("PL", "DE", "PT", "IT", "NO", "EE"), 3)),
        ("orders.totalCount", "GREATER_THAN_OR_EQUAL", rng.randint(1, 6)),
        ("orders.lastOrderAt", "WITHIN_LAST", f"P{rng.choice(_WINDOW_DAYS)}D"),
    )
    return attribute(*rng.choice(conditions))
