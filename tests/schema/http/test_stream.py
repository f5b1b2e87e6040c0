"""Server-sent events, from a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import orjson
import pytest

from app.schema.http import GraphQLView, stream
from tests.schema.http.small import Contexts

EVENTS = "text/event-stream"


class Event(NamedTuple):
    name: str
    data: Any
    id: str | None = None


class Stream:
    """An answer as it comes in."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def block(self) -> dict[str, str]:
        """The fields up to the next empty line; a comment's name is empty."""
        fields: dict[str, str] = {}
        while line := await asyncio.wait_for(anext(self._lines), 10):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        return fields

    async def event(self) -> Event:
        fields = await self.block()
        data = fields["data"]
        return Event(fields["event"], orjson.loads(data) if data else None, fields.get("id"))

    async def all(self) -> list[Event]:
        events = [await self.event()]
        while events[-1].name != "complete":
            events.append(await self.event())
        with pytest.raises(StopAsyncIteration):
            await anext(self._lines)
        return events


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    base, headers = f"http://{address}", {"Accept": EVENTS}
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as http:
        yield http


@asynccontextmanager
async def asked(http: httpx.AsyncClient, query: str, **more: Any) -> AsyncIterator[Stream]:
    async with http.stream("POST", "/graphql/stream", json={"query": query, **more}) as response:
        yield Stream(response)


async def test_a_subscription_is_answered_event_by_event(http: httpx.AsyncClient) -> None:
    query, variables = "subscription ($to: Int!) { count(to: $to) }", {"to": 2}
    async with asked(http, query, variables=variables) as answer:
        assert answer.response.status_code == 200
        assert answer.response.headers["content-type"].startswith(EVENTS)
        assert await answer.all() == [
            Event("next", {"data": {"count": 0}}),
            Event("next", {"data": {"count": 1}}),
            Event("complete", None),
        ]


async def test_a_browser_s_event_source_asks_by_get(http: httpx.AsyncClient) -> None:
    asking = {"query": "subscription { count(to: 1) }"}
    async with http.stream("GET", "/graphql/stream", params=asking) as response:
        assert [event.data for event in await Stream(response).all()] == [
            {"data": {"count": 0}},
            None,
        ]


async def test_the_id_of_an_event_is_the_cursor_to_go_on_from(http: httpx.AsyncClient) -> None:
    async with asked(http, "subscription { places { cursor } }") as answer:
        assert [event.id for event in await answer.all()] == ["after-0", "after-1", None]


@pytest.mark.parametrize("query", ["{ fruit { name } }", 'mutation { plant(name: "a") { name } }'])
async def test_queries_and_mutations_are_answered_once(http: httpx.AsyncClient, query: str) -> None:
    async with asked(http, query) as answer:
        first, last = await answer.all()

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
    http: httpx.AsyncClient, query: str, code: str
) -> None:
    async with asked(http, query) as answer:
        first, last = await answer.all()

    assert first.data["errors"][0]["extensions"]["code"] == code
    assert "data" not in first.data
    assert last.name == "complete"


async def test_a_source_that_breaks_ends_masked(
    http: httpx.AsyncClient, logged: list[dict[str, Any]]
) -> None:
    async with asked(http, "subscription { breaks }") as answer:
        _, broken, _ = await answer.all()

    assert broken.data["errors"][0]["message"] == "Unexpected error."
    assert len(logged) == 1


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
    http: httpx.AsyncClient, sent: Any, status: int
) -> None:
    response = await http.post("/graphql/stream", **sent)

    assert response.status_code == status
    assert response.json()["errors"]


async def test_a_mutation_is_not_done_by_get(http: httpx.AsyncClient) -> None:
    asking = {"query": 'mutation { plant(name: "a") { name } }'}

    assert (await http.get("/graphql/stream", params=asking)).status_code == 405


async def test_at_graphql_itself_one_hears_where_to_subscribe(http: httpx.AsyncClient) -> None:
    asking = {"query": "subscription { count(to: 1) }"}
    response = await http.post("/graphql", json=asking, headers={"Accept": "application/json"})

    assert "/graphql/stream" in response.json()["errors"][0]["message"]


async def test_a_silent_stream_shows_that_it_lives(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SECONDS_OF_SILENCE", 0.05)
    async with asked(http, "subscription { endless }") as answer:
        assert (await answer.event()).data == {"data": {"endless": 1}}
        assert [await answer.block() for _ in range(3)] == [{"": ""}] * 3


async def test_who_goes_stops_the_subscription(http: httpx.AsyncClient, contexts: Contexts) -> None:
    async with asked(http, "subscription { endless }") as answer:
        await answer.event()

    await asyncio.wait_for(contexts.stopped.wait(), 10)


async def test_who_takes_nothing_is_cut_off(
    http: httpx.AsyncClient, contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SECONDS_TO_TAKE", 0.1)
    async with asked(http, "subscription { flood }"):
        await asyncio.wait_for(contexts.stopped.wait(), 10)


async def test_a_server_that_is_to_stop_cuts_all_off(
    http: httpx.AsyncClient, contexts: Contexts, view: GraphQLView
) -> None:
    async with asked(http, "subscription { endless }") as answer:
        await answer.event()
        view.end()

        with pytest.raises(StopAsyncIteration):
            await answer.block()
    await asyncio.wait_for(contexts.stopped.wait(), 10)
