"""graphql-transport-ws, spoken to a real server by a real client."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from app.schema.http import socket
from tests.schema.http.small import Contexts
from tests.sockets import PROTOCOL, Client, connected


@pytest.fixture
async def client(address: str) -> AsyncIterator[Client]:
    async with connected(address) as client:
        yield client


async def test_a_subscription_is_answered_event_by_event(client: Client) -> None:
    await client.ask("subscription ($to: Int!) { count(to: $to) }", variables={"to": 2})

    assert [await client.hear() for _ in range(3)] == [
        {"id": "1", "type": "next", "payload": {"data": {"count": 0}}},
        {"id": "1", "type": "next", "payload": {"data": {"count": 1}}},
        {"id": "1", "type": "complete"},
    ]


@pytest.mark.parametrize("query", ["{ fruit { name } }", 'mutation { plant(name: "a") { name } }'])
async def test_queries_and_mutations_run_here_too(client: Client, query: str) -> None:
    await client.ask(query)

    assert (await client.hear())["type"] == "next"
    assert await client.hear() == {"id": "1", "type": "complete"}


async def test_each_operation_and_each_event_has_a_context_of_its_own(client: Client) -> None:
    await client.ask("subscription { contexts { source event } }")
    seen = [(await client.hear())["payload"]["data"]["contexts"] for _ in range(2)]
    await client.hear()
    await client.ask("{ number }")

    assert seen == [{"source": 1, "event": 2}, {"source": 1, "event": 3}]
    assert (await client.hear())["payload"] == {"data": {"number": 4}}


async def test_what_connection_init_brought_is_in_every_context(client: Client) -> None:
    await client.ask("{ init }")

    assert (await client.hear())["payload"] == {"data": {"init": {"authorization": "Bearer K"}}}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { number } query B { number }"}, "BAD_REQUEST"),
        ({"query": "{ number }", "operationName": "C"}, "BAD_REQUEST"),
        ({"query": "{ number }", "variables": []}, "BAD_REQUEST"),
        ({"query": 1}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
        (None, "BAD_REQUEST"),
        ("x", "BAD_REQUEST"),
        ([], "BAD_REQUEST"),
        ({"query": "subscription { refuses }"}, "BAD_REQUEST"),
        ({"query": "subscription { count endless }"}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_an_operation_that_fails_leaves_the_others_alone(
    client: Client, payload: object, code: str
) -> None:
    await client.ask("subscription { endless }", "other")
    await client.hear()
    await client.send({"id": "1", "type": "subscribe", "payload": payload})
    refusal = await client.hear()
    await client.ask("{ fruit { name } }", "1")

    assert (refusal["id"], refusal["type"]) == ("1", "error")
    assert refusal["payload"][0]["extensions"]["code"] == code
    assert (await client.hear())["payload"] == {"data": {"fruit": {"name": "apple"}}}


async def test_a_source_that_breaks_ends_its_operation_masked(
    client: Client, logged: list[dict[str, Any]]
) -> None:
    await client.ask("subscription { breaks }")
    event, end = await client.hear(), await client.hear()

    assert event["payload"] == {"data": {"breaks": 1}}
    assert end["type"] == "error"
    assert end["payload"][0]["message"] == "Unexpected error."
    assert len(logged) == 1


async def test_complete_stops_a_subscription(client: Client, contexts: Contexts) -> None:
    await client.ask("subscription { endless }")
    await contexts.started.wait()
    await client.send({"id": "1", "type": "complete"})

    await asyncio.wait_for(contexts.stopped.wait(), 10)


async def test_a_lost_socket_stops_its_operations(address: str, contexts: Contexts) -> None:
    async with connected(address) as client:
        await client.ask("subscription { endless }")
        await client.ask("{ slow }", "2")
        await contexts.started.wait()

    await asyncio.wait_for(contexts.stopped.wait(), 10)


async def test_who_is_silent_is_asked_and_stays_if_it_answers(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "SECONDS_OF_SILENCE", 0.05)
    await client.ask("{ fruit { name } }")
    while (await client.hear())["type"] != "complete":
        pass

    for _ in range(5):
        assert await client.hear() == {"type": "ping"}
        await client.send({"type": "pong"})


async def test_who_does_not_answer_a_ping_is_cut_off(
    address: str, contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "SECONDS_OF_SILENCE", 0.05)
    async with connected(address) as client:
        await client.ask("subscription { endless }")

        assert await client.code_of_closing() == 4408
        await asyncio.wait_for(contexts.stopped.wait(), 10)


async def test_who_takes_nothing_is_cut_off(
    address: str, contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose buffers are full can't even be told so."""
    monkeypatch.setattr(socket, "SECONDS_OF_SILENCE", 0.1)
    monkeypatch.setattr(socket, "SECONDS_TO_CLOSE", 0.1)
    async with connected(address) as client:
        client.take_nothing()
        await client.ask("subscription { flood }")
        await contexts.started.wait()

        await asyncio.wait_for(contexts.stopped.wait(), 10)


async def test_ping_is_answered_at_any_time(address: str) -> None:
    async with connected(address, greet=False) as client:
        await client.send({"type": "ping"})
        assert await client.hear() == {"type": "pong"}
        await client.send({"type": "connection_init"})
        assert await client.hear() == {"type": "connection_ack"}
        await client.send({"type": "pong"})
        await client.send({"type": "ping", "payload": {}})
        assert await client.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("17", 4400),
        ('"x"', 4400),
        ("null", 4400),
        ("[]", 4400),
        ("{}", 4400),
        ("{", 4400),
        ("[" * 50_000, 4400),
        ('{"type": 1}', 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "id": 1, "payload": {"query": "{ number }"}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ number }"}}', 4400),
        ('{"type": "complete", "id": {}}', 4400),
        ('{"type": "ping", "payload": "\\ud800"}', 4400),
        (b"binary", 4400),
        ('{"type": "connection_init"}', 4429),
    ],
)
async def test_what_is_no_message_closes_the_socket_with_its_code(
    client: Client, message: str | bytes, code: int, logged: list[dict[str, Any]]
) -> None:
    await client.send_raw(message)

    assert await client.code_of_closing() == code
    assert logged == []


async def test_an_id_in_use_closes_the_socket(client: Client) -> None:
    await client.ask("subscription { endless }")
    await client.ask("subscription { endless }")

    assert await client.code_of_closing() == 4409


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "subscribe", "id": "1", "payload": {"query": "{ number }"}}, 4401),
        ({"type": "connection_init", "payload": 1}, 4400),
    ],
)
async def test_the_client_must_greet_first(address: str, message: object, code: int) -> None:
    async with connected(address, greet=False) as client:
        await client.send(message)

        assert await client.code_of_closing() == code


async def test_the_client_must_greet_soon(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "SECONDS_TO_INIT", 0.05)
    async with connected(address, greet=False) as client:
        assert await client.code_of_closing() == 4408


async def test_a_socket_runs_so_many_operations_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "MAX_OPERATIONS", 1)
    await client.ask("subscription { endless }", "1")
    await client.hear()
    await client.ask("{ number }", "2")

    assert (await client.hear())["type"] == "error"


@pytest.mark.parametrize("protocols", [None, [Subprotocol("graphql-ws")]])
async def test_no_other_protocol_is_spoken(
    address: str, protocols: list[Subprotocol] | None
) -> None:
    async with connect(f"ws://{address}/graphql", subprotocols=protocols, proxy=None) as connection:
        assert await Client(connection).code_of_closing() == 4406


async def test_a_page_of_another_site_is_turned_away(address: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(
            f"ws://{address}/graphql",
            subprotocols=[PROTOCOL],
            additional_headers={"Origin": "http://elsewhere.example"},
            proxy=None,
        ):
            pass

    assert refusal.value.response.status_code == 403


async def test_a_page_of_this_server_may_connect(address: str) -> None:
    async with connect(
        f"ws://{address}/graphql",
        subprotocols=[PROTOCOL],
        additional_headers={"Origin": f"http://{address}"},
        proxy=None,
    ) as connection:
        assert connection.subprotocol == PROTOCOL
