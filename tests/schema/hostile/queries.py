"""Invalid queries, and valid ones that look invalid."""

import json

from tests.schema.hostile.requests import (
    FIND_SEGMENTS,
    HUGE_LENGTH,
    KNOWN_CUSTOMER,
    LIST_CUSTOMERS,
    NUL,
    QUERY_CUSTOMER,
    QUERY_MEMBERSHIP,
    QUERY_SIZES,
    QUERY_TIMELINE,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    Cases,
    condition,
    membership_variables,
)

QUERY_CASES: Cases = {
    "first 0": (LIST_CUSTOMERS, {"first": 0}, "BAD_REQUEST"),
    "first -1": (LIST_CUSTOMERS, {"first": -1}, "BAD_REQUEST"),
    "first 101": (LIST_CUSTOMERS, {"first": 101}, "BAD_REQUEST"),
    "first beyond 32 bits": (LIST_CUSTOMERS, {"first": 2**40}, "BAD_REQUEST"),
    "after empty": (LIST_CUSTOMERS, {"after": ""}, "BAD_REQUEST"),
    "after nonsense": (LIST_CUSTOMERS, {"after": "%%%"}, "BAD_REQUEST"),
    "after an id": (LIST_CUSTOMERS, {"after": UNKNOWN_CUSTOMER_ID}, "BAD_REQUEST"),
    "after in Cyrillic": (LIST_CUSTOMERS, {"after": "курсор"}, "BAD_REQUEST"),
    "after of 2 MB": (LIST_CUSTOMERS, {"after": "A" * HUGE_LENGTH}, "BAD_REQUEST"),
    "after for segments": (
        FIND_SEGMENTS,
        {"after": "Y3VzXzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA"},
        "BAD_REQUEST",
    ),
    "after of a huge moment": (
        QUERY_TIMELINE,
        {"after": "OTk5OTk5OTk5OTk5OTk5OTk5OTkgZXZ0XzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA"},
        "BAD_REQUEST",
    ),
    "search NUL": (LIST_CUSTOMERS, {"search": NUL}, ""),
    "search 2 MB": (LIST_CUSTOMERS, {"search": "x" * HUGE_LENGTH}, ""),
    "search a pattern": (LIST_CUSTOMERS, {"search": ".*(["}, ""),
    "search segments NUL": (FIND_SEGMENTS, {"search": NUL}, ""),
    "search segments 2 MB": (FIND_SEGMENTS, {"search": "x" * HUGE_LENGTH}, ""),
    "search segments 10 kB": (FIND_SEGMENTS, {"search": "ß" * 10_000}, ""),
    "search segments a pattern": (FIND_SEGMENTS, {"search": ".*(["}, ""),
    "filter a text": (LIST_CUSTOMERS, {"filter": "x"}, "BAD_REQUEST"),
    "filter of a bad path": (
        LIST_CUSTOMERS,
        {"filter": condition("$")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "one customer by NUL": (QUERY_CUSTOMER, {"ref": {"sourceId": NUL}}, "INVALID ref sourceId"),
    "one customer by a forged id": (QUERY_CUSTOMER, {"ref": {"id": "cus_$where"}}, ""),
    **{
        f"sizes from {since} to {until}": (
            QUERY_SIZES,
            {"id": "{known}", "from": since, "to": until},
            "",
        )
        for since, until in (
            (None, None),
            (None, "0001-01-03T00:00:00Z"),
            (None, "9999-12-29T23:59:59.999Z"),
            ("0001-01-03T00:00:00Z", None),
            ("9999-12-29T23:59:59.999Z", None),
            ("0001-01-03T00:00:00Z", "9999-12-29T23:59:59.999Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"),
        )
    },
    "sizes backwards": (
        QUERY_SIZES,
        {"id": "{known}", "from": "2026-01-01T00:00:00.001Z", "to": "2026-01-01T00:00:00Z"},
        "INVALID from",
    ),
    "sizes since year 0": (
        QUERY_SIZES,
        {"id": "{known}", "from": "0000-01-01T00:00:00Z"},
        "BAD_REQUEST",
    ),
    "sizes of a local time": (
        QUERY_SIZES,
        {"id": "{known}", "to": "2026-01-01T00:00:00"},
        "BAD_REQUEST",
    ),
    "sizes of a number": (QUERY_SIZES, {"id": "{known}", "to": 0}, "BAD_REQUEST"),
    "membership of nobody": (
        QUERY_MEMBERSHIP,
        {"ref": {"id": UNKNOWN_CUSTOMER_ID}},
        "NOT_FOUND customer id",
    ),
    "membership of a segment": (
        QUERY_MEMBERSHIP,
        {"ref": {"id": UNKNOWN_SEGMENT_ID}},
        "NOT_FOUND customer id",
    ),
    "membership in nothing": (
        QUERY_MEMBERSHIP,
        {"ref": KNOWN_CUSTOMER, "ids": ["{known}", UNKNOWN_SEGMENT_ID, UNKNOWN_CUSTOMER_ID, NUL]},
        "NOT_FOUND segmentIds 1, NOT_FOUND segmentIds 2, NOT_FOUND segmentIds 3",
    ),
    "membership in null": (QUERY_MEMBERSHIP, {"ref": KNOWN_CUSTOMER, "ids": [None]}, "BAD_REQUEST"),
    **{
        f"overrides {json.dumps(over)}": (
            QUERY_MEMBERSHIP,
            membership_variables(over),
            "INVALID overrides",
        )
        for over in (5, True, "x", [], [1])
    },
    "overrides unknown": (
        QUERY_MEMBERSHIP,
        membership_variables({"nam": "x", "$where": 1}),
        "INVALID overrides nam, INVALID overrides $where",
    ),
    "overrides of 2 MB": (
        QUERY_MEMBERSHIP,
        membership_variables({"k" * 1_000: "x" * HUGE_LENGTH}),
        "INVALID overrides " + "k" * 1_000,
    ),
    "overrides mistyped": (
        QUERY_MEMBERSHIP,
        membership_variables({"name": 5, "birthdate": "x", "address": {"city": []}}),
        "INVALID overrides name, INVALID overrides birthdate, INVALID overrides address city",
    ),
    "overrides with NUL": (
        QUERY_MEMBERSHIP,
        membership_variables({"name": NUL}),
        "INVALID overrides name",
    ),
    "overrides metadata": (
        QUERY_MEMBERSHIP,
        membership_variables({"metadata": {"a.b": 1}}),
        "METADATA_INVALID overrides metadata",
    ),
    "overrides sourceId": (
        QUERY_MEMBERSHIP,
        membership_variables({"sourceId": "other"}),
        "INVALID overrides sourceId",
    ),
    "overrides orders": (
        QUERY_MEMBERSHIP,
        membership_variables({"orders": {"totalCount": "1", "x": 1}}),
        "INVALID overrides orders totalCount, INVALID overrides orders x",
    ),
    "overrides orders a list": (
        QUERY_MEMBERSHIP,
        membership_variables({"orders": []}),
        "INVALID overrides orders",
    ),
    "overrides orders a float": (
        QUERY_MEMBERSHIP,
        membership_variables({"orders": {"totalCount": 1.5, "averageAmount": "1"}}),
        "INVALID overrides orders totalCount, INVALID overrides orders averageAmount",
    ),
    "overrides moments": (
        QUERY_MEMBERSHIP,
        membership_variables(
            {"orders": {"lastOrderAt": "0000-01-01T00:00:00Z", "firstOrderAt": 5}}
        ),
        "INVALID overrides orders firstOrderAt, INVALID overrides orders lastOrderAt",
    ),
    "overrides points": (
        QUERY_MEMBERSHIP,
        membership_variables({"loyalty": {"points": True}}),
        "INVALID overrides loyalty points",
    ),
    "overrides events": (
        QUERY_MEMBERSHIP,
        membership_variables({"events": {"a": {"count": "1"}, "b": 5, NUL: {}}}),
        "INVALID overrides events a count, INVALID overrides events b,"
        f" INVALID overrides events {NUL}",
    ),
}
