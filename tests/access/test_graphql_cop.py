"""The requests of graphql-cop, a scanner of GraphQL servers: what each finds out."""

from typing import Any, NamedTuple

import pytest

from app.domain.api_keys import Role
from tests.access.conftest import KeyedApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPENAME = "query cop { __typename }"


class Scan(NamedTuple):
    """The options of a request, and the status and a part of the response to a caller with a key.

    graphql-cop accepts any media type, and so gets status 200 for an operation that is refused.
    """

    options: dict[str, Any]
    status: int
    part: str
    method: str = "POST"


def operation(document: str) -> dict[str, Any]:
    return {"json": {"query": document, "operationName": "cop"}}


SCANS = {
    "alias overloading": Scan(
        operation("query cop { " + " ".join(f"a{n}: __typename" for n in range(101)) + " }"),
        200,
        "more than 100 aliases",
    ),
    "field duplication": Scan(
        operation("query cop { " + "__typename " * 500 + "}"), 200, "more than 50 root fields"
    ),
    "directive overloading": Scan(
        operation("query cop { __typename " + "@aa" * 10 + " }"), 200, "Unknown directive '@aa'"
    ),
    "circular introspection": Scan(
        operation(
            "query cop { __schema { types "
            + "{ fields { type " * 4
            + "{ name }"
            + " } }" * 4
            + " } }"
        ),
        200,
        "Maximum introspection depth exceeded",
    ),
    "circular fragments": Scan(
        operation(
            "query cop { __schema { ...A } } fragment A on __Schema { __typename ...B }"
            " fragment B on __Schema { ...A }"
        ),
        200,
        "Cannot spread fragment 'A' within itself",
    ),
    "batch": Scan({"json": [{"query": TYPENAME}] * 10}, 422, "A batch is not supported"),
    "mutation by GET": Scan(
        {"params": {"query": "mutation cop { __typename }"}}, 405, "mutation by POST", "GET"
    ),
    "form by POST": Scan({"data": {"query": TYPENAME}}, 415, "as application/json"),
    "tracing": Scan(operation(TYPENAME), 200, '"extensions":{"cost":1}'),
    "unhandled error": Scan(
        operation("qwerty cop { abc }"), 200, '"extensions":{"code":"GRAPHQL_PARSE_FAILED"}'
    ),
    # With a key, these are services to the developer, and no faults.
    "query by GET": Scan({"params": {"query": TYPENAME}}, 200, '"__typename":"Query"', "GET"),
    "introspection": Scan(
        operation("query cop { __schema { types { name fields { name } } } }"), 200, '"__schema"'
    ),
    "suggestions of fields": Scan(
        operation("query cop { __schema { directive } }"), 200, "Did you mean 'directives'"
    ),
}


@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
async def test_a_scan_finds_nothing_that_may_not_be_known(keyed_api: KeyedApi, scan: Scan) -> None:
    client = keyed_api.api.http_client
    headers = await keyed_api.create_headers(Role.READ)

    response = await client.request(scan.method, "/graphql", headers=headers, **scan.options)
    refusal = await client.request(scan.method, "/graphql", **scan.options)

    assert (response.status_code, scan.part in response.text) == (scan.status, True), response.text
    assert "exception" not in response.text
    assert len(response.json().get("errors", ())) <= 1
    assert refusal.status_code == 401
    assert refusal.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_the_page_of_graphiql_tells_nothing_without_a_key(keyed_api: KeyedApi) -> None:
    page = await keyed_api.api.http_client.get("/graphql", headers={"Accept": "text/html"})

    assert "GraphiQL" in page.text
    assert "__schema" not in page.text
