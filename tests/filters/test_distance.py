"""Circles on the globe, against another formula, by the pipeline and by the evaluator."""

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import MongoClient

from app.errors import InputError
from app.filters import AttributeType, Catalog, Filter, MetadataType, parse
from app.filters.tree import AttributeCondition
from tests.filters.corpus import NOWS
from tests.filters.dual_evaluator import DualEvaluator, open_dual_evaluator
from tests.filters.points import Point, random_points

RADIUS = 6_371_008.8
HOME = {"lat": 52.23, "lon": 21.01, "meters": 5_000}
POINTS = dict(enumerate(random_points(Random(20260329), 1_000)))


@pytest.fixture(scope="module")
def points_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    documents = [{"_id": id_, "metadata": {"place": place}} for id_, place in POINTS.items()]
    with open_dual_evaluator(mongo_client, {"customers": documents}) as found:
        yield found


def within_radius(value: Any, type_: AttributeType | None = AttributeType.GEOPOINT) -> Filter:
    catalog = Catalog({"place": MetadataType(type_)} if type_ else {})
    wire = {"path": "metadata.place", "operator": "WITHIN_RADIUS", "value": value}
    return parse({"attribute": wire}, catalog)


def distance_meters(first: Point, second: Point) -> float:
    """Returns the distance by the angle between the vectors from the earth's centre."""

    def vector(place: Point) -> tuple[float, float, float]:
        lat, lon = math.radians(place["lat"]), math.radians(place["lon"])
        return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)

    (a, b, c), (d, e, f) = vector(first), vector(second)
    across = math.hypot(b * f - c * e, c * d - a * f, a * e - b * d)
    return RADIUS * math.atan2(across, a * d + b * e + c * f)


def test_pipeline_and_evaluator_agree_to_the_last_bit(points_evaluator: DualEvaluator) -> None:
    """The edge of each circle goes through a point, or as near to it as floats allow."""
    random, selected_count = Random(1), 0
    for _ in range(300):
        centre, edge = random.choice(POINTS), random.choice(POINTS)
        length = distance_meters(centre, edge)
        length = random.choice((length, math.nextafter(length, 0), math.nextafter(length, 1e9)))
        condition = within_radius({**centre, "meters": length})
        selected = points_evaluator.select_by_pipeline(condition, NOWS[0])
        assert selected == points_evaluator.select_by_evaluator(condition, NOWS[0]), (
            centre,
            length,
        )
        for id_, place in POINTS.items():
            apart = distance_meters(centre, place)
            # Near the antipodes a haversine is not more precise than this.
            if abs(apart - length) > (1 if apart > 2e7 else 1e-3):
                assert (id_ in selected) == (apart < length), (centre, place, length)
        selected_count += len(selected)
    assert 0.2 < selected_count / (300 * len(POINTS)) < 0.8


def test_a_directly_stored_point_counts_if_its_numbers_are_valid(
    mongo_client: MongoClient[dict[str, Any]],
) -> None:
    stored: dict[str, Any] = {
        "long": {"lat": Int64(52), "lon": Int64(21)},
        "the other way round": {"lon": 21.0, "lat": 52},
        "decimal": {"lat": Decimal128("52"), "lon": 21},
        "NaN": {"lat": math.nan, "lon": 21},
        "infinite": {"lat": 52, "lon": math.inf},
        "beyond": {"lat": Int64(2**62), "lon": 21},
        "GeoJSON": {"type": "Point", "coordinates": [21, 52]},
        "a moment": {"lat": NOWS[0].at, "lon": 21},
    }
    documents = [{"_id": id_, "metadata": {"place": place}} for id_, place in stored.items()]
    condition = within_radius({"lat": 52, "lon": 21, "meters": 1e9})
    with open_dual_evaluator(mongo_client, {"customers": documents}) as evaluator:
        assert evaluator.select_by_pipeline(condition, NOWS[0]) == {"long", "the other way round"}
        assert evaluator.select_by_evaluator(condition, NOWS[0]) == {"long", "the other way round"}


@pytest.mark.parametrize(
    ("one", "other", "length"),
    [
        ((52.23, 21.01), (52.52, 13.405), 517_000),
        ((40.64, -73.78), (51.47, -0.45), 5_540_000),
        ((35.55, 139.78), (37.62, -122.38), 8_270_000),
    ],
    ids=["Warsaw-Berlin", "New York-London", "Tokyo-San Francisco"],
)
def test_known_distances(
    one: tuple[float, float], other: tuple[float, float], length: float
) -> None:
    there = dict(zip(("lat", "lon"), other, strict=True))
    document = {"metadata": {"place": dict(zip(("lat", "lon"), one, strict=True))}}
    for share, holds in ((0.99, False), (1.01, True)):
        condition = within_radius({**there, "meters": length * share})
        assert isinstance(condition, AttributeCondition)
        stored = condition.field.read(document)
        assert condition.operator.holds(stored, condition.operand, NOWS[0]) is holds


def test_an_index_leaves_few_distances_to_compute(
    mongo_client: MongoClient[dict[str, Any]], database: str
) -> None:
    # A collection of its own: that of the program may be there, and accepts its documents only.
    customers = mongo_client[database]["places"]
    customers.insert_many({"metadata": {"place": place}} for place in POINTS.values())
    customers.create_index("metadata.$**")
    condition = within_radius({**POINTS[8], "meters": 100})
    assert isinstance(condition, AttributeCondition)
    query = condition.operator.query("metadata.place", condition.operand, NOWS[0])
    plan = customers.find(query).explain()["executionStats"]
    assert 0 < plan["totalDocsExamined"] < len(POINTS) / 10


def test_the_operator_decides_the_type_of_an_undefined_key() -> None:
    condition = within_radius(HOME, None)
    assert isinstance(condition, AttributeCondition)
    assert condition.operand.type is AttributeType.GEOPOINT


REFUSALS: list[tuple[Any, tuple[str, ...], str]] = [
    (None, (), "must be an object"),
    ("52.23, 21.01", (), "must be an object"),
    ([52.23, 21.01, 5_000], (), "must be an object"),
    ([HOME], (), "must be an object"),
    ({}, ("lat",), "must have the key 'lat'"),
    ({"lat": 1, "lon": 1}, ("meters",), "must have the key 'meters'"),
    (HOME | {"alt": 1}, ("alt",), "has an unknown key 'alt'"),
    (HOME | {"\0$": 1}, ("\0$",), "has an unknown key '\\x00$'"),
    (HOME | {"lat": 91}, ("lat",), "must be from -90 to 90"),
    (HOME | {"lon": -180.1}, ("lon",), "must be from -180 to 180"),
    (HOME | {"meters": -1}, ("meters",), "must be at least 0"),
    (HOME | {"lat": "52"}, ("lat",), "must be a number"),
    (HOME | {"lat": None}, ("lat",), "must be a number"),
    (HOME | {"lon": True}, ("lon",), "must be a number"),
    (HOME | {"lon": [21]}, ("lon",), "must be a number"),
    (HOME | {"meters": float("inf")}, ("meters",), "must be finite"),
    (HOME | {"lat": float("nan")}, ("lat",), "must be finite"),
    (HOME | {"meters": 2**63}, ("meters",), "must fit into 64 bits"),
]


@pytest.mark.parametrize("type_", [AttributeType.GEOPOINT, None])
@pytest.mark.parametrize(("value", "path", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_an_invalid_circle_is_rejected_by_its_part(
    value: Any, path: tuple[str, ...], message: str, type_: AttributeType | None
) -> None:
    with pytest.raises(InputError) as refused:
        within_radius(value, type_)
    (problem,) = refused.value.problems
    assert (problem.code.value, problem.path) == ("INVALID_VALUE", ("attribute", "value", *path))
    assert message in problem.message


def test_a_circle_is_rejected_for_other_types() -> None:
    with pytest.raises(InputError, match="WITHIN_RADIUS does not apply"):
        within_radius(HOME, AttributeType.OBJECT)
