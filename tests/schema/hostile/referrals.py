"""Referral programs and referrals that can't be."""

from typing import Any

from tests.api import Json
from tests.referral_client import (
    CREATE_REFERRAL_PROGRAM,
    DELETE_REFERRAL_PROGRAM,
    RECORD_REFERRAL,
    points_reward,
    tier_input,
)
from tests.schema.hostile.requests import (
    HUGE_LENGTH,
    KNOWN_CUSTOMER,
    NUL,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    Cases,
)

UNKNOWN_PROGRAM_ID = "rfp_" + "0" * 24
_POINTS = points_reward("{program}")


def program_input(*tiers: Json, name: Any = "hostile") -> Json:
    return {"input": {"name": name, "tiers": list(tiers)}}


def referral(program: Any = UNKNOWN_PROGRAM_ID, referrer: Any = KNOWN_CUSTOMER) -> Json:
    return {"program": program, "referrer": referrer, "referee": {"sourceId": "ghost"}}


_GOOD = tier_input(points=_POINTS)
_TIER = "input tiers 0"

REFERRAL_CASES: Cases = {
    "referrals without tiers": (CREATE_REFERRAL_PROGRAM, program_input(), "INVALID input tiers"),
    "referrals of null": (
        CREATE_REFERRAL_PROGRAM,
        {"input": {"name": "x", "tiers": None}},
        "BAD_REQUEST",
    ),
    "referrals of 10,000 tiers": (
        CREATE_REFERRAL_PROGRAM,
        program_input(*[_GOOD] * 10_000),
        "TOO_MANY input tiers",
    ),
    **{
        f"referrals named {name[:9]!r}": (
            CREATE_REFERRAL_PROGRAM,
            program_input(_GOOD, name=name),
            "INVALID input name",
        )
        for name in ("", " \t\n", NUL, "n" * 256, "n" * HUGE_LENGTH)
    },
    **{
        f"tier named {name[:9]!r}": (
            CREATE_REFERRAL_PROGRAM,
            program_input(tier_input(name, points=_POINTS)),
            f"INVALID {_TIER} name",
        )
        for name in ("", " \t\n", NUL, "n" * 256)
    },
    "tiers of one name but for blanks": (
        CREATE_REFERRAL_PROGRAM,
        program_input(_GOOD, tier_input(" First ", points=_POINTS)),
        "TAKEN input tiers 1 name",
    ),
    **{
        f"tier of {number}": (
            CREATE_REFERRAL_PROGRAM,
            program_input(tier_input("x", number, points=_POINTS)),
            f"INVALID {_TIER} minReferrals",
        )
        for number in (0, -1, -(2**31))
    },
    "tier of 2 to the 31st": (
        CREATE_REFERRAL_PROGRAM,
        program_input(tier_input("x", 2**31, points=_POINTS)),
        "BAD_REQUEST",
    ),
    **{
        f"tier on {id_!r}": (
            CREATE_REFERRAL_PROGRAM,
            program_input(tier_input("x", 1, id_, points=_POINTS)),
            f"NOT_FOUND {_TIER} segmentId",
        )
        for id_ in (UNKNOWN_SEGMENT_ID, "{program}", UNKNOWN_CUSTOMER_ID, "", NUL)
    },
    "tier on a static segment": (
        CREATE_REFERRAL_PROGRAM,
        program_input(tier_input("x", 1, "{static}", points=_POINTS)),
        f"INVALID {_TIER} segmentId",
    ),
    **{
        f"tier in {id_!r}": (
            CREATE_REFERRAL_PROGRAM,
            program_input(tier_input(points=points_reward(id_))),
            f"NOT_FOUND {_TIER} reward points programId",
        )
        for id_ in (UNKNOWN_PROGRAM_ID, "{known}", "", NUL)
    },
    **{
        f"tier with codes of {id_!r}": (
            CREATE_REFERRAL_PROGRAM,
            program_input(tier_input(codePoolId=id_)),
            f"NOT_FOUND {_TIER} reward codePoolId",
        )
        for id_ in ("cop_" + "0" * 24, "{program}", "", NUL)
    },
    "tier without a reward": (CREATE_REFERRAL_PROGRAM, program_input(tier_input()), "BAD_REQUEST"),
    "tier with two rewards": (
        CREATE_REFERRAL_PROGRAM,
        program_input(tier_input(points=_POINTS, codePoolId="x")),
        "BAD_REQUEST",
    ),
    "tier with null codes": (
        CREATE_REFERRAL_PROGRAM,
        program_input(tier_input(codePoolId=None)),
        "BAD_REQUEST",
    ),
    **{
        f"tier of {points} points": (
            CREATE_REFERRAL_PROGRAM,
            program_input(tier_input(points=points_reward("{program}", points))),
            f"INVALID {_TIER} reward points points",
        )
        for points in (0, -1)
    },
    **{
        f"delete referrals {id_!r}": (DELETE_REFERRAL_PROGRAM, {"id": id_}, "NOT_FOUND id")
        for id_ in (UNKNOWN_PROGRAM_ID, "{program}", "", NUL)
    },
    **{
        f"referral in {id_!r}": (RECORD_REFERRAL, referral(id_), "NOT_FOUND programId")
        for id_ in (UNKNOWN_PROGRAM_ID, "{program}", "", NUL)
    },
    "referral by nobody": (RECORD_REFERRAL, referral(referrer={}), "BAD_REQUEST"),
    "referral by null": (RECORD_REFERRAL, referral(referrer=None), "BAD_REQUEST"),
    "referral by NUL": (
        RECORD_REFERRAL,
        referral(referrer={"sourceId": NUL}),
        "INVALID referrer sourceId",
    ),
}
