"""segmentTransitions, subscribed to: over the socket of a real server, from a real engine."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engine.conftest import Shop
from tests.sockets import Client, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIBE = """
subscription($segmentIds: [ID!], $customer: CustomerRef, $after: String) {
  segmentTransitions(segmentIds: $segmentIds, customer: $customer, after: $after) {
    sequence cursor type customerSourceId
  }
}
"""
VIP = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}


@pytest_asyncio.fixture(loop_scope="module")
async def client(address: str) -> AsyncIterator[Client]:
    async with connected(address) as client:
        yield client


async def test_who_enters_and_leaves_is_told_as_it_happens(shop: Shop, client: Client) -> None:
    segment = await shop.active("VIPs", VIP)
    await client.ask(SUBSCRIBE, variables={"segmentIds": [segment]})
    for vip in (True, False):
        await shop.api.upsert("anna", metadata={"vip": vip})

    told = [(await client.hear())["payload"]["data"]["segmentTransitions"] for _ in range(2)]

    assert [(each["type"], each["customerSourceId"]) for each in told] == [
        ("ENTERED", "anna"),
        ("LEFT", "anna"),
    ]
