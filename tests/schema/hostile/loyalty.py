"""Programs, earning rules and questions of the log that can't be."""

from base64 import urlsafe_b64encode
from typing import Any

from tests.api import Json
from tests.club import END_PROGRAM, END_RULE, LOG, PROGRAM, RULE, rule
from tests.schema.hostile.requests import KNOWN, MANY, NOBODY, NOTHING, NUL, Cases

LEDGER = (
    'query($first: Int, $after: String) { customer(ref: {sourceId: "known"})'
    " { loyalty { ledger(first: $first, after: $after) { nodes { id } } } } }"
)
NO_RULE = "ear_" + "0" * 24
NO_PROGRAM = "loy_" + "0" * 24


def _program(name: Any) -> Json:
    return {"input": {"name": name}}


def _rule(points: Any = 1, **fields: Any) -> Json:
    return {"input": {**rule("{program}", "{known}", points), **fields}}


def _by(path: Any = "metadata.spent", every: Any = 1, points: Any = 1) -> Json:
    return _rule((path, every, points))


def _cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


_PATH = "input points proportional path"

LOYALTY: Cases = {
    "program without a name": (PROGRAM, _program(None), "BAD_REQUEST"),
    "program of blanks": (PROGRAM, _program(" \t\n"), "INVALID input name"),
    "program of 256": (PROGRAM, _program("n" * 256), "INVALID input name"),
    "program of 2 MB": (PROGRAM, _program("n" * MANY), "INVALID input name"),
    "program with NUL": (PROGRAM, _program("a" + NUL), "INVALID input name"),
    "program unknown": (END_PROGRAM, {"id": NO_PROGRAM}, "NOT_FOUND id"),
    "program a segment": (END_PROGRAM, {"id": "{known}"}, "NOT_FOUND id"),
    "program NUL": (END_PROGRAM, {"id": NUL}, "NOT_FOUND id"),
    "rule unknown": (END_RULE, {"id": NO_RULE}, "NOT_FOUND id"),
    "rule a program": (END_RULE, {"id": "{program}"}, "NOT_FOUND id"),
    "rule NUL": (END_RULE, {"id": NUL}, "NOT_FOUND id"),
    "rule of blanks": (RULE, _rule(name=" "), "INVALID input name"),
    "rule of 256": (RULE, _rule(name="n" * 256), "INVALID input name"),
    "rule with NUL": (RULE, _rule(name=NUL), "INVALID input name"),
    **{
        f"rule in {id_!r}": (RULE, _rule(programId=id_), "NOT_FOUND input programId")
        for id_ in (NO_PROGRAM, "{known}", "", NUL)
    },
    **{
        f"rule on {id_!r}": (RULE, _rule(segmentId=id_), "NOT_FOUND input segmentId")
        for id_ in (NOTHING, "{program}", NOBODY, "", NUL)
    },
    "rule on a static segment": (RULE, _rule(segmentId="{static}"), "INVALID input segmentId"),
    "rule without points": (RULE, _rule({}), "BAD_REQUEST"),
    "rule of null": (RULE, _rule({"fixed": None}), "BAD_REQUEST"),
    "rule of both": (
        RULE,
        _rule({"fixed": 1, "proportional": {"path": "metadata.a", "every": 1, "points": 1}}),
        "BAD_REQUEST",
    ),
    "rule of 1.5 points": (RULE, _rule({"fixed": 1.5}), "BAD_REQUEST"),
    "rule of 2 to the 31st points": (RULE, _rule(2**31), "BAD_REQUEST"),
    **{f"rule of {n} points": (RULE, _rule(n), "INVALID input points fixed") for n in (0, -1)},
    **{
        f"rule of {n} points for every": (
            RULE,
            _by(points=n),
            "INVALID input points proportional points",
        )
        for n in (0, -(2**31))
    },
    **{
        f"rule for every {every}": (
            RULE,
            _by(every=every),
            "INVALID input points proportional every",
        )
        for every in (0, 0.99, -1, -1e308, 5e-324)
    },
    "rule for every x": (RULE, _by(every="x"), "BAD_REQUEST"),
    **{
        f"rule by {path!r}": (RULE, _by(path), f"UNKNOWN_ATTRIBUTE {_PATH}")
        for path in ("", NUL, "metadata", "metadata.", "metadata.$a", "spent", "metadata.word.a")
    },
    "rule by a path of 2 MB": (RULE, _by("metadata." + "a" * MANY), f"UNKNOWN_ATTRIBUTE {_PATH}"),
    **{
        f"rule by {path}": (RULE, _by(path), f"INVALID {_PATH}")
        for path in ("email", "orders.totalCount", "loyalty.points", "events.seen.count")
    },
    "rule by a text": (RULE, _by("metadata.word"), f"INVALID {_PATH}"),
    "rule at most never": (RULE, _rule(maxPerCustomer=0), "INVALID input maxPerCustomer"),
    "rule at most less": (RULE, _rule(maxPerCustomer=-1), "INVALID input maxPerCustomer"),
    "rule of no time": (
        RULE,
        _rule(activeFrom="2026-01-01T00:00:00Z", activeUntil="2026-01-01T01:00:00+01:00"),
        "INVALID input activeUntil",
    ),
    "rule backwards": (
        RULE,
        _rule(activeFrom="9999-12-29T00:00:00Z", activeUntil="0001-01-03T00:00:00Z"),
        "INVALID input activeUntil",
    ),
    "rule since year 0": (RULE, _rule(activeFrom="0000-01-01T00:00:00Z"), "BAD_REQUEST"),
    "rule with all wrong": (
        RULE,
        _rule(0, name="", maxPerCustomer=0),
        "INVALID input name, INVALID input points fixed, INVALID input maxPerCustomer",
    ),
    "log first 0": (LOG, {"first": 0}, "BAD_REQUEST"),
    "log first 101": (LOG, {"first": 101}, "BAD_REQUEST"),
    **{
        f"log after {text!r}": (LOG, {"after": _cursor(text)}, "BAD_REQUEST")
        for text in (
            *("", "log", "log ", "log -1", "log 01", "log 1.5", "log 1_0", "log 9" + "9" * 18),
            *("log ٣", NOBODY, "0 trn_" + "0" * 24),
        )
    },
    "log after nonsense": (LOG, {"after": "%"}, "BAD_REQUEST"),
    "log after 2 MB": (LOG, {"after": "A" * MANY}, "BAD_REQUEST"),
    "log beyond its end": (LOG, {"after": _cursor("log " + "9" * 18)}, ""),
    "log of nothing": (
        LOG,
        {"ids": ["{known}", NOTHING, NOBODY, NUL]},
        "NOT_FOUND segmentIds 1, NOT_FOUND segmentIds 2, NOT_FOUND segmentIds 3",
    ),
    "log of null": (LOG, {"ids": [None]}, "BAD_REQUEST"),
    "log of nobody": (LOG, {"who": {"id": NOBODY}}, "NOT_FOUND customer id"),
    "log of a segment": (LOG, {"who": {"id": NOTHING}}, "NOT_FOUND customer id"),
    "log of a ghost": (LOG, {"who": {"sourceId": "ghost"}}, "NOT_FOUND customer sourceId"),
    "log of NUL": (LOG, {"who": {"sourceId": NUL}}, "INVALID customer sourceId"),
    "log of somebody": (LOG, {"who": KNOWN, "ids": ["{known}", "{static}"]}, ""),
    "ledger first 0": (LEDGER, {"first": 0}, "BAD_REQUEST"),
    "ledger after nonsense": (LEDGER, {"after": "%"}, "BAD_REQUEST"),
    "ledger after the log": (LEDGER, {"after": _cursor("log 1")}, "BAD_REQUEST"),
    "ledger after an event": (LEDGER, {"after": _cursor("0 evt_" + "0" * 24)}, ""),
}
