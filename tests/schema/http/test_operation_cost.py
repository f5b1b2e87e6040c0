"""The cost of an operation: in `extensions.cost`, and refused before anything runs."""

from typing import Any

import httpx
import pytest

from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.conftest import GRAPHQL, execute
from tests.schema.http.fruit_schema import ContextFactory, schema
from tests.websocket_client import open_websocket

NESTED = "query ($a: Int!, $b: Int = 20) { fruit { neighbours(first: $a) { ...N } } }\
 fragment N on Fruit { ... { neighbours(first: $b) { name } } taste }"

COMPUTING_PLACES = "subscription { places { compute(seconds: 0.02) } }"

COSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "one value": ("{ number }", {}, 1),
    "values": ("{ fruit { name weight } }", {}, 3),
    "a JSON value": ("{ echo(value: 1) }", {}, 2),
    "points of a field": ("{ fruit { taste name } }", {}, 103),
    "points of an alias": ("{ fruit { taste again: taste } }", {}, 203),
    "a page": ("{ fruit { neighbours(first: 10) { taste } } }", {}, 1 + 10 * 102),
    "the default page": ("{ fruit { neighbours { name } } }", {}, 1 + 50 * 2),
    "the least items": ("{ fruit { prices } }", {}, 1 + 1_000),
    "pages of pages": (NESTED, {"a": 3, "b": 5}, 1 + 3 * (1 + 5 * 2 + 101)),
    "a page by default": (NESTED, {"a": 3}, 1 + 3 * (1 + 20 * 2 + 101)),
    "a page of null": (NESTED, {"a": 3, "b": None}, 1 + 3 * (1 + 50 * 2 + 101)),
    "elements": ('{ countWords(words: ["a", "b"]) }', {}, 21),
    "elements in a variable": (
        "query ($w: [String!]!) { countWords(words: $w) }",
        {"w": ["a", "b", "c"]},
        31,
    ),
    "objects": ("{ countObjects(value: {a: [{b: 1}, 2, {c: {}}], d: null}) }", {}, 41),
    "objects in a variable": (
        "query ($v: JSON!) { countObjects(value: $v) }",
        {"v": {"a": [{"b": 1}, [{"c": 2}]]}},
        31,
    ),
    "objects in a variable inside of objects": (
        "query ($v: JSON!) { countObjects(value: {a: [$v, {b: $v}]}) }",
        {"v": {"c": [{}]}},
        61,
    ),
    "no objects": ("query ($v: JSON!) { countObjects(value: $v) }", {"v": [1]}, 1),
}


@pytest.mark.parametrize(("query", "variables", "cost"), COSTS.values(), ids=COSTS)
async def test_the_cost_is_in_the_answer(
    client: httpx.AsyncClient,
    context_factory: ContextFactory,
    query: str,
    variables: dict[str, Any],
    cost: int,
) -> None:
    answer = await execute(client, query, **variables)

    assert answer.json()["extensions"] == {"cost": cost}
    assert context_factory.spent_points == cost


async def test_each_kib_of_a_large_request_costs_four_points(client: httpx.AsyncClient) -> None:
    query = "query ($w: JSON!) { echo(value: $w) }"
    costs = []
    for kib in (1, 31, 33, 83):
        answer = await execute(client, query, w="x" * kib * 1024)
        costs.append(answer.json()["extensions"]["cost"])

    assert costs[:2] == [2, 2]
    assert 2 + 4 <= costs[2] < 2 + 8
    assert costs[3] - costs[2] == 200


async def test_the_time_of_threads_beyond_the_cost_is_charged(
    client: httpx.AsyncClient, context_factory: ContextFactory
) -> None:
    """A point is 10 microseconds."""
    answer = await execute(client, "{ a: compute(seconds: 0.05) b: compute(seconds: 0.05) }")

    extensions = answer.json()["extensions"]
    assert extensions["cost"] == 2
    assert 10_000 - 2 <= extensions["extraCost"] < 15_000
    assert context_factory.charged_points == extensions["extraCost"]


async def test_the_time_of_a_refusal_is_charged(
    client: httpx.AsyncClient, context_factory: ContextFactory
) -> None:
    answer = await execute(client, "{ " + "number " * 1_900 + " nope }")

    assert answer.status_code == 422
    assert context_factory.spent_points == 0
    assert context_factory.charged_points >= 100


async def test_the_time_for_the_events_of_a_socket_is_charged(
    address: str, context_factory: ContextFactory
) -> None:
    async with open_websocket(address) as socket:
        await socket.subscribe(COMPUTING_PLACES)
        assert [(await socket.receive())["type"] for _ in range(3)] == ["next", "next", "complete"]

    assert context_factory.charged_points >= 2 * 2_000 - context_factory.spent_points


async def test_the_time_for_the_events_of_a_stream_is_charged(
    address: str, context_factory: ContextFactory
) -> None:
    headers = {"Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client:
        response = await client.post("/graphql/stream", json={"query": COMPUTING_PLACES})

    assert response.text.count('"compute":true') == 2
    assert context_factory.charged_points >= 2 * 2_000 - context_factory.spent_points


async def test_the_cost_pays_for_the_time_of_threads(
    client: httpx.AsyncClient, context_factory: ContextFactory
) -> None:
    query = "{ compute(seconds: 0.02) fruit { neighbours(first: 100) { taste } } }"
    answer = await execute(client, query)

    assert answer.json()["extensions"] == {"cost": 10_202}
    assert context_factory.charged_points == 0


@pytest.mark.parametrize(
    ("query", "variables", "largest_part"),
    [
        (
            "query ($a: Int!) { fruit { neighbours(first: $a) { taste name } } }",
            {"a": 40},
            "4,000 points are for Fruit.taste: request Fruit.taste less often",
        ),
        (
            "{ fruit { neighbours { neighbours { name } } } }",
            {},
            "5,051 points are for values of the result: request fewer fields or smaller pages",
        ),
        (
            "query ($w: JSON!) { echo(value: $w) }",
            {"w": "x" * 600 * 1024},
            "points are for the bytes of the request: send less at once",
        ),
    ],
)
async def test_a_cost_above_the_limit_is_refused_before_anything_runs(
    context_factory: ContextFactory, query: str, variables: dict[str, Any], largest_part: str
) -> None:
    settings = Settings(_env_file=None, max_operation_cost=2_000)  # type: ignore[call-arg]
    transport = httpx.ASGITransport(GraphQLView(schema, settings, context_factory.open_session))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://door", headers={"Accept": GRAPHQL}
    ) as client:
        answer = await execute(client, query, **variables)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert error["extensions"]["cost"] > 2_000
    assert "the limit is 2,000" in error["message"]
    assert largest_part in error["message"]
    assert context_factory.context_count == context_factory.spent_points == 0
