"""The subscription `segmentTransitions`, over a WebSocket, with an engine at work."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engine.conftest import ShopWithEngine
from tests.websocket_client import WebSocketClient, open_websocket

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIBE = """
subscription($segmentIds: [ID!], $customer: CustomerRef, $after: String) {
  segmentTransitions(segmentIds: $segmentIds, customer: $customer, after: $after) {
    sequence cursor type customerSourceId
  }
}
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
