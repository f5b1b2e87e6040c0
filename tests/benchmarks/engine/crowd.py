"""Active segments of the shop of the million, as many as one likes."""

from random import Random
from typing import Any

from tests.benchmarks.million.question import attribute, event

Wire = dict[str, Any]

_NAMES = ("purchase", "page_view", "newsletter_opened", "basket_left", "support.asked")
_DAYS = (1, 3, 7, 14, 21, 30, 45, 60, 90, 180)
_TOWNS = ("San", "Bad", "New", "Port", "Nowy", "Alt", "Saint", "Monte", "Villa", "Ober")
_REST = ("Arbor", "Bellis", "Corvo", "Dunes", "Elbing", "Fiore", "Grad", "Holm", "Isar", "Jura")


def segment(dice: Random) -> Wire:
    """Of ten, eight are conjunctions, one is a tree, one asks of events by one of 50 measures."""
    kind = dice.random()
    if kind < 0.8:
        return {"all": [_of_few(dice), *(_attribute(dice) for _ in range(dice.randint(1, 2)))]}
    if kind < 0.9:
        either = {"any": [_attribute(dice), {"all": [_attribute(dice), _attribute(dice)]}]}
        return {"all": [_of_few(dice), either, {"none": [_attribute(dice)]}]}
    number, days = dice.randint(1, 5), dice.choice(_DAYS)
    return {"all": [event(dice.choice(_NAMES), number, days), _of_few(dice)]}


def _of_few(dice: Random) -> Wire:
    """What keeps a segment small, as most are."""
    city = f"{dice.choice(_TOWNS)} {dice.choice(_REST)}"
    favourite = f"product-{dice.randrange(5_000):05}"
    return dice.choice(
        (
            attribute("metadata.city", "IS", city),
            attribute("address.city", "IS", city),
            attribute("metadata.favourite", "IS", favourite),
        )
    )


def _attribute(dice: Random) -> Wire:
    asked: tuple[tuple[str, str, Any], ...] = (
        ("metadata.score", "GREATER_THAN_OR_EQUAL", dice.randrange(1_000)),
        ("metadata.points", "LESS_THAN", dice.randrange(100_000)),
        ("metadata.vip", "IS", True),
        ("metadata.plan", "IS_NOT", dice.choice(("free", "gold"))),
        ("address.country", "IN", dice.sample(("PL", "DE", "PT", "IT", "NO", "EE"), 3)),
        ("orders.totalCount", "GREATER_THAN_OR_EQUAL", dice.randint(1, 6)),
        ("orders.lastOrderAt", "WITHIN_LAST", f"P{dice.choice(_DAYS)}D"),
    )
    return attribute(*dice.choice(asked))
