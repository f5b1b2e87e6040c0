"""Every error of a request has its status and code, and reveals no internal text."""

import json
from typing import Any

import httpx
import pytest

from app.request_id import RequestIdMiddleware
from app.schema.http import GraphQLView
from tests.schema.http.fruit_schema import ContextFactory

GRAPHQL = "application/graphql-response+json"
NUMBER = "9" * 25


async def execute(client: httpx.AsyncClient, query: str, **payload_fields: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, **payload_fields})


def error_codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def test_a_query_is_answered(client: httpx.AsyncClient) -> None:
    answer = await execute(client, "{ fruit { name } }")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"data": {"fruit": {"name": "apple"}}, "extensions": {"cost": 2}}


REFUSED_DOCUMENTS = [
    ("{", {}, 400, "GRAPHQL_PARSE_FAILED"),
    ('{ echo(value: "\\ud800") }', {}, 400, "GRAPHQL_PARSE_FAILED"),
    ("{ a " * 5_000, {}, 400, "GRAPHQL_PARSE_FAILED"),
    ("{ fruit { name } } #" + "x" * 200_000, {}, 413, "BAD_REQUEST"),
    ("{ nope }", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    (f"{{ echo(value: {NUMBER}) }}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    (f"{{ echo(value: {'9' * 5_000}) }}", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    ("{ echo(value: {a: [1e999]}) }", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    ("{ a: number } query B { number }", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    ("query A { number } query B { number }", {}, 422, "BAD_REQUEST"),
    ("query A { number }", {"operationName": "B"}, 422, "BAD_REQUEST"),
    ("query ($n: Int!) { fruit { neighbours(first: $n) { name } } }", {}, 422, "BAD_REQUEST"),
    ("subscription { count }", {}, 422, "BAD_REQUEST"),
    ("fragment F on Query { number }", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    ("type T { a: Int }", {}, 422, "GRAPHQL_VALIDATION_FAILED"),
    ("", {}, 400, "GRAPHQL_PARSE_FAILED"),
]


@pytest.mark.parametrize(("query", "more", "status", "code"), REFUSED_DOCUMENTS)
async def test_an_operation_that_cannot_run_is_a_request_error(
    client: httpx.AsyncClient, query: str, more: dict[str, Any], status: int, code: str
) -> None:
    answer = await execute(client, query, **more)

    assert answer.status_code == status
    assert set(error_codes(answer)) == {code}
    assert "data" not in answer.json()


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
async def test_an_old_client_sees_the_same_with_status_200(
    client: httpx.AsyncClient, accept: str
) -> None:
    for query in ("{", "{ nope }", "{ badCursor }", "{ number }"):
        answer = await client.post("/graphql", json={"query": query}, headers={"Accept": accept})

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"


BODIES = [
    (b"nonsense", 400),
    (b'{"query":', 400),
    (b"", 400),
    (b'{"query": "{ number }", "variables": {"a": NaN}}', 400),
    (b'{"query": "{ number }", "variables": {"a": -Infinity}}', 400),
    (b'{"query": "{ number }", "variables": {"a": 1e999}}', 400),
    (b'{"query": "{ number }", "variables": {"a": ' + NUMBER.encode() + b"}}", 400),
    (b'{"query": "{ number }", "variables": {"a": 9223372036854775808}}', 400),
    (b'{"query": "{ number }", "variables": {"a": -9223372036854775809}}', 400),
    (b'{"query": "{ number }", "variables": {"a": ' + b"9" * 5_000 + b"}}", 400),
    (b'{"query": "{ number }", "variables": {"a": "\\ud800"}}', 400),
    (b'{"query": "{ number }", "variables": {"\\udfff": 1}}', 400),
    (b'{"query": "{ number }", "variables": {"a": "\xed\xa0\x80"}}', 400),
    (b'{"query": "{ number }", "\\ud800": 1}', 400),
    (b'{"query": "{ echo(value: \\"\\ud800\\") }"}', 400),
    (b'{"query": "{ number \xff }"}', 400),
    (b"[" * 50_000, 400),
    (b'{"query": "{ number }", "variables": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}", 400),
    ('{"query": "{ number }"}'.encode("utf-16"), 400),
    (b"null", 422),
    (b'"x"', 422),
    (b"17", 422),
    (b'[{"query": "{ number }"}]', 422),
    (b"{}", 422),
    (b'{"query": 1}', 422),
    (b'{"query": "{ number }", "variables": [1]}', 422),
    (b'{"query": "{ number }", "variables": "{}"}', 422),
    (b'{"query": "{ number }", "operationName": 1}', 422),
    (b'{"query": "{ number }", "extensions": []}', 422),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
@pytest.mark.parametrize("accept", [GRAPHQL, "application/json"])
async def test_a_body_that_is_no_request_is_refused_to_everybody(
    client: httpx.AsyncClient, body: bytes, status: int, accept: str
) -> None:
    answer = await client.post(
        "/graphql",
        content=body,
        headers={"Content-Type": "application/json", "Accept": accept},
    )

    assert answer.status_code == status
    assert error_codes(answer) == ["BAD_REQUEST"]
    assert set(answer.json()) == {"errors"}


async def test_numbers_arrive_and_leave_exactly(client: httpx.AsyncClient) -> None:
    value = [2**63 - 1, -(2**63), 2**53 + 1, 1.0, 1e30, 0.1, "9" * 30, {"9" * 19: None}]

    answer = await client.post(
        "/graphql",
        content=json.dumps(
            {"query": "query ($v: JSON!) { echo(value: $v) }", "variables": {"v": value}}
        ),
        headers={"Content-Type": "application/json"},
    )

    assert json.loads(answer.content, parse_float=str) == {
        "data": {"echo": [*value[:3], "1.0", "1e+30", "0.1", *value[6:]]},
        "extensions": {"cost": 2},
    }


async def test_what_is_optional_may_be_null_and_what_is_unknown_is_ignored(
    client: httpx.AsyncClient,
) -> None:
    answer = await execute(
        client, "{ number }", variables=None, operationName=None, extensions=None, other=1
    )

    assert answer.json() == {"data": {"number": 1}, "extensions": {"cost": 1}}


async def test_refusals_in_a_query_carry_code_and_path(client: httpx.AsyncClient) -> None:
    answer = await execute(client, "{ refuse }")

    assert answer.status_code == 294
    assert answer.json() == {
        "errors": [
            {
                "message": "No such fruit.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["refuse"],
                "extensions": {"code": "INVALID_VALUE", "path": ["filter", "all", "0"]},
            },
            {
                "message": "Too many.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["refuse"],
                "extensions": {"code": "TOO_MANY", "path": []},
            },
        ],
        "data": None,
        "extensions": {"cost": 1},
    }


async def test_a_bad_cursor_is_a_bad_request(client: httpx.AsyncClient) -> None:
    answer = await execute(client, "{ badCursor number }")

    assert answer.status_code == 294
    assert answer.json()["data"] == {"badCursor": None, "number": 1}
    assert answer.json()["errors"][0]["message"] == "This cursor is not ours."
    assert error_codes(answer) == ["BAD_REQUEST"]


async def test_an_unexpected_error_is_masked_and_logged_once(
    client: httpx.AsyncClient, log_entries: list[dict[str, Any]]
) -> None:
    answer = await execute(client, "{ broken again: broken }")

    assert answer.status_code == 294
    assert "1234" not in answer.text
    assert error_codes(answer) == ["INTERNAL", "INTERNAL"]
    [entry] = log_entries
    assert entry["request_id"] == answer.json()["errors"][0]["extensions"]["requestId"]
    assert str(entry["exc_info"]) == "the password is 1234"


@pytest.mark.parametrize("query", ["{ broken }", "{ beyondJson }"])
async def test_the_id_of_the_request_finds_its_unexpected_error_in_the_log(
    view: GraphQLView, log_entries: list[dict[str, Any]], query: str
) -> None:
    transport = httpx.ASGITransport(RequestIdMiddleware(view))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        answer = await execute(client, query)

    [entry] = log_entries
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert answer.json()["errors"][0]["extensions"]["requestId"] == entry["request_id"]


async def test_an_answer_that_is_no_json_is_an_internal_error(
    client: httpx.AsyncClient, log_entries: list[dict[str, Any]]
) -> None:
    answer = await execute(client, "{ beyondJson }")

    assert answer.status_code == 500
    assert error_codes(answer) == ["INTERNAL"]
    assert len(log_entries) == 1


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ wish(wish: {name: null}) }", {}),
        ("query ($w: Wish!) { wish(wish: $w) }", {"w": {"name": None}}),
        ('{ find(ref: {id: "1", name: "a"}) }', {}),
        ("query ($r: Ref!) { find(ref: $r) }", {"r": {"id": "1", "name": "a"}}),
        ("query ($r: Ref!) { find(ref: $r) }", {"r": {"name": None}}),
        ("query ($n: String! = null) { fruit(name: $n) { name } }", {}),
        ('query ($n: String = "a") { fruit(name: $n) { name } }', {"n": None}),
        ("query ($n: String!) { fruit(name: $n) { name } }", {"n": {"$gt": ""}}),
    ],
)
async def test_an_input_that_does_not_fit_is_the_clients_and_names_no_python_type(
    client: httpx.AsyncClient,
    query: str,
    variables: dict[str, Any],
    log_entries: list[dict[str, Any]],
) -> None:
    answer = await execute(client, query, variables=variables)

    assert set(error_codes(answer)) <= {"BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED"}
    assert not any(word in answer.text for word in ("'str'", "Maybe", "None", "dict"))
    assert log_entries == []


async def test_a_client_error_is_not_logged(
    client: httpx.AsyncClient, log_entries: list[dict[str, Any]]
) -> None:
    for query in ("{", "{ nope }", "{ refuse }", "{ badCursor }"):
        await execute(client, query)

    assert log_entries == []


async def test_every_operation_has_a_context_of_its_own(
    client: httpx.AsyncClient, context_factory: ContextFactory
) -> None:
    assert (await execute(client, "{ number }")).json() == {
        "data": {"number": 1},
        "extensions": {"cost": 1},
    }
    assert (await execute(client, "{ number }")).json() == {
        "data": {"number": 2},
        "extensions": {"cost": 1},
    }
