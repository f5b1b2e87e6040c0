"""Code pools, codes and patterns that can't be."""

from typing import Any

from tests.codes.conftest import ADD_CODES, CREATE_POOL, DELETE_POOL
from tests.schema.hostile.requests import HUGE_LENGTH, NUL, Cases

_UNKNOWN_POOL_ID = "cop_" + "0" * 24
_INVALID_TEXTS = ("", " ", "a ", "\ta", "a\u0000b", "a\u0007b", "a\u2028b", "a\nb", "x" * 101)


def pool_input(**fields: Any) -> dict[str, Any]:
    return {"input": {"name": "hostile", **fields}}


def generation(count: Any = 1, pattern: Any = "####") -> dict[str, Any]:
    return pool_input(generate={"count": count, "pattern": pattern})


def add(*codes: Any, id_: str = "{pool}") -> dict[str, Any]:
    return {"id": id_, "codes": [*codes]}


CODE_POOL_CASES: Cases = {
    **{
        f"pool named {name[:9]!r}": (CREATE_POOL, pool_input(name=name), "INVALID input name")
        for name in ("", " \t", NUL, "n" * 256, "n" * HUGE_LENGTH)
    },
    "pool named null": (CREATE_POOL, pool_input(name=None), "BAD_REQUEST"),
    "pool of codes and a pattern": (
        CREATE_POOL,
        pool_input(codes=["a"], generate={"count": 1}),
        "INVALID input",
    ),
    "pool of no codes and a pattern": (
        CREATE_POOL,
        pool_input(codes=[], generate={"count": 1}),
        "INVALID input",
    ),
    "pool of the same code": (
        CREATE_POOL,
        pool_input(codes=["a", "b", "a"]),
        "INVALID input codes 2",
    ),
    "pool of too many codes": (
        CREATE_POOL,
        pool_input(codes=["a"] * 10_001),
        "TOO_MANY input codes",
    ),
    "pool of a code of null": (CREATE_POOL, pool_input(codes=[None]), "BAD_REQUEST"),
    "pool of a code of 1": (CREATE_POOL, pool_input(codes=[1]), "BAD_REQUEST"),
    **{
        f"code {text[:9]!r}": (ADD_CODES, add("good", text), "INVALID codes 1")
        for text in (*_INVALID_TEXTS, "x" * HUGE_LENGTH)
    },
    **{
        f"pattern {text[:9]!r}": (
            CREATE_POOL,
            generation(pattern=text + "#"),
            "INVALID input generate pattern",
        )
        for text in (*_INVALID_TEXTS[2:], "x" * HUGE_LENGTH)
        if text != "a "
    },
    "pattern of nothing": (
        CREATE_POOL,
        generation(pattern="-"),
        "INVALID input generate pattern",
    ),
    "count of 0": (CREATE_POOL, generation(0), "INVALID input generate count"),
    "count of -1": (CREATE_POOL, generation(-1), "INVALID input generate count"),
    "count of 1.5": (CREATE_POOL, generation(1.5), "BAD_REQUEST"),
    "count of 2 to the 31st": (CREATE_POOL, generation(2**31), "BAD_REQUEST"),
    "count of a million and one": (
        CREATE_POOL,
        generation(1_000_001),
        "TOO_MANY input generate count",
    ),
    "count of half and one": (
        CREATE_POOL,
        generation(16, "#"),
        "INVALID input generate pattern",
    ),
    "codes that are there": (ADD_CODES, add("new", "known"), "INVALID codes 1"),
    **{
        f"{name} of {id_!r}": (query, variables | {"id": id_}, "NOT_FOUND id")
        for id_ in (_UNKNOWN_POOL_ID, "{known}", "", NUL)
        for name, query, variables in (
            ("codes", ADD_CODES, add("a")),
            ("no codes", ADD_CODES, add()),
            ("deletion", DELETE_POOL, {}),
        )
    },
}
