"""Large requests: bounded before they are parsed, and handled in threads."""

import asyncio
import json
from typing import Any

import httpx
import orjson
import pytest

from app.schema.http import GraphQLView, RequestError
from app.schema.http.graphql_request import MAX_JSON_WEIGHT, read_json
from app.schema.http.http_request import MAX_LARGE_BODIES_IN_PROGRESS
from app.settings import Settings
from tests.patience import PATIENCE_SECONDS
from tests.schema.http.conftest import GRAPHQL, execute
from tests.schema.http.fruit_schema import ContextFactory, schema

MIB = 1024 * 1024
WISHES = "query ($w: [Wish!]!) { wishes(wishes: $w) }"


@pytest.fixture
def view(context_factory: ContextFactory) -> GraphQLView:
    settings = Settings(_env_file=None, max_body_bytes=MIB)  # type: ignore[call-arg]
    return GraphQLView(schema, settings, context_factory.open_session)


async def test_a_large_request_is_answered_as_a_small_one(client: httpx.AsyncClient) -> None:
    value = [{"a": "ä" * 1_000, "b": 2**63 - 1}] * 100

    answer = await execute(client, "query ($v: JSON!) { echo(value: $v) }", v=value)

    assert answer.json()["data"] == {"echo": value}


async def test_errors_of_a_large_request(client: httpx.AsyncClient) -> None:
    large = "x" * 50_000
    for query, variables, code in (
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($w: Wish!) { wish(wish: $w) }", {"w": {"name": 5}}, "BAD_REQUEST"),
    ):
        answer = await execute(client, query, unused=large, **variables)

        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]


async def test_a_document_that_is_too_long_is_refused(client: httpx.AsyncClient) -> None:
    answer = await execute(client, "{ number }" + "\n" * 200_000)

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert "more than 200,000 characters" in error["message"]


@pytest.mark.parametrize(
    ("query", "variables", "code", "path"),
    [
        (WISHES, {"w": [{"name": "x" * 5_000}] * 11}, "FILTER_TOO_COMPLEX", ["wishes"]),
        (WISHES, {"w": [{"name": 5, "pad": "x" * 5_000}] * 11}, "FILTER_TOO_COMPLEX", ["wishes"]),
        (
            "query ($w: [String!]!) { countWords(words: $w) }",
            {"w": ["x" * 50] * 1_001},
            "TOO_MANY",
            ["words"],
        ),
    ],
)
async def test_too_many_values_of_a_type_are_refused_before_they_are_coerced(
    client: httpx.AsyncClient, query: str, variables: dict[str, Any], code: str, path: list[str]
) -> None:
    answer = await execute(client, query, **variables)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == code
    assert error["extensions"]["path"] == path
    assert "'$w' has more than" in error["message"]


async def test_as_many_values_as_allowed_are_taken(client: httpx.AsyncClient) -> None:
    answer = await execute(client, WISHES, w=[{"name": "x" * 5_000}] * 10)

    assert answer.json()["data"] == {"wishes": 10}


MANY_OBJECTS = b'{"query": "{ number }", "variables": {"a": [' + b"{}," * 300_000 + b"1]}}"
MANY_NUMBERS = b"[" + b"1," * 1_500_000 + b"1]"
MANY_KEYS = b"{" + b",".join(b'"%d":1' % number for number in range(400_000)) + b"}"


@pytest.mark.parametrize(
    "body", [MANY_OBJECTS, MANY_NUMBERS, MANY_KEYS], ids=["objects", "numbers", "keys"]
)
def test_too_many_values_are_refused_before_they_are_parsed(body: bytes) -> None:
    with pytest.raises(RequestError, match="too many values") as refusal:
        read_json(body)

    assert refusal.value.status == 413


@pytest.mark.parametrize(
    "text",
    [
        "," * 2_000_000,
        ":" * 2_000_000,
        '\\","' * 500_000,
        "\\" * 999_999 + '",' * 800_000,
        "{[" * 400_000,
    ],
    ids=["commas", "colons", "quotes", "backslashes", "brackets"],
)
def test_punctuation_in_texts_is_no_value(text: str) -> None:
    body = orjson.dumps({"a": ["", text, "é", 1], "b": text + "\\"})
    assert sum(map(body.count, (b",", b":", b"{"))) > MAX_JSON_WEIGHT / 2

    assert read_json(body) == json.loads(body)


@pytest.mark.parametrize("padding", [0, MIB - 30, MIB - 10, MIB, 3 * MIB])
def test_an_integer_beyond_64_bits_is_found_anywhere_in_a_large_body(padding: int) -> None:
    with pytest.raises(RequestError, match="64 bits"):
        read_json(b'["' + b"x" * padding + b'", 9223372036854775808]')


async def test_large_bodies_in_progress_are_limited_and_small_ones_are_not(
    address: str, context_factory: ContextFactory
) -> None:
    host, port = address.split(":")
    writers = []
    for _ in range(MAX_LARGE_BODIES_IN_PROGRESS):
        _, writer = await asyncio.open_connection(host, int(port))
        writers.append(writer)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % MIB
        )
        # All but the last byte.
        writer.write(b" " * (MIB - 1))
        await writer.drain()
    async with httpx.AsyncClient(
        base_url=f"http://{address}", headers={"Accept": GRAPHQL}
    ) as client:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (answer := await execute(client, "{ number }", a="x" * 200_000)).is_success:
                pass
        small_answer = await execute(client, "{ number }")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert small_answer.status_code == 200

        for writer in writers:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await execute(client, "{ number }", a="x" * 200_000)).is_success:
                pass


async def test_a_large_result_is_encoded_row_by_row_and_refused_beyond_the_limit(
    client: httpx.AsyncClient,
) -> None:
    query = "query ($n: Int!) { fruit { neighbours(first: $n) { name label } } }"

    small_answer = await execute(client, query, n=15)
    large_answer = await execute(client, query, n=17)

    labels = [fruit["label"] for fruit in small_answer.json()["data"]["fruit"]["neighbours"]]
    assert labels == [{"text": "x" * 1_000_000}] * 15
    assert large_answer.status_code == 294
    assert large_answer.json()["data"] is None
    (error,) = large_answer.json()["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert "larger than 16 MiB" in error["message"]


async def test_an_answer_has_at_most_100_errors(client: httpx.AsyncClient) -> None:
    one_field = await execute(client, "{ refuseOften }")
    fields = await execute(
        client, "{" + " ".join(f"a{n}: broken b{n}: refuse" for n in range(25)) + "}"
    )

    assert len(one_field.json()["errors"]) == 100
    assert len(fields.json()["errors"]) <= 100
