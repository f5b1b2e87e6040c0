"""gql, the GraphQL client of Python, uses the API with a key."""

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.client_libraries.conftest import SEGMENT_NAME, TRANSITIONS, LibraryTarget

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEGMENT = "query ($id: ID!) { segment(id: $id) { name } }"
UPSERT_CUSTOMER = (
    "mutation ($input: CustomerInput!) { customerUpsert(input: $input) { customer { sourceId } } }"
)
FOLLOW_TRANSITIONS = (
    "subscription ($segmentIds: [ID!], $after: String)"
    " { segmentTransitions(segmentIds: $segmentIds, after: $after) { type customerSourceId } }"
)
LIST_TRANSITIONS = '{ segmentTransitions(after: "invalid") { nodes { id } } }'


def create_client(target: LibraryTarget, transport_name: str) -> Client:
    """Returns a client that checks operations with the schema, which it reads from the API."""
    authorization = {"Authorization": f"Bearer {target.key}"}
    transport: HTTPXAsyncTransport | WebsocketsTransport = (
        HTTPXAsyncTransport(target.url, headers=authorization)
        if transport_name == "HTTP"
        else WebsocketsTransport(target.socket_url, init_payload=authorization)
    )
    return Client(transport=transport, fetch_schema_from_transport=True)


@pytest.mark.parametrize("transport_name", ["HTTP", "WebSocket"])
async def test_gql_queries_and_mutates(target: LibraryTarget, transport_name: str) -> None:
    customer = {"sourceId": f"gql over {transport_name}"}
    async with create_client(target, transport_name) as session:
        found = await session.execute(
            GraphQLRequest(SEGMENT, variable_values={"id": target.segment_id})
        )
        written = await session.execute(
            GraphQLRequest(UPSERT_CUSTOMER, variable_values={"input": customer})
        )
        with pytest.raises(TransportQueryError) as refusal:
            await session.execute(GraphQLRequest(LIST_TRANSITIONS))

    assert found == {"segment": {"name": SEGMENT_NAME}}
    assert written == {"customerUpsert": {"customer": customer}}
    assert refusal.value.errors
    assert refusal.value.errors[0]["extensions"]["code"] == "BAD_REQUEST"


async def test_gql_subscribes(target: LibraryTarget) -> None:
    variables = {"segmentIds": [target.segment_id], "after": target.cursor}
    transitions = []
    async with create_client(target, "WebSocket") as session:
        async for result in session.subscribe(
            GraphQLRequest(FOLLOW_TRANSITIONS, variable_values=variables)
        ):
            transition = result["segmentTransitions"]
            transitions.append([transition["type"], transition["customerSourceId"]])
            if len(transitions) == len(TRANSITIONS):
                break

    assert transitions == TRANSITIONS
