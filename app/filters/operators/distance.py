"""Operators that compare the distance of two points, on a sphere with the earth's mean radius.

Both engines compare haversines instead of distances. The haversine is 0 for the same point and 1
for the opposite point; rounding may make it slightly larger. Both engines do the same steps in the
same order, so that with equal sines they get equal results to the last bit. The poles and the 180th
meridian come out exactly: a parallel's radius is computed from the distance to the pole, and the
longitude difference is the same to the east and to the west.
"""

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
_ONE_DEGREE_RADIANS = math.radians(1)
_HALF_DEGREE_RADIANS = math.radians(0.5)
# Far more than rounding can move a point across the circle's edge.
_MARGIN_METERS = 1.0


class WithinRadius(ElementOperator):
    """The point lies at most `meters` away from the given point, along the earth's surface.

    A point is an object that has exactly the keys `lat`, a number from -90 to 90, and `lon`, a
    number from -180 to 180. A value of any other shape counts as missing.
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
    """The point lies more than `meters` away, or the value is missing or is not a point.

    In an array, no point may lie within that distance.
    """

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


def _radius_haversine(circle: Circle) -> float:
    """The haversine of the circle's radius; infinity if the circle covers the whole earth."""
    half_angle = circle.meters / (2 * _EARTH_RADIUS_METERS)
    return math.inf if half_angle >= math.pi / 2 else math.sin(half_angle) * math.sin(half_angle)


def _haversine(circle: Circle, lat: float, lon: float) -> float:
    """The haversine of the distance between the point and the circle's center."""
    longitude_difference = abs(lon - circle.lon)
    sin_half_latitude = math.sin((lat - circle.lat) * _HALF_DEGREE_RADIANS)
    sin_half_longitude = math.sin(
        min(longitude_difference, 360 - longitude_difference) * _HALF_DEGREE_RADIANS
    )
    parallel_radii = _parallel_radius(circle.lat) * _parallel_radius(lat)
    return sin_half_latitude * sin_half_latitude + parallel_radii * (
        sin_half_longitude * sin_half_longitude
    )


def _parallel_radius(lat: float) -> float:
    """The radius of the parallel at the latitude, relative to the radius of the equator."""
    return math.sin((90 - abs(lat)) * _ONE_DEGREE_RADIANS)


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
"""The expression for `is_geopoint`."""


def _haversine_expression(circle: Circle) -> dict[str, Any]:
    """The expression for `_haversine`.

    The factors are bound to variables, as MongoDB may reorder a product of expressions.
    """
    longitude_difference = {"$abs": {"$subtract": ["$$value.lon", circle.lon]}}
    shorter_difference = {
        "$min": ["$$longitudeDifference", {"$subtract": [360, "$$longitudeDifference"]}]
    }
    degrees_from_pole = {"$subtract": [90, {"$abs": "$$value.lat"}]}
    variables = {
        "latitudeSine": _sine_expression(
            {"$subtract": ["$$value.lat", circle.lat]}, _HALF_DEGREE_RADIANS
        ),
        "longitudeSine": {
            "$let": {
                "vars": {"longitudeDifference": longitude_difference},
                "in": _sine_expression(shorter_difference, _HALF_DEGREE_RADIANS),
            }
        },
        "parallelRadii": {
            "$multiply": [
                _parallel_radius(circle.lat),
                _sine_expression(degrees_from_pole, _ONE_DEGREE_RADIANS),
            ]
        },
    }
    longitude_square = {"$multiply": ["$$longitudeSine", "$$longitudeSine"]}
    longitude_term = {
        "$let": {
            "vars": {"longitudeSquare": longitude_square},
            "in": {"$multiply": ["$$parallelRadii", "$$longitudeSquare"]},
        }
    }
    latitude_square = {"$multiply": ["$$latitudeSine", "$$latitudeSine"]}
    return {"$let": {"vars": variables, "in": {"$add": [latitude_square, longitude_term]}}}


def _sine_expression(degrees: dict[str, Any], radians_per_unit: float) -> dict[str, Any]:
    return {"$sin": {"$multiply": [degrees, radians_per_unit]}}


def _latitude_bounds(circle: Circle) -> Query:
    """Latitudes between which the whole circle lies; an index serves these bounds.

    Bounds of longitudes as well made the query slower, because MongoDB uses only one of the two
    indexes.
    """
    latitude_margin = math.degrees((circle.meters + _MARGIN_METERS) / _EARTH_RADIUS_METERS)
    return {
        "$gte": max(circle.lat - latitude_margin, -90.0),
        "$lte": min(circle.lat + latitude_margin, 90.0),
    }
