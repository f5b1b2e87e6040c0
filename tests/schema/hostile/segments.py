"""Invalid segments."""

from tests.schema.hostile.requests import (
    CREATE_SEGMENT,
    DELETE_SEGMENT,
    HUGE_LENGTH,
    KNOWN_CUSTOMER,
    NUL,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    UPDATE_SEGMENT,
    Cases,
    condition,
    segment_named,
    static_segment_input,
)

SEGMENT_CASES: Cases = {
    "name taken": (CREATE_SEGMENT, segment_named("known"), "TAKEN input name"),
    "name blank": (CREATE_SEGMENT, segment_named(" \t\n "), "INVALID input name"),
    "name invisible": (CREATE_SEGMENT, segment_named("\ufeff"), "INVALID input name"),
    "name null": (CREATE_SEGMENT, segment_named(None), "BAD_REQUEST"),
    "name of 256": (CREATE_SEGMENT, segment_named("n" * 256), "INVALID input name"),
    "name of 2 MB": (CREATE_SEGMENT, segment_named("n" * HUGE_LENGTH), "INVALID input name"),
    "name with NUL": (CREATE_SEGMENT, segment_named("a" + NUL), "INVALID input name"),
    "name a number": (CREATE_SEGMENT, segment_named(5), "BAD_REQUEST"),
    "description with NUL": (
        CREATE_SEGMENT,
        {"in": {**segment_named("hostile")["in"], "description": NUL}},
        "INVALID input description",
    ),
    "description of 2 MB": (
        CREATE_SEGMENT,
        {"in": {**segment_named("hostile")["in"], "description": "d" * HUGE_LENGTH}},
        "INVALID input description",
    ),
    "definition {}": (CREATE_SEGMENT, {"in": {"name": "hostile", "definition": {}}}, "BAD_REQUEST"),
    "definition of null": (
        CREATE_SEGMENT,
        {"in": {"name": "hostile", "definition": {"filter": None}}},
        "BAD_REQUEST",
    ),
    "nobody": (CREATE_SEGMENT, static_segment_input(), "INVALID input definition customers"),
    "somebody unknown": (
        CREATE_SEGMENT,
        static_segment_input(KNOWN_CUSTOMER, {"sourceId": "ghost"}, {"id": UNKNOWN_CUSTOMER_ID}),
        "NOT_FOUND input definition customers 1, NOT_FOUND input definition customers 2",
    ),
    "a segment as a member": (
        CREATE_SEGMENT,
        static_segment_input({"id": UNKNOWN_SEGMENT_ID}),
        "NOT_FOUND input definition customers 0",
    ),
    "a member by both keys": (
        CREATE_SEGMENT,
        static_segment_input({"id": UNKNOWN_CUSTOMER_ID, "sourceId": "known"}),
        "BAD_REQUEST",
    ),
    "a member with NUL": (
        CREATE_SEGMENT,
        static_segment_input({"sourceId": NUL}),
        "INVALID input definition customers 0 sourceId",
    ),
    "a member with a NUL id": (
        CREATE_SEGMENT,
        static_segment_input({"id": NUL}),
        "NOT_FOUND input definition customers 0",
    ),
    "20,001 customers": (
        CREATE_SEGMENT,
        static_segment_input(*({"sourceId": f"{i}"} for i in range(20_001))),
        "STATIC_SEGMENT_TOO_LARGE input definition customers",
    ),
    "40,000 customers": (
        CREATE_SEGMENT,
        static_segment_input(*({"sourceId": f"{i}"} for i in range(40_000))),
        "STATIC_SEGMENT_TOO_LARGE input definition customers",
    ),
    "snapshot of a bad filter": (
        CREATE_SEGMENT,
        {"in": {"name": "hostile", "definition": {"snapshot": {"any": []}}}},
        "FILTER_EMPTY input definition snapshot any",
    ),
    "update unknown": (
        UPDATE_SEGMENT,
        {"id": UNKNOWN_SEGMENT_ID, "in": {"name": "n"}},
        "NOT_FOUND id",
    ),
    "update a customer": (
        UPDATE_SEGMENT,
        {"id": UNKNOWN_CUSTOMER_ID, "in": {"name": "n"}},
        "NOT_FOUND id",
    ),
    "update by forged id": (UPDATE_SEGMENT, {"id": {"$ne": 1}, "in": {"name": "n"}}, "BAD_REQUEST"),
    "update the name to null": (
        UPDATE_SEGMENT,
        {"id": "{known}", "in": {"name": None}},
        "INVALID input name",
    ),
    "update the filter to null": (
        UPDATE_SEGMENT,
        {"id": "{known}", "in": {"filter": None}},
        "INVALID input filter",
    ),
    "update the filter to a bad one": (
        UPDATE_SEGMENT,
        {"id": "{known}", "in": {"name": "new", "filter": condition("x")}},
        "UNKNOWN_ATTRIBUTE input filter attribute path",
    ),
    "delete unknown": (DELETE_SEGMENT, {"in": UNKNOWN_SEGMENT_ID}, "NOT_FOUND id"),
    "delete a customer": (DELETE_SEGMENT, {"in": UNKNOWN_CUSTOMER_ID}, "NOT_FOUND id"),
    "delete NUL": (DELETE_SEGMENT, {"in": NUL}, "NOT_FOUND id"),
    "delete a number": (DELETE_SEGMENT, {"in": 5}, "NOT_FOUND id"),
}
