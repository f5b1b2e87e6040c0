"""Distributions, channels and deliveries that can't be."""

from typing import Any

from tests.deliveries.distribution_client import (
    CREATE,
    DELETE,
    DELIVERIES,
    RETRY,
    RETRY_ALL,
    ROTATE,
    SET_STATE,
    TEST,
    UPDATE,
)
from tests.schema.hostile.requests import (
    HUGE_LENGTH,
    KNOWN_CUSTOMER,
    NUL,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    Cases,
)

UNKNOWN_DISTRIBUTION_ID = "dis_" + "0" * 24
_UNKNOWN_DELIVERY_ID = "dlv_" + "0" * 24
_URL = "https://shop.example/hook"
_URL_PATH = "INVALID input channel webhook url"
_HEADERS_PATH = "INVALID input channel webhook headers"


def new(**fields: Any) -> dict[str, Any]:
    channel = {"webhook": {"url": _URL}}
    row = {"name": "hostile", "segmentId": "{known}", "channel": channel, **fields}
    return {"input": row}


def url(text: Any) -> dict[str, Any]:
    return new(channel={"webhook": {"url": text}})


def headers(value: Any) -> dict[str, Any]:
    return new(channel={"webhook": {"url": _URL, "headers": value}})


def change(**fields: Any) -> dict[str, Any]:
    return {"id": "{distribution}", "input": fields}


_INVALID_URLS = (
    *("", " ", "shop.example", "/hook", "https://", "https:///hook", "ftp://shop.example/"),
    *("javascript:alert(1)", "file:///etc/passwd", "https://user@shop.example/"),
    *("https://user:password@shop.example/", "https://shop.example:99999/", "https://[::1"),
    *("https://shop.example/#part", "https://shop.example/a b", "https://shop.example/\r\nA: b"),
    *("https://shop.example/" + NUL, "https://shop.example/" + "x" * 2_000, "x" * HUGE_LENGTH),
    *("http://127.0.0.1/", "http://localhost/", "http://localhost./", "http://[::1]/"),
    *("http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/", "https://shop.example:0/"),
    *("https://\u2100.example/", "https://xn--/"),
)
_INVALID_HEADERS: dict[str, Any] = {
    "a list": ["a"],
    "a text": "a: b",
    "a number as value": {"A": 1},
    "null as value": {"A": None},
    "a list as value": {"A": ["b"]},
    "an empty name": {"": "a"},
    "a name with a blank": {"A b": "c"},
    "a name with a colon": {"A:": "c"},
    "a line break": {"A": "b\r\nC: d"},
    "NUL": {"A": NUL},
    "a name in Cyrillic": {"Ж": "a"},
    "a value in Cyrillic": {"A": "Ж"},
    "a value with blanks": {"A": " b"},
    "a value that is long": {"A": "b" * 2_001},
    "a name that is long": {"A" * 101: "b"},
    "a name twice": {"A": "b", "a": "c"},
    "21 of them": {f"A{index}": "b" for index in range(21)},
    **{
        name: {name: "a"}
        for name in (
            *("Host", "content-length", "Connection", "Transfer-Encoding", "Content-Type", "TE"),
            *("Webhook-Id", "webhook-signature", "WEBHOOK-ANYTHING", "Upgrade", "Keep-Alive"),
        )
    },
}

DISTRIBUTION_CASES: Cases = {
    **{
        f"distribution named {name[:9]!r}": (CREATE, new(name=name), "INVALID input name")
        for name in ("", " \t", NUL, "n" * 256)
    },
    "distribution named null": (CREATE, new(name=None), "BAD_REQUEST"),
    "distribution on nothing": (CREATE, new(on="MOVED"), "BAD_REQUEST"),
    "distribution of an unknown segment": (
        CREATE,
        new(segmentId=UNKNOWN_SEGMENT_ID),
        "NOT_FOUND input segmentId",
    ),
    "distribution of a distribution": (
        CREATE,
        new(segmentId="{distribution}"),
        "NOT_FOUND input segmentId",
    ),
    "distribution of a static segment": (
        CREATE,
        new(segmentId="{static}"),
        "INVALID input segmentId",
    ),
    "distribution of an unknown pool": (
        CREATE,
        new(codePoolId="cop_" + "0" * 24),
        "NOT_FOUND input codePoolId",
    ),
    "distribution of a segment as a pool": (
        CREATE,
        new(codePoolId="{known}"),
        "NOT_FOUND input codePoolId",
    ),
    "distribution for 0 times": (CREATE, new(maxPerCustomer=0), "INVALID input maxPerCustomer"),
    "distribution for -1 times": (CREATE, new(maxPerCustomer=-1), "INVALID input maxPerCustomer"),
    "distribution for 2 to the 31st times": (CREATE, new(maxPerCustomer=2**31), "BAD_REQUEST"),
    "distribution without a channel": (CREATE, new(channel={}), "BAD_REQUEST"),
    "distribution by two channels": (
        CREATE,
        new(channel={"webhook": {"url": _URL}, "email": {"subject": "a", "body": "b"}}),
        "BAD_REQUEST",
    ),
    "distribution by null": (CREATE, new(channel={"webhook": None}), "BAD_REQUEST"),
    "distribution by email without a server": (
        CREATE,
        new(channel={"email": {"subject": "a", "body": "b"}}),
        "INVALID input channel email",
    ),
    **{f"URL {text[:60]!r}": (CREATE, url(text), _URL_PATH) for text in _INVALID_URLS},
    **{
        f"headers with {name}": (CREATE, headers(value), _HEADERS_PATH)
        for name, value in _INVALID_HEADERS.items()
    },
    "change of a name to null": (UPDATE, change(name=None), "INVALID input name"),
    "change of a channel to null": (UPDATE, change(channel=None), "INVALID input channel"),
    "change of a URL": (UPDATE, change(channel={"webhook": {"url": "a"}}), _URL_PATH),
    "change of a pool": (UPDATE, change(codePoolId="{known}"), "NOT_FOUND input codePoolId"),
    "change of a maximum": (UPDATE, change(maxPerCustomer=0), "INVALID input maxPerCustomer"),
    "state of nothing": (SET_STATE, {"id": "{distribution}", "state": "GONE"}, "BAD_REQUEST"),
    "test for nobody": (
        TEST,
        {"id": "{distribution}", "customer": {"id": UNKNOWN_CUSTOMER_ID}},
        "NOT_FOUND customer id",
    ),
    "test for NUL": (
        TEST,
        {"id": "{distribution}", "customer": {"sourceId": NUL}},
        "INVALID customer sourceId",
    ),
    "retry of something unknown": (RETRY, {"id": _UNKNOWN_DELIVERY_ID}, "NOT_FOUND id"),
    "retry of a distribution": (RETRY, {"id": "{distribution}"}, "NOT_FOUND id"),
    "retry of -1": (RETRY_ALL, {"id": "{distribution}", "first": -1}, "BAD_REQUEST"),
    "retry of something else": (RETRY_ALL, {"id": "{known}"}, "NOT_FOUND distributionId"),
    "deliveries after something": (
        DELIVERIES,
        {"id": "{distribution}", "after": "x"},
        "BAD_REQUEST",
    ),
    "101 deliveries": (DELIVERIES, {"id": "{distribution}", "first": 101}, "BAD_REQUEST"),
    **{
        f"{name} of {id_!r}": (query, variables | {"id": id_}, "NOT_FOUND id")
        for id_ in (UNKNOWN_DISTRIBUTION_ID, "{known}", "", NUL)
        for name, query, variables in (
            ("update", UPDATE, {"input": {"name": "a"}}),
            ("state", SET_STATE, {"state": "PAUSED"}),
            ("deletion", DELETE, {}),
            ("new secret", ROTATE, {}),
            ("test", TEST, {"customer": KNOWN_CUSTOMER}),
        )
    },
}
