"""Invalid filters of other systems."""

from tests.api import Json
from tests.schema.hostile.requests import HUGE_LENGTH, NUL, Cases, nested_object

CONVERT_FILTER = (
    "query($filter: JSON!) { filterFromVoucherify(filter: $filter)"
    " { filter userErrors { code message path } } }"
)
NON_OBJECTS: list[object] = [5, True, "x", [], [{}]]
HAS_VALUE_CONDITIONS: Json = {"conditions": {"$has_value": True}}


def filter_of_one_key(key: str, conditions: object = HAS_VALUE_CONDITIONS) -> Json:
    return {"filter": {key: conditions}}


FILTER_IMPORT_CASES: Cases = {
    "converted null": (CONVERT_FILTER, {"filter": None}, "BAD_REQUEST"),
    **{
        f"converted {theirs!r}": (CONVERT_FILTER, {"filter": theirs}, "INVALID filter")
        for theirs in NON_OBJECTS
    },
    "converted {}": (CONVERT_FILTER, {"filter": {}}, "FILTER_EMPTY filter"),
    "converted NUL": (
        CONVERT_FILTER,
        filter_of_one_key(f"metadata.{NUL}"),
        f"UNKNOWN_ATTRIBUTE filter metadata.{NUL}",
    ),
    "converted $where": (
        CONVERT_FILTER,
        filter_of_one_key("$where"),
        "UNKNOWN_ATTRIBUTE filter $where",
    ),
    "converted key of 2 MB": (
        CONVERT_FILTER,
        filter_of_one_key("a" * HUGE_LENGTH),
        "UNKNOWN_ATTRIBUTE filter " + "a" * HUGE_LENGTH,
    ),
    "converted 50,000 fields": (
        CONVERT_FILTER,
        {"filter": {f"metadata.k{n}": HAS_VALUE_CONDITIONS for n in range(50_000)}},
        "FILTER_TOO_COMPLEX filter",
    ),
    "converted 100,000 operators": (
        CONVERT_FILTER,
        filter_of_one_key("name", {"conditions": {f"$o{n}": 1 for n in range(100_000)}}),
        "FILTER_TOO_COMPLEX filter",
    ),
    "converted number of 1,000,000 digits": (
        CONVERT_FILTER,
        filter_of_one_key("loyalty.points", {"conditions": {"$is": "9" * 1_000_000}}),
        "INVALID_VALUE filter loyalty.points conditions $is",
    ),
    "converted value $where": (
        CONVERT_FILTER,
        filter_of_one_key("metadata.a", {"conditions": {"$is": [{"$where": "1"}]}}),
        "INVALID_VALUE filter metadata.a conditions $is",
    ),
    "converted deep": (
        CONVERT_FILTER,
        {"filter": nested_object(60)},
        "UNKNOWN_ATTRIBUTE filter a, INVALID filter a",
    ),
}
