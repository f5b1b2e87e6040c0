"""Places all over the earth, and what people get wrong about distances."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from app.filters import Now
from app.filters.operators import Operand, Query

Form = Callable[[str, Operand, Now], Query]
Place = dict[str, float]

_EDGES = (
    *((0, 0), (0, 180), (0, -180), (90, 0), (90, 77), (-90, 180), (89.9999, 12), (-89.9999, -168)),
    *((52.23, 21.01), (52, 21), (-52.23, -158.99), (1e-9, 179.9999999), (-1e-9, -180)),
)


def places(random: Random, count: int) -> list[Place]:
    """Half of them on the whole sphere, half beside one of its edges."""
    found = [{"lat": random.uniform(-90, 90), "lon": random.uniform(-180, 180)} for _ in _EDGES]
    while len(found) < count:
        lat, lon = random.choice(_EDGES)
        near = 10 ** random.uniform(-9, 1)
        found += [
            {"lat": random.uniform(-90, 90), "lon": random.uniform(-180, 180)},
            {
                "lat": max(-90, min(90, lat + random.uniform(-near, near))),
                "lon": max(-180, min(180, lon + random.uniform(-near, near))),
            },
        ]
    return [{"lat": lat, "lon": lon} for lat, lon in _EDGES] + found


def _band_for_circle(right: Form) -> Form:
    return lambda *asked: {key: v for key, v in right(*asked).items() if key != "$expr"}


def _half_as_high(right: Form) -> Form:
    def wrong(path: str, operand: Operand, now: Now) -> Query:
        circle, query = operand.value, right(path, operand, now)
        height = circle.meters / 111_195 / 2
        return {**query, f"{path}.lat": {"$gte": circle.lat - height, "$lte": circle.lat + height}}

    return wrong


def _any_more_keys(right: Form) -> Form:
    return _with(right, '"$eq": [{"$size"', '"$gte": [{"$size"')


def _long_way_round(right: Form) -> Form:
    """From one side of the 180th meridian to the other by way of the null meridian."""
    return _with(right, '"$min"', '"$max"')


def _with(right: Form, said: str, wrong: str) -> Form:
    def reworded(*asked: Any) -> Query:
        query: Query = json.loads(json.dumps(right(*asked)).replace(said, wrong))
        return query

    return reworded


BREAKS = (_band_for_circle, _half_as_high, _any_more_keys, _long_way_round)
