"""Server-sent events, from a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import orjson
import pytest

from app import watched_transport
from app.schema.http import GraphQLView, event_stream
from tests.patience import PATIENCE_SECONDS
from tests.schema.http.fruit_schema import ContextFactory

EVENTS = "text/event-stream"


class SseEvent(NamedTuple):
    name: str
    data: Any
    id: str | None = None


class SseStream:
    """A streamed response."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def read_block(self) -> dict[str, str]:
        """Returns the fields up to the next empty line. A comment has an empty name."""
        fields: dict[str, str] = {}
        while line := await asyncio.wait_for(anext(self._lines), PATIENCE_SECONDS):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        return fields

    async def read_event(self) -> SseEvent:
        fields = await self.read_block()
        data = fields["data"]
        return SseEvent(fields["event"], orjson.loads(data) if data else None, fields.get("id"))

    async def read_all_events(self) -> list[SseEvent]:
        events = [await self.read_event()]
        while events[-1].name != "complete":
            events.append(await self.read_event())
        with pytest.raises(StopAsyncIteration):
            await anext(self._lines)
        return events


@pytest.fixture
async def http_client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    base, headers = f"http://{address}", {"Accept": EVENTS}
    # Without the certificates, which take longer to load than most tests.
    async with httpx.AsyncClient(
        base_url=base, headers=headers, trust_env=False, verify=False
    ) as client:
        yield client


@asynccontextmanager
async def open_sse_stream(
    http: httpx.AsyncClient, query: str, **payload_fields: Any
) -> AsyncIterator[SseStream]:
    async with http.stream(
        "POST", "/graphql/stream", json={"query": query, **payload_fields}
    ) as response:
        yield SseStream(response)


async def test_a_subscription_is_answered_event_by_event(http_client: httpx.AsyncClient) -> None:
    query, variables = "subscription ($to: Int!) { count(to: $to) }", {"to": 2}
    async with open_sse_stream(http_client, query, variables=variables) as answer:
        assert answer.response.status_code == 200
        assert answer.response.headers["content-type"].startswith(EVENTS)
        assert await answer.read_all_events() == [
            SseEvent("next", {"data": {"count": 0}}),
            SseEvent("next", {"data": {"count": 1}}),
            SseEvent("complete", None),
        ]


async def test_a_browser_s_event_source_asks_by_get(http_client: httpx.AsyncClient) -> None:
    asking = {"query": "subscription { count(to: 1) }"}
    async with http_client.stream("GET", "/graphql/stream", params=asking) as response:
        assert [event.data for event in await SseStream(response).read_all_events()] == [
            {"data": {"count": 0}},
            None,
        ]


async def test_the_id_of_an_event_is_the_cursor_to_go_on_from(
    http_client: httpx.AsyncClient,
) -> None:
    async with open_sse_stream(http_client, "subscription { places { cursor } }") as answer:
        assert [event.id for event in await answer.read_all_events()] == [
            "after-0",
            "after-1",
            None,
        ]


@pytest.mark.parametrize("query", ["{ fruit { name } }", 'mutation { plant(name: "a") { name } }'])
async def test_queries_and_mutations_are_answered_once(
    http_client: httpx.AsyncClient, query: str
) -> None:
    async with open_sse_stream(http_client, query) as answer:
        first, last = await answer.read_all_events()

    assert "data" in first.data
    assert last.name == "complete"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { count(", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($to: Int!) { count(to: $to) }", "BAD_REQUEST"),
        ("subscription { refuses }", "BAD_REQUEST"),
    ],
)
async def test_what_can_t_be_run_says_so_in_an_event(
    http_client: httpx.AsyncClient, query: str, code: str
) -> None:
    async with open_sse_stream(http_client, query) as answer:
        first, last = await answer.read_all_events()

    assert first.data["errors"][0]["extensions"]["code"] == code
    assert "data" not in first.data
    assert last.name == "complete"


async def test_a_source_that_breaks_ends_masked(
    http_client: httpx.AsyncClient, log_entries: list[dict[str, Any]]
) -> None:
    async with open_sse_stream(http_client, "subscription { breaks }") as answer:
        _, broken, _ = await answer.read_all_events()

    assert broken.data["errors"][0]["message"] == "Unexpected error."
    assert len(log_entries) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"query", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"json": {"query": "{ fruit { name } }"}, "headers": {"Accept": "text/html"}}, 406),
        ({"json": {"query": "{ a }" + " " * 200_000}}, 413),
    ],
)
async def test_what_is_no_request_is_refused_as_http_does(
    http_client: httpx.AsyncClient, sent: Any, status: int
) -> None:
    response = await http_client.post("/graphql/stream", **sent)

    assert response.status_code == status
    assert response.json()["errors"]


async def test_a_mutation_is_not_done_by_get(http_client: httpx.AsyncClient) -> None:
    asking = {"query": 'mutation { plant(name: "a") { name } }'}

    assert (await http_client.get("/graphql/stream", params=asking)).status_code == 405


async def test_at_graphql_itself_one_hears_where_to_subscribe(
    http_client: httpx.AsyncClient,
) -> None:
    asking = {"query": "subscription { count(to: 1) }"}
    response = await http_client.post(
        "/graphql", json=asking, headers={"Accept": "application/json"}
    )

    assert "/graphql/stream" in response.json()["errors"][0]["message"]


async def test_a_silent_stream_shows_that_it_lives(
    http_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "KEEPALIVE_INTERVAL_SECONDS", 0.05)
    async with open_sse_stream(http_client, "subscription { endless }") as answer:
        assert (await answer.read_event()).data == {"data": {"endless": 1}}
        assert [await answer.read_block() for _ in range(3)] == [{"": ""}] * 3


async def test_who_goes_stops_the_subscription(
    http_client: httpx.AsyncClient, context_factory: ContextFactory
) -> None:
    async with open_sse_stream(http_client, "subscription { endless }") as answer:
        await answer.read_event()

    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_a_client_that_reads_nothing_is_disconnected(
    http_client: httpx.AsyncClient, context_factory: ContextFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_transport, "WRITE_TIMEOUT_SECONDS", 0.1)
    async with open_sse_stream(http_client, "subscription { flood }"):
        await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_a_server_that_is_to_stop_tells_clients_to_come_back(
    http_client: httpx.AsyncClient, context_factory: ContextFactory, view: GraphQLView
) -> None:
    async with open_sse_stream(http_client, "subscription { endless }") as answer:
        await answer.read_event()
        view.stop()

        (retry,) = (await answer.read_block()).items()
        assert retry[0] == "retry"
        assert 500 <= int(retry[1]) <= 2_500
        # Without `complete`: the client resumes.
        with pytest.raises(StopAsyncIteration):
            await answer.read_block()
    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


async def test_a_stream_ends_when_its_key_becomes_invalid(
    http_client: httpx.AsyncClient, context_factory: ContextFactory
) -> None:
    async with open_sse_stream(http_client, "subscription { endless }") as answer:
        await answer.read_event()
        context_factory.invalid.set()

        # Without `complete`: the client connects again, and learns from the status that it may not.
        with pytest.raises(StopAsyncIteration):
            await answer.read_block()
    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)
