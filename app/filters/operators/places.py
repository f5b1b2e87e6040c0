"""How far a place is from another one, on a sphere as large as the earth."""

import math
from typing import Any

from app.filters.calendar import Now
from app.filters.fields import AttributeType, is_point
from app.filters.operators.operator import (
    Complement,
    ElementOperator,
    Example,
    Operand,
    Query,
    Test,
)
from app.filters.values import CIRCLE, Circle

_RADIUS = 6_371_008.8
_ONE, _HALF = math.radians(1), math.radians(0.5)
# A metre wider: far more than rounding can put a place beyond the circle's edge.
_ROOM = 1.0


class WithinRadius(ElementOperator):
    """At most so many meters away, as the crow flies.

    A place is an object of just `lat` and `lon`, numbers from -90 to 90 and from -180 to 180; a
    value of any other shape is as if missing.
    """

    name = "WITHIN_RADIUS"
    label = "is within a distance of"
    phrase = "is within {value}"
    types = frozenset({AttributeType.GEOPOINT})
    takes = CIRCLE
    examples = (
        Example({"lat": 52.2, "lon": 21}, {"lat": 52.23, "lon": 21.01, "meters": 5000}, True),
        Example({"lat": 52.2, "lon": 21}, {"lat": 52.23, "lon": 21.01, "meters": 3000}, False),
        Example({"lat": 52.2, "lon": 21}, {"lat": 52.2, "lon": 21.0, "meters": 0}, True),
        Example({"lat": 0, "lon": -179.99}, {"lat": 0, "lon": 179.99, "meters": 2224}, True),
        Example({"lat": 0, "lon": -179.99}, {"lat": 0, "lon": 179.99, "meters": 2223}, False),
        Example({"lat": 10, "lon": -180}, {"lat": 10, "lon": 180, "meters": 0}, True),
        Example({"lat": 90, "lon": 30}, {"lat": 90, "lon": -99, "meters": 0}, True),
        Example({"lat": 89.99, "lon": 170}, {"lat": 89.99, "lon": -10, "meters": 2224}, True),
        Example({"lat": -1, "lon": 170}, {"lat": 1, "lon": -10, "meters": 20_015_115}, True),
        Example({"lat": -1, "lon": 170}, {"lat": 1, "lon": -10, "meters": 20_015_000}, False),
        Example(
            [{"lat": 50, "lon": 20}, {"lat": 0, "lon": 0}],
            {"lat": 0, "lon": 0, "meters": 1},
            True,
        ),
        Example(
            [{"lat": 50, "lon": 0}, {"lat": 0, "lon": 20}],
            {"lat": 0, "lon": 0, "meters": 1},
            False,
        ),
        Example([[{"lat": 0, "lon": 0}]], {"lat": 0, "lon": 0, "meters": 1}, False),
        Example({"lat": 0, "lon": 0, "alt": 9}, {"lat": 0, "lon": 0, "meters": 1}, False),
        Example({"lat": 0}, {"lat": 0, "lon": 0, "meters": 1}, False),
        Example({"lat": "0", "lon": 0}, {"lat": 0, "lon": 0, "meters": 1}, False),
        Example({"lat": False, "lon": 0}, {"lat": 0, "lon": 0, "meters": 1}, False),
        Example({"lat": 0, "lon": [0]}, {"lat": 0, "lon": 0, "meters": 1}, False),
        Example({"lat": 91, "lon": 0}, {"lat": 90, "lon": 0, "meters": 1e9}, False),
        Example({"lat": 0, "lon": 181}, {"lat": 0, "lon": 180, "meters": 1e9}, False),
        Example([0, 0], {"lat": 0, "lon": 0, "meters": 1e9}, False),
        Example(None, {"lat": 0, "lon": 0, "meters": 1e9}, False),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        circle: Circle = operand.value
        found = f"${path}"
        values = {"$cond": [{"$isArray": [found]}, found, [found]]}
        limit = _share_within(circle)
        met = {"$cond": [_IS_POINT, {"$lte": [_share_in(circle), limit]}, False]}
        return {
            f"{path}.lat": _latitudes(circle),
            "$expr": {"$anyElementTrue": [{"$map": {"input": values, "as": "value", "in": met}}]},
        }

    def test(self, operand: Operand, now: Now) -> Test:
        circle: Circle = operand.value
        limit = _share_within(circle)

        def met(element: Any) -> bool:
            return is_point(element) and _share(circle, element["lat"], element["lon"]) <= limit

        return met


WITHIN_RADIUS = WithinRadius()


class NotWithinRadius(Complement):
    """Further away, or no place at all."""

    negates = WITHIN_RADIUS
    name = "NOT_WITHIN_RADIUS"
    label = "is not within a distance of"
    phrase = "is not within {value}"
    examples = (
        Example({"lat": 52.2, "lon": 21}, {"lat": 52.23, "lon": 21.01, "meters": 5000}, False),
        Example({"lat": 52.2, "lon": 21}, {"lat": 52.23, "lon": 21.01, "meters": 3000}, True),
        Example({"lat": 0}, {"lat": 0, "lon": 0, "meters": 1}, True),
        Example("here", {"lat": 0, "lon": 0, "meters": 1}, True),
        Example([], {"lat": 0, "lon": 0, "meters": 1}, True),
        Example(None, {"lat": 0, "lon": 0, "meters": 1}, True),
    )


NOT_WITHIN_RADIUS = NotWithinRadius()


# Distances are compared by their haversine: 0 for the same place, 1 for the opposite one, and a
# little more, for rounding, does no harm. The steps are the same in both engines, and so, with the
# same sines, are all the bits. The poles and the 180th meridian come out exactly: a circle of
# latitude is measured from the pole, and east is as far as west.


def _share_within(circle: Circle) -> float:
    """The haversine of the circle's radius; all the earth is within half its circumference."""
    half_angle = circle.meters / (2 * _RADIUS)
    return math.inf if half_angle >= math.pi / 2 else math.sin(half_angle) * math.sin(half_angle)


def _share(circle: Circle, lat: float, lon: float) -> float:
    """The haversine of the distance from the circle's centre."""
    apart = abs(lon - circle.lon)
    north = math.sin((lat - circle.lat) * _HALF)
    east = math.sin(min(apart, 360 - apart) * _HALF)
    wide = _wide(circle.lat) * _wide(lat)
    return north * north + wide * (east * east)


def _wide(lat: float) -> float:
    """The radius of a circle of latitude, where that of the equator is 1."""
    return math.sin((90 - abs(lat)) * _ONE)


def _number_up_to(key: str, most: int) -> dict[str, Any]:
    number = {"$in": [{"$type": f"$$value.{key}"}, ["int", "long", "double"]]}
    return {
        "$and": [number, {"$gte": [f"$$value.{key}", -most]}, {"$lte": [f"$$value.{key}", most]}]
    }


_OBJECT = {"$cond": [{"$eq": [{"$type": "$$value"}, "object"]}, "$$value", {}]}
_IS_POINT = {
    "$and": [
        {"$eq": [{"$size": {"$objectToArray": _OBJECT}}, 2]},
        _number_up_to("lat", 90),
        _number_up_to("lon", 180),
    ]
}
"""The same as `is_point`."""


def _share_in(circle: Circle) -> dict[str, Any]:
    """The same as `_share`. Names keep MongoDB from putting factors into another order."""
    apart = {"$abs": {"$subtract": ["$$value.lon", circle.lon]}}
    nearer = {"$min": ["$$apart", {"$subtract": [360, "$$apart"]}]}
    from_pole = {"$subtract": [90, {"$abs": "$$value.lat"}]}
    sines = {
        "north": _sine({"$subtract": ["$$value.lat", circle.lat]}, _HALF),
        "east": {"$let": {"vars": {"apart": apart}, "in": _sine(nearer, _HALF)}},
        "wide": {"$multiply": [_wide(circle.lat), _sine(from_pole, _ONE)]},
    }
    eastwards = {"$multiply": ["$$east", "$$east"]}
    sideways = {
        "$let": {"vars": {"squared": eastwards}, "in": {"$multiply": ["$$wide", "$$squared"]}}
    }
    return {
        "$let": {
            "vars": sines,
            "in": {"$add": [{"$multiply": ["$$north", "$$north"]}, sideways]},
        }
    }


def _sine(degrees: dict[str, Any], unit: float) -> dict[str, Any]:
    return {"$sin": {"$multiply": [degrees, unit]}}


def _latitudes(circle: Circle) -> Query:
    """Bounds that every place of the circle meets, and that an index serves. (Longitudes as well
    were measured, and made it slower: the database uses but one of the two.)"""
    height = math.degrees((circle.meters + _ROOM) / _RADIUS)
    return {"$gte": max(circle.lat - height, -90.0), "$lte": min(circle.lat + height, 90.0)}
