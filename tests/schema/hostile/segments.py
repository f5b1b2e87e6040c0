"""Segments that can't be."""

from tests.schema.hostile.requests import (
    CREATE,
    DELETE,
    KNOWN,
    MANY,
    NOBODY,
    NOTHING,
    NUL,
    UPDATE,
    Cases,
    condition,
    listed,
    named,
)

SEGMENTS: Cases = {
    "name taken": (CREATE, named("known"), "TAKEN input name"),
    "name blank": (CREATE, named(" \t\n "), "INVALID input name"),
    "name null": (CREATE, named(None), "BAD_REQUEST"),
    "name of 256": (CREATE, named("n" * 256), "INVALID input name"),
    "name of 2 MB": (CREATE, named("n" * MANY), "INVALID input name"),
    "name with NUL": (CREATE, named("a" + NUL), "INVALID input name"),
    "name a number": (CREATE, named(5), "BAD_REQUEST"),
    "description with NUL": (
        CREATE,
        {"in": {**named("hostile")["in"], "description": NUL}},
        "INVALID input description",
    ),
    "description of 2 MB": (
        CREATE,
        {"in": {**named("hostile")["in"], "description": "d" * MANY}},
        "INVALID input description",
    ),
    "definition {}": (CREATE, {"in": {"name": "hostile", "definition": {}}}, "BAD_REQUEST"),
    "definition of null": (
        CREATE,
        {"in": {"name": "hostile", "definition": {"filter": None}}},
        "BAD_REQUEST",
    ),
    "nobody": (CREATE, listed(), "INVALID input definition customers"),
    "somebody unknown": (
        CREATE,
        listed(KNOWN, {"sourceId": "ghost"}, {"id": NOBODY}),
        "NOT_FOUND input definition customers 1, NOT_FOUND input definition customers 2",
    ),
    "a segment as a member": (
        CREATE,
        listed({"id": NOTHING}),
        "NOT_FOUND input definition customers 0",
    ),
    "a member by both keys": (CREATE, listed({"id": NOBODY, "sourceId": "known"}), "BAD_REQUEST"),
    "a member with NUL": (
        CREATE,
        listed({"sourceId": NUL}),
        "INVALID input definition customers 0 sourceId",
    ),
    "a member with a NUL id": (
        CREATE,
        listed({"id": NUL}),
        "NOT_FOUND input definition customers 0",
    ),
    "20,001 customers": (
        CREATE,
        listed(*({"sourceId": f"{i}"} for i in range(20_001))),
        "STATIC_SEGMENT_TOO_LARGE input definition customers",
    ),
    "40,000 customers": (
        CREATE,
        listed(*({"sourceId": f"{i}"} for i in range(40_000))),
        "STATIC_SEGMENT_TOO_LARGE input definition customers",
    ),
    "snapshot of a bad filter": (
        CREATE,
        {"in": {"name": "hostile", "definition": {"snapshot": {"any": []}}}},
        "FILTER_EMPTY input definition snapshot any",
    ),
    "update unknown": (UPDATE, {"id": NOTHING, "in": {"name": "n"}}, "NOT_FOUND id"),
    "update a customer": (UPDATE, {"id": NOBODY, "in": {"name": "n"}}, "NOT_FOUND id"),
    "update by forged id": (UPDATE, {"id": {"$ne": 1}, "in": {"name": "n"}}, "BAD_REQUEST"),
    "update the name to null": (
        UPDATE,
        {"id": "{known}", "in": {"name": None}},
        "INVALID input name",
    ),
    "update the filter to null": (
        UPDATE,
        {"id": "{known}", "in": {"filter": None}},
        "INVALID input filter",
    ),
    "update the filter to a bad one": (
        UPDATE,
        {"id": "{known}", "in": {"name": "new", "filter": condition("x")}},
        "UNKNOWN_ATTRIBUTE input filter attribute path",
    ),
    "delete unknown": (DELETE, {"in": NOTHING}, "NOT_FOUND id"),
    "delete a customer": (DELETE, {"in": NOBODY}, "NOT_FOUND id"),
    "delete NUL": (DELETE, {"in": NUL}, "NOT_FOUND id"),
    "delete a number": (DELETE, {"in": 5}, "NOT_FOUND id"),
}
