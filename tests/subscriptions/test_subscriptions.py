"""The subscription `segmentTransitions`, over a WebSocket, with an engine at work."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engine.conftest import ShopWithEngine
from tests.loyalty_client import CURSOR_QUERY
from tests.schema.lists.test_commands import start_profile
from tests.websocket_client import WebSocketClient, open_websocket

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIBE = """
subscription($segmentIds: [ID!], $customer: CustomerRef, $after: String) {
  segmentTransitions(segmentIds: $segmentIds, customer: $customer, after: $after) {
    sequence cursor type customerSourceId
  }
}
"""
SUBSCRIBE_TO_OBJECTS = """
subscription($segmentIds: [ID!], $after: String) {
  segmentTransitions(segmentIds: $segmentIds, after: $after) {
    customerSourceId customer { name } segment { name }
  }
}
"""
DELETE_CUSTOMER = """
mutation($customer: CustomerRef!) { customerDelete(customer: $customer) { deletedId } }
"""
VIP_FILTER = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}


@pytest_asyncio.fixture(loop_scope="module")
async def client(address: str) -> AsyncIterator[WebSocketClient]:
    async with open_websocket(address) as client:
        yield client


async def test_entering_and_leaving_is_sent_as_it_happens(
    shop: ShopWithEngine, client: WebSocketClient
) -> None:
    segment = await shop.create_active_segment("VIPs", VIP_FILTER)
    await client.subscribe(SUBSCRIBE, variables={"segmentIds": [segment]})
    for vip in (True, False):
        await shop.api.upsert("anna", metadata={"vip": vip})

    told = [(await client.receive())["payload"]["data"]["segmentTransitions"] for _ in range(2)]

    assert [(each["type"], each["customerSourceId"]) for each in told] == [
        ("ENTERED", "anna"),
        ("LEFT", "anna"),
    ]


async def test_what_a_burst_refers_to_is_read_in_batches(
    shop: ShopWithEngine, client: WebSocketClient
) -> None:
    segment = await shop.create_active_segment("Burst", VIP_FILTER)
    start = await shop.api.fetch(CURSOR_QUERY)
    rows = [
        {"sourceId": f"burst {number}", "name": f"Name {number}", "metadata": {"vip": True}}
        for number in range(250)
    ]
    await shop.api.bulk_upsert("customersUpsert", rows)
    await shop.wait_until_processed()
    await shop.api.fetch(DELETE_CUSTOMER, customer={"sourceId": "burst 7"})

    start_profile(shop.api.database)
    await client.subscribe(
        SUBSCRIBE_TO_OBJECTS, variables={"segmentIds": [segment], "after": start}
    )
    told = [
        (await client.receive())["payload"]["data"]["segmentTransitions"] for _ in range(len(rows))
    ]
    shop.api.database.command("profile", 0)

    assert {each["customerSourceId"]: each["customer"] for each in told} == {
        row["sourceId"]: None if row["sourceId"] == "burst 7" else {"name": row["name"]}
        for row in rows
    }
    assert {each["segment"]["name"] for each in told} == {"Burst"}
    reads_of_customers = {"op": "query", "ns": shop.api.database.customers.full_name}
    assert shop.api.database["system.profile"].count_documents(reads_of_customers) <= 10
