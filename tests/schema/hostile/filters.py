"""Invalid filters."""

from tests.schema.hostile.requests import (
    CREATE_SEGMENT,
    HUGE_LENGTH,
    NUL,
    PREVIEW_SEGMENT,
    Cases,
    condition,
    nested_groups,
    preview_literal,
    segment_input,
)

FILTER_CASES: Cases = {
    "path unknown": (
        CREATE_SEGMENT,
        segment_input(condition("emial")),
        "UNKNOWN_ATTRIBUTE input definition filter attribute path",
    ),
    "path empty": (
        PREVIEW_SEGMENT,
        {"filter": condition("")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path of 2 MB": (
        PREVIEW_SEGMENT,
        {"filter": condition("a" * HUGE_LENGTH)},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path with NUL": (
        PREVIEW_SEGMENT,
        {"filter": condition("metadata.a" + NUL)},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path $where": (
        PREVIEW_SEGMENT,
        {"filter": condition("$where")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path metadata.$where": (
        PREVIEW_SEGMENT,
        {"filter": condition("metadata.$where")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "path metadata..": (
        PREVIEW_SEGMENT,
        {"filter": condition("metadata..")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "operator that does not fit": (
        CREATE_SEGMENT,
        segment_input(condition("email", "GREATER_THAN", value=1)),
        "OPERATOR_NOT_APPLICABLE input definition filter attribute operator",
    ),
    "operator unknown": (CREATE_SEGMENT, segment_input(condition("email", "WHERE")), "BAD_REQUEST"),
    "value missing": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IS")},
        "INVALID_VALUE filter attribute value",
    ),
    "value null": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IS", value=None)},
        "INVALID_VALUE filter attribute value",
    ),
    "value $where": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IS", value={"$where": "1"})},
        "INVALID_VALUE filter attribute value",
    ),
    "value $gt in a list": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IN", value=[{"$gt": ""}])},
        "INVALID_VALUE filter attribute value 0",
    ),
    "value with NUL": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "CONTAINS", value=NUL)},
        "INVALID_VALUE filter attribute value",
    ),
    "value of 2 MB": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IS", value="a" * HUGE_LENGTH)},
        "INVALID_VALUE filter attribute value",
    ),
    "value beyond 64 bits as a float": (
        PREVIEW_SEGMENT,
        {"filter": condition("orders.totalCount", "IS", value="1e400")},
        "INVALID_VALUE filter attribute value",
    ),
    "circle with $where": (
        PREVIEW_SEGMENT,
        {"filter": condition("metadata.a", "WITHIN_RADIUS", value={"$where": 1})},
        "INVALID_VALUE filter attribute value $where",
    ),
    "circle off the earth": (
        CREATE_SEGMENT,
        segment_input(
            condition("metadata.a", "WITHIN_RADIUS", value={"lat": 0, "lon": 1e308, "meters": 1})
        ),
        "INVALID_VALUE input definition filter attribute value lon",
    ),
    "list too long": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IN", value=["a"] * 10_001)},
        "INVALID_VALUE filter attribute value",
    ),
    "list far too long": (
        PREVIEW_SEGMENT,
        {"filter": condition("email", "IN", value=[1] * 1_000_000)},
        "FILTER_TOO_COMPLEX filter",
    ),
    "filter {}": (PREVIEW_SEGMENT, {"filter": {}}, "BAD_REQUEST"),
    "filter of two kinds": (PREVIEW_SEGMENT, {"filter": {"all": [], "any": []}}, "BAD_REQUEST"),
    "filter null": (PREVIEW_SEGMENT, {"filter": None}, "BAD_REQUEST"),
    "filter all null": (PREVIEW_SEGMENT, {"filter": {"all": None}}, "BAD_REQUEST"),
    "filter all: []": (
        CREATE_SEGMENT,
        segment_input({"all": []}),
        "FILTER_EMPTY input definition filter all",
    ),
    "filter all: [null]": (PREVIEW_SEGMENT, {"filter": {"all": [None]}}, "BAD_REQUEST"),
    "filter of 11 levels": (
        PREVIEW_SEGMENT,
        {"filter": nested_groups(11)},
        "FILTER_TOO_COMPLEX filter",
    ),
    "filter of 40 levels": (
        CREATE_SEGMENT,
        segment_input(nested_groups(40)),
        "FILTER_TOO_COMPLEX input definition filter",
    ),
    "filter of 500 levels": (PREVIEW_SEGMENT, {"filter": nested_groups(200)}, "BAD_REQUEST"),
    "filter of 90 levels, literal": (preview_literal(90), {}, "FILTER_TOO_COMPLEX filter"),
    "filter of 500 levels, literal": (preview_literal(500), {}, "-"),
    "filter of 201 conditions": (
        PREVIEW_SEGMENT,
        {"filter": {"all": [condition()] * 201}},
        "FILTER_TOO_COMPLEX filter",
    ),
    "filter of 10,000 conditions": (
        CREATE_SEGMENT,
        segment_input({"any": [condition()] * 10_000}),
        "FILTER_TOO_COMPLEX input definition filter",
    ),
    "ignoreCase on a number": (
        PREVIEW_SEGMENT,
        {"filter": condition("orders.totalCount", "IS", value=1, ignoreCase=True)},
        "INVALID_VALUE filter attribute ignoreCase",
    ),
    "event name with NUL": (
        PREVIEW_SEGMENT,
        {"filter": {"event": {"name": NUL}}},
        "INVALID_VALUE filter event name",
    ),
    "event where $": (
        PREVIEW_SEGMENT,
        {"filter": {"event": {"name": "a", "where": [condition("$a")["attribute"]]}}},
        "UNKNOWN_ATTRIBUTE filter event where 0 path",
    ),
    "event value null": (PREVIEW_SEGMENT, {"filter": {"event": {"name": "a", "value": None}}}, ""),
    "window backwards": (
        PREVIEW_SEGMENT,
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
        PREVIEW_SEGMENT,
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
        PREVIEW_SEGMENT,
        {"filter": {"event": {"name": "a", "within": {"last": "P999999999D"}}}},
        "BAD_REQUEST",
    ),
}
