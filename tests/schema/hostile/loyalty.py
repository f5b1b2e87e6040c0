"""Programs, earning rules and questions of the log that can't be."""

from base64 import urlsafe_b64encode
from typing import Any

from tests.api import Json
from tests.loyalty_client import (
    ADJUST_POINTS,
    CREATE_PROGRAM,
    CREATE_RULE,
    DELETE_PROGRAM,
    DELETE_RULE,
    SET_ENABLED,
    TRANSITIONS_QUERY,
    adjustment_input,
    earning_rule_input,
)
from tests.schema.hostile.requests import (
    HUGE_LENGTH,
    KNOWN_CUSTOMER,
    NUL,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    Cases,
)

QUERY_LEDGER = (
    'query($first: Int, $after: String) { customer(ref: {sourceId: "known"})'
    " { loyalty { ledger(first: $first, after: $after) { nodes { id } } } } }"
)
UNKNOWN_RULE_ID = "ear_" + "0" * 24
UNKNOWN_PROGRAM_ID = "loy_" + "0" * 24


def program_input(name: Any) -> Json:
    return {"input": {"name": name}}


def rule_input(points: Any = 1, **fields: Any) -> Json:
    return {"input": {**earning_rule_input("{program}", "{known}", points), **fields}}


def proportional_points(path: Any = "metadata.spent", every: Any = 1, points: Any = 1) -> Json:
    return rule_input((path, every, points))


def adjustment(points: Any = 1, **fields: Any) -> Json:
    return {"input": {**adjustment_input("known", "{program}", points), **fields}}


def _cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


_PATH = "input points proportional path"

LOYALTY_CASES: Cases = {
    **{
        f"rule {id_!r} disabled": (SET_ENABLED, {"id": id_, "enabled": False}, "NOT_FOUND id")
        for id_ in (UNKNOWN_RULE_ID, "{program}", "", NUL)
    },
    "rule disabled by null": (
        SET_ENABLED,
        {"id": UNKNOWN_RULE_ID, "enabled": None},
        "BAD_REQUEST",
    ),
    "no points": (ADJUST_POINTS, adjustment(0), "INVALID input points"),
    "points of 1.5": (ADJUST_POINTS, adjustment(1.5), "BAD_REQUEST"),
    "points of 2 to the 31st": (ADJUST_POINTS, adjustment(2**31), "BAD_REQUEST"),
    "points of which there are none": (ADJUST_POINTS, adjustment(-1), "INVALID input points"),
    **{
        f"points for {reason[:9]!r}": (
            ADJUST_POINTS,
            adjustment(reason=reason),
            "INVALID input reason",
        )
        for reason in ("", " \n", NUL, "r" * 1_001, "r" * HUGE_LENGTH)
    },
    "points for null": (ADJUST_POINTS, adjustment(reason=None), "BAD_REQUEST"),
    **{
        f"points in {id_!r}": (
            ADJUST_POINTS,
            adjustment(programId=id_),
            "NOT_FOUND input programId",
        )
        for id_ in (UNKNOWN_PROGRAM_ID, "{known}", "", NUL)
    },
    **{
        f"points of {ref}": (ADJUST_POINTS, adjustment(customer=ref), "NOT_FOUND input customer")
        for ref in ({"sourceId": "ghost"}, {"id": UNKNOWN_CUSTOMER_ID}, {"id": NUL})
    },
    "points of a customer with NUL": (
        ADJUST_POINTS,
        adjustment(customer={"sourceId": NUL}),
        "INVALID input customer sourceId",
    ),
    "points of both references": (
        ADJUST_POINTS,
        adjustment(customer={"sourceId": "known", "id": UNKNOWN_CUSTOMER_ID}),
        "BAD_REQUEST",
    ),
    **{
        f"points by the key {key[:9]!r}": (
            ADJUST_POINTS,
            adjustment(idempotencyKey=key),
            "INVALID input idempotencyKey",
        )
        for key in ("", NUL, "k" * 256, "k" * HUGE_LENGTH)
    },
    "program without a name": (CREATE_PROGRAM, program_input(None), "BAD_REQUEST"),
    "program of blanks": (CREATE_PROGRAM, program_input(" \t\n"), "INVALID input name"),
    "program of 256": (CREATE_PROGRAM, program_input("n" * 256), "INVALID input name"),
    "program of 2 MB": (CREATE_PROGRAM, program_input("n" * HUGE_LENGTH), "INVALID input name"),
    "program with NUL": (CREATE_PROGRAM, program_input("a" + NUL), "INVALID input name"),
    "program unknown": (DELETE_PROGRAM, {"id": UNKNOWN_PROGRAM_ID}, "NOT_FOUND id"),
    "program a segment": (DELETE_PROGRAM, {"id": "{known}"}, "NOT_FOUND id"),
    "program NUL": (DELETE_PROGRAM, {"id": NUL}, "NOT_FOUND id"),
    "rule unknown": (DELETE_RULE, {"id": UNKNOWN_RULE_ID}, "NOT_FOUND id"),
    "rule a program": (DELETE_RULE, {"id": "{program}"}, "NOT_FOUND id"),
    "rule NUL": (DELETE_RULE, {"id": NUL}, "NOT_FOUND id"),
    "rule of blanks": (CREATE_RULE, rule_input(name=" "), "INVALID input name"),
    "rule of 256": (CREATE_RULE, rule_input(name="n" * 256), "INVALID input name"),
    "rule with NUL": (CREATE_RULE, rule_input(name=NUL), "INVALID input name"),
    **{
        f"rule in {id_!r}": (CREATE_RULE, rule_input(programId=id_), "NOT_FOUND input programId")
        for id_ in (UNKNOWN_PROGRAM_ID, "{known}", "", NUL)
    },
    **{
        f"rule on {id_!r}": (CREATE_RULE, rule_input(segmentId=id_), "NOT_FOUND input segmentId")
        for id_ in (UNKNOWN_SEGMENT_ID, "{program}", UNKNOWN_CUSTOMER_ID, "", NUL)
    },
    "rule on a static segment": (
        CREATE_RULE,
        rule_input(segmentId="{static}"),
        "INVALID input segmentId",
    ),
    "rule without points": (CREATE_RULE, rule_input({}), "BAD_REQUEST"),
    "rule of null": (CREATE_RULE, rule_input({"fixed": None}), "BAD_REQUEST"),
    "rule of both": (
        CREATE_RULE,
        rule_input({"fixed": 1, "proportional": {"path": "metadata.a", "every": 1, "points": 1}}),
        "BAD_REQUEST",
    ),
    "rule of 1.5 points": (CREATE_RULE, rule_input({"fixed": 1.5}), "BAD_REQUEST"),
    "rule of 2 to the 31st points": (CREATE_RULE, rule_input(2**31), "BAD_REQUEST"),
    **{
        f"rule of {n} points": (CREATE_RULE, rule_input(n), "INVALID input points fixed")
        for n in (0, -1)
    },
    **{
        f"rule of {n} points for every": (
            CREATE_RULE,
            proportional_points(points=n),
            "INVALID input points proportional points",
        )
        for n in (0, -(2**31))
    },
    **{
        f"rule for every {every}": (
            CREATE_RULE,
            proportional_points(every=every),
            "INVALID input points proportional every",
        )
        for every in (0, 0.99, -1, -1e308, 5e-324)
    },
    "rule for every x": (CREATE_RULE, proportional_points(every="x"), "BAD_REQUEST"),
    **{
        f"rule by {path!r}": (CREATE_RULE, proportional_points(path), f"UNKNOWN_ATTRIBUTE {_PATH}")
        for path in ("", NUL, "metadata", "metadata.", "metadata.$a", "spent", "metadata.word.a")
    },
    "rule by a path of 2 MB": (
        CREATE_RULE,
        proportional_points("metadata." + "a" * HUGE_LENGTH),
        f"UNKNOWN_ATTRIBUTE {_PATH}",
    ),
    **{
        f"rule by {path}": (CREATE_RULE, proportional_points(path), f"INVALID {_PATH}")
        for path in ("email", "orders.totalCount", "loyalty.points", "events.seen.count")
    },
    "rule by a text": (CREATE_RULE, proportional_points("metadata.word"), f"INVALID {_PATH}"),
    "rule at most never": (
        CREATE_RULE,
        rule_input(maxPerCustomer=0),
        "INVALID input maxPerCustomer",
    ),
    "rule at most less": (
        CREATE_RULE,
        rule_input(maxPerCustomer=-1),
        "INVALID input maxPerCustomer",
    ),
    "rule of no time": (
        CREATE_RULE,
        rule_input(activeFrom="2026-01-01T00:00:00Z", activeUntil="2026-01-01T01:00:00+01:00"),
        "INVALID input activeUntil",
    ),
    "rule backwards": (
        CREATE_RULE,
        rule_input(activeFrom="9999-12-29T00:00:00Z", activeUntil="0001-01-03T00:00:00Z"),
        "INVALID input activeUntil",
    ),
    "rule since year 0": (
        CREATE_RULE,
        rule_input(activeFrom="0000-01-01T00:00:00Z"),
        "BAD_REQUEST",
    ),
    "rule with all wrong": (
        CREATE_RULE,
        rule_input(0, name="", maxPerCustomer=0),
        "INVALID input name, INVALID input points fixed, INVALID input maxPerCustomer",
    ),
    "log first 0": (TRANSITIONS_QUERY, {"first": 0}, "BAD_REQUEST"),
    "log first 101": (TRANSITIONS_QUERY, {"first": 101}, "BAD_REQUEST"),
    **{
        f"log after {text!r}": (TRANSITIONS_QUERY, {"after": _cursor(text)}, "BAD_REQUEST")
        for text in (
            *("", "log", "log ", "log -1", "log 01", "log 1.5", "log 1_0", "log 9" + "9" * 18),
            *("log ٣", UNKNOWN_CUSTOMER_ID, "0 trn_" + "0" * 24),
        )
    },
    "log after nonsense": (TRANSITIONS_QUERY, {"after": "%"}, "BAD_REQUEST"),
    "log after 2 MB": (TRANSITIONS_QUERY, {"after": "A" * HUGE_LENGTH}, "BAD_REQUEST"),
    "log beyond its end": (TRANSITIONS_QUERY, {"after": _cursor("log " + "9" * 18)}, ""),
    "log of nothing": (
        TRANSITIONS_QUERY,
        {"ids": ["{known}", UNKNOWN_SEGMENT_ID, UNKNOWN_CUSTOMER_ID, NUL]},
        "NOT_FOUND segmentIds 1, NOT_FOUND segmentIds 2, NOT_FOUND segmentIds 3",
    ),
    "log of null": (TRANSITIONS_QUERY, {"ids": [None]}, "BAD_REQUEST"),
    "log of nobody": (
        TRANSITIONS_QUERY,
        {"who": {"id": UNKNOWN_CUSTOMER_ID}},
        "NOT_FOUND customer id",
    ),
    "log of a segment": (
        TRANSITIONS_QUERY,
        {"who": {"id": UNKNOWN_SEGMENT_ID}},
        "NOT_FOUND customer id",
    ),
    "log of a ghost": (
        TRANSITIONS_QUERY,
        {"who": {"sourceId": "ghost"}},
        "NOT_FOUND customer sourceId",
    ),
    "log of NUL": (TRANSITIONS_QUERY, {"who": {"sourceId": NUL}}, "INVALID customer sourceId"),
    "log of somebody": (
        TRANSITIONS_QUERY,
        {"who": KNOWN_CUSTOMER, "ids": ["{known}", "{static}"]},
        "",
    ),
    "ledger first 0": (QUERY_LEDGER, {"first": 0}, "BAD_REQUEST"),
    "ledger after nonsense": (QUERY_LEDGER, {"after": "%"}, "BAD_REQUEST"),
    "ledger after the log": (QUERY_LEDGER, {"after": _cursor("log 1")}, "BAD_REQUEST"),
    "ledger after an event": (QUERY_LEDGER, {"after": _cursor("0 evt_" + "0" * 24)}, ""),
}
