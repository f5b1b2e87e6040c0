"""GraphQL over HTTP: methods, media types and sizes."""

from collections.abc import AsyncIterator

import httpx
import pytest

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
QUERY = {"query": "{ number }"}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{GRAPHQL}, text/event-stream, multipart/mixed", GRAPHQL),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{GRAPHQL.upper()}; charset=utf-8", GRAPHQL),
        ("application/*", JSON),
        ("*/*", JSON),
        ("", JSON),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_the_media_type_that_the_client_likes_best(
    client: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    answer = await client.post("/graphql", json=QUERY, headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media_type


@pytest.mark.parametrize("accept", ["text/xml", "image/*", "application/json;q=0", "text/html"])
async def test_no_media_type_in_common(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.post("/graphql", json=QUERY, headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_server_sent_events_have_another_path(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json=QUERY, headers={"Accept": "text/event-stream"})

    assert answer.status_code == 406
    assert "text/event-stream send the request to /graphql/stream" in answer.text


async def test_a_batch_is_refused_in_a_sentence(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json=[QUERY, QUERY])

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["message"] == "A batch is not supported: send each operation as its own request."


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
async def test_only_json_in_utf_8_is_read(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(
        "/graphql", content=b'{"query":"{number}"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 415


@pytest.mark.parametrize("content_type", ["application/JSON", 'application/json;charset="UTF-8"'])
async def test_json_is_known_by_its_label(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(
        "/graphql", content=b'{"query":"{number}"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_told_which_are_allowed(
    client: httpx.AsyncClient, method: str
) -> None:
    answer = await client.request(method, "/graphql")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


async def test_a_query_by_get(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/graphql",
        params={
            "query": "query A($name: String!) { fruit(name: $name) { name } } query B { number }",
            "operationName": "A",
            "variables": '{"name": "pear"}',
            "extensions": "",
        },
    )

    assert answer.json() == {"data": {"fruit": {"name": "pear"}}, "extensions": {"cost": 2}}


async def test_a_mutation_by_get_is_not_run(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/graphql", params={"query": 'mutation { plant(name: "a") { name } }'}
    )

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert set(answer.json()) == {"errors"}


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/graphql", 422),
        ("/graphql?query=", 422),
        ("/graphql?query={number}&variables={", 400),
        ("/graphql?query={number}&variables=[1]", 422),
        ("/graphql?query={number}&variables=%22a%22", 422),
        ("/graphql?query=%ED%A0%80", 400),
        ("/graphql?query=%FF", 400),
    ],
)
async def test_a_url_that_is_no_request(client: httpx.AsyncClient, url: str, status: int) -> None:
    answer = await client.get(url, headers={"Accept": f"{GRAPHQL}, */*"})

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(GRAPHQL)


async def test_a_body_that_is_too_large(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={**QUERY, "other": "x" * 100_000})

    assert answer.status_code == 413
    assert answer.json()["errors"][0]["message"] == "The body is larger than 100,000 bytes."


async def test_a_body_that_is_too_large_and_does_not_say_so(address: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b" " * 10_000

    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"http://{address}/graphql",
            content=endless(),
            headers={"Content-Type": "application/json"},
        )

    assert answer.status_code == 413
