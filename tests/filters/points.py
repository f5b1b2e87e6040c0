"""Random points on the earth, and plausible mistakes in distances."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from app.filters import Now
from app.filters.operators import Operand, Query

QueryForm = Callable[[str, Operand, Now], Query]
Point = dict[str, float]

_EDGE_POINTS = (
    *((0, 0), (0, 180), (0, -180), (90, 0), (90, 77), (-90, 180), (89.9999, 12), (-89.9999, -168)),
    *((52.23, 21.01), (52, 21), (-52.23, -158.99), (1e-9, 179.9999999), (-1e-9, -180)),
)


def random_points(random: Random, count: int) -> list[Point]:
    """Returns points: half on the whole sphere, half beside one of the edges of the coordinates."""
    points = [
        {"lat": random.uniform(-90, 90), "lon": random.uniform(-180, 180)} for _ in _EDGE_POINTS
    ]
    while len(points) < count:
        lat, lon = random.choice(_EDGE_POINTS)
        offset = 10 ** random.uniform(-9, 1)
        points += [
            {"lat": random.uniform(-90, 90), "lon": random.uniform(-180, 180)},
            {
                "lat": max(-90, min(90, lat + random.uniform(-offset, offset))),
                "lon": max(-180, min(180, lon + random.uniform(-offset, offset))),
            },
        ]
    return [{"lat": lat, "lon": lon} for lat, lon in _EDGE_POINTS] + points


def _latitude_band_only(correct: QueryForm) -> QueryForm:
    return lambda *arguments: {key: v for key, v in correct(*arguments).items() if key != "$expr"}


def _half_height(correct: QueryForm) -> QueryForm:
    def broken(path: str, operand: Operand, now: Now) -> Query:
        circle, query = operand.value, correct(path, operand, now)
        height = circle.meters / 111_195 / 2
        return {**query, f"{path}.lat": {"$gte": circle.lat - height, "$lte": circle.lat + height}}

    return broken


def _extra_keys_allowed(correct: QueryForm) -> QueryForm:
    return _replace_text(correct, '"$eq": [{"$size"', '"$gte": [{"$size"')


def _long_way_round(correct: QueryForm) -> QueryForm:
    """Returns a range from one side of the 180th meridian to the other through longitude 0."""
    return _replace_text(correct, '"$min"', '"$max"')


def _replace_text(correct: QueryForm, old_text: str, new_text: str) -> QueryForm:
    def broken(*arguments: Any) -> Query:
        query: Query = json.loads(json.dumps(correct(*arguments)).replace(old_text, new_text))
        return query

    return broken


DISTANCE_BREAKS = (_latitude_band_only, _half_height, _extra_keys_allowed, _long_way_round)
