"""Questions that can't be answered, and some that only look so."""

import json

from tests.schema.hostile.requests import (
    ASK,
    FIND,
    KNOWN,
    LIST,
    MANY,
    NOBODY,
    NOTHING,
    NUL,
    ONE,
    SIZES,
    TIMELINE,
    Cases,
    asked,
    condition,
)

QUESTIONS: Cases = {
    "first 0": (LIST, {"first": 0}, "BAD_REQUEST"),
    "first -1": (LIST, {"first": -1}, "BAD_REQUEST"),
    "first 101": (LIST, {"first": 101}, "BAD_REQUEST"),
    "first beyond 32 bits": (LIST, {"first": 2**40}, "BAD_REQUEST"),
    "after empty": (LIST, {"after": ""}, "BAD_REQUEST"),
    "after nonsense": (LIST, {"after": "%%%"}, "BAD_REQUEST"),
    "after an id": (LIST, {"after": NOBODY}, "BAD_REQUEST"),
    "after in Cyrillic": (LIST, {"after": "курсор"}, "BAD_REQUEST"),
    "after of 2 MB": (LIST, {"after": "A" * MANY}, "BAD_REQUEST"),
    "after for segments": (
        FIND,
        {"after": "Y3VzXzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA"},
        "BAD_REQUEST",
    ),
    "after of a huge moment": (
        TIMELINE,
        {"after": "OTk5OTk5OTk5OTk5OTk5OTk5OTkgZXZ0XzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA"},
        "BAD_REQUEST",
    ),
    "search NUL": (LIST, {"search": NUL}, ""),
    "search 2 MB": (LIST, {"search": "x" * MANY}, ""),
    "search a pattern": (LIST, {"search": ".*(["}, ""),
    "search segments NUL": (FIND, {"search": NUL}, ""),
    "search segments 2 MB": (FIND, {"search": "x" * MANY}, ""),
    "search segments 10 kB": (FIND, {"search": "ß" * 10_000}, ""),
    "search segments a pattern": (FIND, {"search": ".*(["}, ""),
    "filter a text": (LIST, {"filter": "x"}, "BAD_REQUEST"),
    "filter of a bad path": (
        LIST,
        {"filter": condition("$")},
        "UNKNOWN_ATTRIBUTE filter attribute path",
    ),
    "one customer by NUL": (ONE, {"ref": {"sourceId": NUL}}, "INVALID ref sourceId"),
    "one customer by a forged id": (ONE, {"ref": {"id": "cus_$where"}}, ""),
    **{
        f"sizes from {since} to {until}": (SIZES, {"id": "{known}", "from": since, "to": until}, "")
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
        SIZES,
        {"id": "{known}", "from": "2026-01-01T00:00:00.001Z", "to": "2026-01-01T00:00:00Z"},
        "INVALID from",
    ),
    "sizes since year 0": (SIZES, {"id": "{known}", "from": "0000-01-01T00:00:00Z"}, "BAD_REQUEST"),
    "sizes of a local time": (SIZES, {"id": "{known}", "to": "2026-01-01T00:00:00"}, "BAD_REQUEST"),
    "sizes of a number": (SIZES, {"id": "{known}", "to": 0}, "BAD_REQUEST"),
    "membership of nobody": (ASK, {"ref": {"id": NOBODY}}, "NOT_FOUND customer id"),
    "membership of a segment": (ASK, {"ref": {"id": NOTHING}}, "NOT_FOUND customer id"),
    "membership in nothing": (
        ASK,
        {"ref": KNOWN, "ids": ["{known}", NOTHING, NOBODY, NUL]},
        "NOT_FOUND segmentIds 1, NOT_FOUND segmentIds 2, NOT_FOUND segmentIds 3",
    ),
    "membership in null": (ASK, {"ref": KNOWN, "ids": [None]}, "BAD_REQUEST"),
    **{
        f"overrides {json.dumps(over)}": (ASK, asked(over), "INVALID overrides")
        for over in (5, True, "x", [], [1])
    },
    "overrides unknown": (
        ASK,
        asked({"nam": "x", "$where": 1}),
        "INVALID overrides nam, INVALID overrides $where",
    ),
    "overrides of 2 MB": (
        ASK,
        asked({"k" * 1_000: "x" * MANY}),
        "INVALID overrides " + "k" * 1_000,
    ),
    "overrides mistyped": (
        ASK,
        asked({"name": 5, "birthdate": "x", "address": {"city": []}}),
        "INVALID overrides name, INVALID overrides birthdate, INVALID overrides address city",
    ),
    "overrides with NUL": (ASK, asked({"name": NUL}), "INVALID overrides name"),
    "overrides metadata": (
        ASK,
        asked({"metadata": {"a.b": 1}}),
        "METADATA_INVALID overrides metadata",
    ),
    "overrides sourceId": (ASK, asked({"sourceId": "other"}), "INVALID overrides sourceId"),
    "overrides orders": (
        ASK,
        asked({"orders": {"totalCount": "1", "x": 1}}),
        "INVALID overrides orders totalCount, INVALID overrides orders x",
    ),
    "overrides orders a list": (ASK, asked({"orders": []}), "INVALID overrides orders"),
    "overrides orders a float": (
        ASK,
        asked({"orders": {"totalCount": 1.5, "averageAmount": "1"}}),
        "INVALID overrides orders totalCount, INVALID overrides orders averageAmount",
    ),
    "overrides moments": (
        ASK,
        asked({"orders": {"lastOrderAt": "0000-01-01T00:00:00Z", "firstOrderAt": 5}}),
        "INVALID overrides orders firstOrderAt, INVALID overrides orders lastOrderAt",
    ),
    "overrides points": (
        ASK,
        asked({"loyalty": {"points": True}}),
        "INVALID overrides loyalty points",
    ),
    "overrides events": (
        ASK,
        asked({"events": {"a": {"count": "1"}, "b": 5, NUL: {}}}),
        "INVALID overrides events a count, INVALID overrides events b,"
        f" INVALID overrides events {NUL}",
    ),
}
