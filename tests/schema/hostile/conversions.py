"""Filters of other systems that make no sense."""

from tests.api import Json
from tests.schema.hostile.requests import MANY, NUL, Cases, nested

CONVERT = (
    "query($filter: JSON!) { filterFromVoucherify(filter: $filter)"
    " { filter userErrors { code message path } } }"
)
NO_OBJECTS: list[object] = [5, True, "x", [], [{}]]
ASKED: Json = {"conditions": {"$has_value": True}}


def _one(key: str, asked: object = ASKED) -> Json:
    return {"filter": {key: asked}}


CONVERSIONS: Cases = {
    "converted null": (CONVERT, {"filter": None}, "BAD_REQUEST"),
    **{
        f"converted {theirs!r}": (CONVERT, {"filter": theirs}, "INVALID filter")
        for theirs in NO_OBJECTS
    },
    "converted {}": (CONVERT, {"filter": {}}, "FILTER_EMPTY filter"),
    "converted NUL": (CONVERT, _one(f"metadata.{NUL}"), f"UNKNOWN_ATTRIBUTE filter metadata.{NUL}"),
    "converted $where": (CONVERT, _one("$where"), "UNKNOWN_ATTRIBUTE filter $where"),
    "converted key of 2 MB": (
        CONVERT,
        _one("a" * MANY),
        "UNKNOWN_ATTRIBUTE filter " + "a" * MANY,
    ),
    "converted 100,000 fields": (
        CONVERT,
        {"filter": {f"metadata.k{n}": ASKED for n in range(100_000)}},
        "FILTER_TOO_COMPLEX filter",
    ),
    "converted 100,000 operators": (
        CONVERT,
        _one("name", {"conditions": {f"$o{n}": 1 for n in range(100_000)}}),
        "FILTER_TOO_COMPLEX filter",
    ),
    "converted number of 1,000,000 digits": (
        CONVERT,
        _one("loyalty.points", {"conditions": {"$is": "9" * 1_000_000}}),
        "INVALID_VALUE filter loyalty.points conditions $is",
    ),
    "converted value $where": (
        CONVERT,
        _one("metadata.a", {"conditions": {"$is": [{"$where": "1"}]}}),
        "INVALID_VALUE filter metadata.a conditions $is",
    ),
    "converted deep": (
        CONVERT,
        {"filter": nested(60)},
        "UNKNOWN_ATTRIBUTE filter a, INVALID filter a",
    ),
}
