"""Filters that make no sense."""

from tests.schema.hostile.requests import (
    CREATE,
    MANY,
    NUL,
    PREVIEW,
    Cases,
    condition,
    groups,
    literal,
    segment,
)

FILTERS: Cases = {
    "path unknown": (
        CREATE,
        segment(condition("emial")),
        "UNKNOWN_ATTRIBUTE input definition filter attribute path",
    ),
    "path empty": (PREVIEW, {"filter": condition("")}, "UNKNOWN_ATTRIBUTE filter attribute path"),
    "path of 2 MB": (
        PREVIEW,
        {"filter": condition("a" * MANY)},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path with NUL": (
        PREVIEW,
        {"filter": condition("metadata.a" + NUL)},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path $where": (
        PREVIEW,
        {"filter": condition("$where")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path metadata.$where": (
        PREVIEW,
        {"filter": condition("metadata.$where")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path metadata..": (
        PREVIEW,
        {"filter": condition("metadata..")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "operator that does not fit": (
        CREATE,
        segment(condition("email", "GREATER_THAN", value=1)),
        "OPERATOR_NOT_APPLICABLE input definition filter attribute operator",
    ),
    "operator unknown": (CREATE, segment(condition("email", "WHERE")), "BAD_REQUEST"),
    "value missing": (
        PREVIEW,
        {"filter": condition("email", "IS")},
        "INVALID_VALUE filter attribute value",
    ),
    "value null": (
        PREVIEW,
        {"filter": condition("email", "IS", value=None)},
        "INVALID_VALUE filter attribute value",
    ),
    "value $where": (
        PREVIEW,
        {"filter": condition("email", "IS", value={"$where": "1"})},
        "INVALID_VALUE filter attribute value",
    ),
    "value $gt in a list": (
        PREVIEW,
        {"filter": condition("email", "IN", value=[{"$gt": ""}])},
        "INVALID_VALUE filter attribute value 0",
    ),
    "value with NUL": (
        PREVIEW,
        {"filter": condition("email", "CONTAINS", value=NUL)},
        "INVALID_VALUE filter attribute value",
    ),
    "value of 2 MB": (
        PREVIEW,
        {"filter": condition("email", "IS", value="a" * MANY)},
        "INVALID_VALUE filter attribute value",
    ),
    "value beyond 64 bits as a float": (
        PREVIEW,
        {"filter": condition("orders.totalCount", "IS", value="1e400")},
        "INVALID_VALUE filter attribute value",
    ),
    "circle with $where": (
        PREVIEW,
        {"filter": condition("metadata.a", "WITHIN_RADIUS", value={"$where": 1})},
        "INVALID_VALUE filter attribute value $where",
    ),
    "circle off the earth": (
        CREATE,
        segment(
            condition("metadata.a", "WITHIN_RADIUS", value={"lat": 0, "lon": 1e308, "meters": 1})
        ),
        "INVALID_VALUE input definition filter attribute value lon",
    ),
    "list too long": (
        PREVIEW,
        {"filter": condition("email", "IN", value=["a"] * 10_001)},
        "INVALID_VALUE filter attribute value",
    ),
    "list far too long": (
        PREVIEW,
        {"filter": condition("email", "IN", value=[1] * 1_000_000)},
        "FILTER_TOO_COMPLEX filter",
    ),
    "filter {}": (PREVIEW, {"filter": {}}, "BAD_REQUEST"),
    "filter of two kinds": (PREVIEW, {"filter": {"all": [], "any": []}}, "BAD_REQUEST"),
    "filter null": (PREVIEW, {"filter": None}, "BAD_REQUEST"),
    "filter all null": (PREVIEW, {"filter": {"all": None}}, "BAD_REQUEST"),
    "filter all: []": (CREATE, segment({"all": []}), "FILTER_EMPTY input definition filter all"),
    "filter all: [null]": (PREVIEW, {"filter": {"all": [None]}}, "BAD_REQUEST"),
    "filter of 11 levels": (PREVIEW, {"filter": groups(11)}, "FILTER_TOO_COMPLEX filter"),
    "filter of 40 levels": (
        CREATE,
        segment(groups(40)),
        "FILTER_TOO_COMPLEX input definition filter",
    ),
    "filter of 500 levels": (PREVIEW, {"filter": groups(200)}, "BAD_REQUEST"),
    "filter of 90 levels, literal": (literal(90), {}, "FILTER_TOO_COMPLEX filter"),
    "filter of 500 levels, literal": (literal(500), {}, "-"),
    "filter of 201 conditions": (
        PREVIEW,
        {"filter": {"all": [condition()] * 201}},
        "FILTER_TOO_COMPLEX filter",
    ),
    "filter of 10,000 conditions": (
        CREATE,
        segment({"any": [condition()] * 10_000}),
        "FILTER_TOO_COMPLEX input definition filter",
    ),
    "ignoreCase on a number": (
        PREVIEW,
        {"filter": condition("orders.totalCount", "IS", value=1, ignoreCase=True)},
        "INVALID_VALUE filter attribute ignoreCase",
    ),
    "event name with NUL": (
        PREVIEW,
        {"filter": {"event": {"name": NUL}}},
        "INVALID_VALUE filter event name",
    ),
    "event where $": (
        PREVIEW,
        {"filter": {"event": {"name": "a", "where": [condition("$a")["attribute"]]}}},
        "UNKNOWN_ATTRIBUTE filter event where 0 path",
    ),
    "event value null": (PREVIEW, {"filter": {"event": {"name": "a", "value": None}}}, ""),
    "window backwards": (
        PREVIEW,
        {
            "filter": {
                "event": {
                    "name": "a",
                    "within": {
                        "between": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
                    },
                }
            }
        },
        "INVALID_VALUE filter event within between",
    ),
    "window of the year 0": (
        PREVIEW,
        {
            "filter": {
                "event": {
                    "name": "a",
                    "within": {
                        "between": {"from": "0000-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
                    },
                }
            }
        },
        "BAD_REQUEST",
    ),
    "window of an age": (
        PREVIEW,
        {"filter": {"event": {"name": "a", "within": {"last": "P999999999D"}}}},
        "BAD_REQUEST",
    ),
}
