"""graphql-transport-ws between a real client and a real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.schema.http import graphql_transport_ws
from tests.patience import PATIENCE_SECONDS
from tests.schema.http.fruit_schema import ContextFactory
from tests.websocket_client import WebSocketClient, open_websocket


@pytest.fixture
async def client(address: str) -> AsyncIterator[WebSocketClient]:
    async with open_websocket(address) as client:
        yield client


async def test_a_subscription_is_answered_event_by_event(client: WebSocketClient) -> None:
    await client.subscribe("subscription ($to: Int!) { count(to: $to) }", variables={"to": 2})

    assert [await client.receive() for _ in range(3)] == [
        {"id": "1", "type": "next", "payload": {"data": {"count": 0}}},
        {"id": "1", "type": "next", "payload": {"data": {"count": 1}}},
        {"id": "1", "type": "complete"},
    ]


@pytest.mark.parametrize("query", ["{ fruit { name } }", 'mutation { plant(name: "a") { name } }'])
async def test_queries_and_mutations_run_here_too(client: WebSocketClient, query: str) -> None:
    await client.subscribe(query)

    assert (await client.receive())["type"] == "next"
    assert await client.receive() == {"id": "1", "type": "complete"}


async def test_each_operation_and_each_event_has_a_context_of_its_own(
    client: WebSocketClient,
) -> None:
    await client.subscribe("subscription { contexts { source event } }")
    seen = [(await client.receive())["payload"]["data"]["contexts"] for _ in range(2)]
    await client.receive()
    await client.subscribe("{ number }")

    assert seen == [{"source": 1, "event": 2}, {"source": 1, "event": 3}]
    assert (await client.receive())["payload"] == {"data": {"number": 4}, "extensions": {"cost": 1}}


async def test_what_connection_init_brought_is_in_every_context(client: WebSocketClient) -> None:
    await client.subscribe("{ init }")

    assert (await client.receive())["payload"] == {
        "data": {"init": {"authorization": "Bearer K"}},
        "extensions": {"cost": 2},
    }


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
    client: WebSocketClient, payload: object, code: str
) -> None:
    await client.subscribe("subscription { endless }", "other")
    await client.receive()
    await client.send({"id": "1", "type": "subscribe", "payload": payload})
    refusal = await client.receive()
    await client.subscribe("{ fruit { name } }", "1")

    assert (refusal["id"], refusal["type"]) == ("1", "error")
    assert refusal["payload"][0]["extensions"]["code"] == code
    assert (await client.receive())["payload"] == {
        "data": {"fruit": {"name": "apple"}},
        "extensions": {"cost": 2},
    }


async def test_a_source_that_breaks_ends_its_operation_masked(
    client: WebSocketClient, log_entries: list[dict[str, Any]]
) -> None:
    await client.subscribe("subscription { breaks }")
    event, end = await client.receive(), await client.receive()

    assert event["payload"] == {"data": {"breaks": 1}}
    assert end["type"] == "error"
    assert end["payload"][0]["message"] == "Unexpected error."
    assert len(log_entries) == 1


async def test_complete_stops_a_subscription(
    client: WebSocketClient, context_factory: ContextFactory
) -> None:
    await client.subscribe("subscription { endless }")
    await context_factory.started.wait()
    await client.send({"id": "1", "type": "complete"})

    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_a_lost_socket_stops_its_operations(
    address: str, context_factory: ContextFactory
) -> None:
    async with open_websocket(address) as client:
        await client.subscribe("subscription { endless }")
        await client.subscribe("{ slow }", "2")
        await context_factory.started.wait()

    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_who_is_silent_is_asked_and_stays_if_it_answers(
    client: WebSocketClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_transport_ws, "PING_INTERVAL_SECONDS", 0.05)
    await client.subscribe("{ fruit { name } }")
    while (await client.receive())["type"] != "complete":
        pass

    for _ in range(5):
        assert await client.receive() == {"type": "ping"}
        await client.send({"type": "pong"})


async def test_who_does_not_answer_a_ping_is_cut_off(
    address: str, context_factory: ContextFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_transport_ws, "PING_INTERVAL_SECONDS", 0.05)
    async with open_websocket(address) as client:
        await client.subscribe("subscription { endless }")

        assert await client.wait_for_close_code() == 4408
        await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_a_client_that_reads_nothing_is_disconnected(
    address: str, context_factory: ContextFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client with full buffers can't receive the close message."""
    monkeypatch.setattr(graphql_transport_ws, "PING_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(graphql_transport_ws, "CLOSE_TIMEOUT_SECONDS", 0.1)
    async with open_websocket(address) as client:
        client.pause_reading()
        await client.subscribe("subscription { flood }")
        await context_factory.started.wait()

        await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_ping_is_answered_at_any_time(address: str) -> None:
    async with open_websocket(address, initialize=False) as client:
        await client.send({"type": "complete", "id": "1"})
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
        await client.send({"type": "connection_init"})
        assert await client.receive() == {"type": "connection_ack"}
        await client.send({"type": "pong"})
        await client.send({"type": "ping", "payload": {}})
        assert await client.receive() == {"type": "pong"}


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
        ('{"type": "%s"}' % ("😀" * 100), 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "id": 1, "payload": {"query": "{ number }"}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ number }"}}', 4400),
        ('{"type": "complete", "id": {}}', 4400),
        ('{"type": "complete", "id": ""}', 4400),
        ('{"type": "ping", "payload": 1}', 4400),
        ('{"type": "ping", "payload": "\\ud800"}', 4400),
        (b"binary", 4400),
        ('{"type": "connection_init"}', 4429),
    ],
)
async def test_what_is_no_message_closes_the_socket_with_its_code(
    client: WebSocketClient, message: str | bytes, code: int, log_entries: list[dict[str, Any]]
) -> None:
    await client.send_raw(message)

    assert await client.wait_for_close_code() == code
    assert log_entries == []


@pytest.mark.parametrize("id_", ["1", "😀" * 100])
async def test_an_id_in_use_closes_the_socket(client: WebSocketClient, id_: str) -> None:
    await client.subscribe("subscription { endless }", id_)
    await client.subscribe("subscription { endless }", id_)

    assert await client.wait_for_close_code() == 4409


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "subscribe", "id": "1", "payload": {"query": "{ number }"}}, 4401),
        ({"type": "subscribe", "payload": {"query": "{ number }"}}, 4400),
        ({"type": "nonsense"}, 4400),
        ({"type": "connection_init", "payload": 1}, 4400),
    ],
)
async def test_the_client_must_greet_first(address: str, message: object, code: int) -> None:
    async with open_websocket(address, initialize=False) as client:
        await client.send(message)

        assert await client.wait_for_close_code() == code


async def test_the_client_must_greet_soon(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_transport_ws, "INIT_TIMEOUT_SECONDS", 0.05)
    async with open_websocket(address, initialize=False) as client:
        assert await client.wait_for_close_code() == 4408


async def test_a_socket_runs_so_many_operations_at_once(
    client: WebSocketClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_transport_ws, "MAX_OPERATIONS_PER_CONNECTION", 1)
    await client.subscribe("subscription { endless }", "1")
    await client.receive()
    await client.subscribe("{ number }", "2")

    assert (await client.receive())["type"] == "error"


@pytest.mark.parametrize("protocols", [None, [Subprotocol("graphql-ws")]])
async def test_no_other_protocol_is_spoken(
    address: str, protocols: list[Subprotocol] | None
) -> None:
    async with connect(f"ws://{address}/graphql", subprotocols=protocols, proxy=None) as connection:
        assert await WebSocketClient(connection).wait_for_close_code() == 4406


async def test_a_wrong_key_gets_no_session(address: str) -> None:
    async with open_websocket(address, initialize=False) as client:
        await client.send({"type": "connection_init", "payload": {"authorization": "wrong"}})

        assert await client.wait_for_close_code() == 4403


async def test_a_socket_is_closed_when_its_key_becomes_invalid(
    client: WebSocketClient, context_factory: ContextFactory
) -> None:
    await client.subscribe("subscription { endless }")
    await client.receive()
    context_factory.invalid.set()

    assert await client.wait_for_close_code() == 4403
    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)
