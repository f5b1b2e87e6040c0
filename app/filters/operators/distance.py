"""How far a place is from another one, on a sphere as large as the earth."""

import math
from typing import Any

from app.filters.calendar import Now
from app.filters.fields import AttributeType, is_geopoint
from app.filters.operators.operator import (
    ElementOperator,
    ElementTest,
    Example,
    NegatedOperator,
    Operand,
    Query,
)
from app.filters.values import CIRCLE, Circle

_EARTH_RADIUS_METERS = 6_371_008.8
_ONE_DEGREE, _HALF_DEGREE = math.radians(1), math.radians(0.5)
# A metre wider: far more than rounding can put a place beyond the circle's edge.
_MARGIN_METERS = 1.0


class WithinRadius(ElementOperator):
    """At most so many meters away, as the crow flies.

    A place is an object of just `lat` and `lon`, numbers from -90 to 90 and from -180 to 180; a
    value of any other shape is as if missing.
    """

    name = "WITHIN_RADIUS"
    label = "is within a distance of"
    phrase = "is within {value}"
    types = frozenset({AttributeType.GEOPOINT})
    operand_kind = CIRCLE
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
        field_reference = f"${path}"
        values = {"$cond": [{"$isArray": [field_reference]}, field_reference, [field_reference]]}
        max_haversine = _radius_haversine(circle)
        matches = {
            "$cond": [
                _IS_POINT_EXPRESSION,
                {"$lte": [_haversine_expression(circle), max_haversine]},
                False,
            ]
        }
        return {
            f"{path}.lat": _latitude_bounds(circle),
            "$expr": {
                "$anyElementTrue": [{"$map": {"input": values, "as": "value", "in": matches}}]
            },
        }

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        circle: Circle = operand.value
        max_haversine = _radius_haversine(circle)

        def is_within_circle(element: Any) -> bool:
            return (
                is_geopoint(element)
                and _haversine(circle, element["lat"], element["lon"]) <= max_haversine
            )

        return is_within_circle


WITHIN_RADIUS = WithinRadius()


class NotWithinRadius(NegatedOperator):
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


def _radius_haversine(circle: Circle) -> float:
    """The haversine of the circle's radius; all the earth is within half its circumference."""
    half_angle = circle.meters / (2 * _EARTH_RADIUS_METERS)
    return math.inf if half_angle >= math.pi / 2 else math.sin(half_angle) * math.sin(half_angle)


def _haversine(circle: Circle, lat: float, lon: float) -> float:
    """The haversine of the distance from the circle's centre."""
    longitude_difference = abs(lon - circle.lon)
    sin_half_latitude = math.sin((lat - circle.lat) * _HALF_DEGREE)
    sin_half_longitude = math.sin(
        min(longitude_difference, 360 - longitude_difference) * _HALF_DEGREE
    )
    parallel_radii = _parallel_radius(circle.lat) * _parallel_radius(lat)
    return sin_half_latitude * sin_half_latitude + parallel_radii * (
        sin_half_longitude * sin_half_longitude
    )


def _parallel_radius(lat: float) -> float:
    """The radius of a circle of latitude, where that of the equator is 1."""
    return math.sin((90 - abs(lat)) * _ONE_DEGREE)


def _is_number_within(key: str, limit: int) -> dict[str, Any]:
    is_number = {"$in": [{"$type": f"$$value.{key}"}, ["int", "long", "double"]]}
    return {
        "$and": [
            is_number,
            {"$gte": [f"$$value.{key}", -limit]},
            {"$lte": [f"$$value.{key}", limit]},
        ]
    }


_OBJECT_EXPRESSION = {"$cond": [{"$eq": [{"$type": "$$value"}, "object"]}, "$$value", {}]}
_IS_POINT_EXPRESSION = {
    "$and": [
        {"$eq": [{"$size": {"$objectToArray": _OBJECT_EXPRESSION}}, 2]},
        _is_number_within("lat", 90),
        _is_number_within("lon", 180),
    ]
}
"""The same as `is_point`."""


def _haversine_expression(circle: Circle) -> dict[str, Any]:
    """The same as `_share`. Names keep MongoDB from putting factors into another order."""
    longitude_difference = {"$abs": {"$subtract": ["$$value.lon", circle.lon]}}
    shorter_difference = {"$min": ["$$apart", {"$subtract": [360, "$$apart"]}]}
    degrees_from_pole = {"$subtract": [90, {"$abs": "$$value.lat"}]}
    variables = {
        "north": _sine_expression({"$subtract": ["$$value.lat", circle.lat]}, _HALF_DEGREE),
        "east": {
            "$let": {
                "vars": {"apart": longitude_difference},
                "in": _sine_expression(shorter_difference, _HALF_DEGREE),
            }
        },
        "wide": {
            "$multiply": [
                _parallel_radius(circle.lat),
                _sine_expression(degrees_from_pole, _ONE_DEGREE),
            ]
        },
    }
    longitude_square = {"$multiply": ["$$east", "$$east"]}
    longitude_term = {
        "$let": {
            "vars": {"squared": longitude_square},
            "in": {"$multiply": ["$$wide", "$$squared"]},
        }
    }
    return {
        "$let": {
            "vars": variables,
            "in": {"$add": [{"$multiply": ["$$north", "$$north"]}, longitude_term]},
        }
    }


def _sine_expression(degrees: dict[str, Any], radians_per_unit: float) -> dict[str, Any]:
    return {"$sin": {"$multiply": [degrees, radians_per_unit]}}


def _latitude_bounds(circle: Circle) -> Query:
    """Bounds that every place of the circle meets, and that an index serves. (Longitudes as well
    were measured, and made it slower: the database uses but one of the two.)"""
    latitude_margin = math.degrees((circle.meters + _MARGIN_METERS) / _EARTH_RADIUS_METERS)
    return {
        "$gte": max(circle.lat - latitude_margin, -90.0),
        "$lte": min(circle.lat + latitude_margin, 90.0),
    }
