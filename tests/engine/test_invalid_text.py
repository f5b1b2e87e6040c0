"""Invalid UTF-8, written directly to MongoDB."""

from datetime import UTC, datetime

import pytest
from bson import ObjectId, encode
from bson.raw_bson import RawBSONDocument

from tests.engine.conftest import ShopWithEngine, wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMED = {"attribute": {"path": "name", "operator": "STARTS_WITH", "value": "A"}}


async def test_a_name_with_invalid_utf8_is_decoded_with_replacements(shop: ShopWithEngine) -> None:
    named = await shop.create_active_segment("Named", NAMED)
    await shop.wait_until_processed()
    now = datetime.now(UTC)
    profile = {"sourceId": "broken", "createdAt": now, "updatedAt": now, "version": 1}
    good = encode({"_id": ObjectId(), **profile, "name": "Axxx"})
    broken = RawBSONDocument(good.replace(b"Axxx", b"A\xff\xfex"))
    shop.api.database.get_collection("customers").insert_one(broken)
    await shop.api.upsert("ann", name="Ann")
    await wait_until(lambda: shop.has_transitions(named, 2))

    assert [who for _, _, who in await shop.list_transitions(named)] == ["broken", "ann"]
    page = await shop.api.fetch("{ customers(first: 10) { nodes { sourceId name } } }")
    assert {"sourceId": "broken", "name": "A\ufffd\ufffdx"} in page["nodes"]
    membership = (
        'query($id: ID!) { segmentMembership(customer: {sourceId: "broken"}, segmentIds: [$id])'
        " { isMember } }"
    )
    assert await shop.api.fetch(membership, id=named) == [{"isMember": True}]
    status = await shop.api.fetch("{ engineStatus { lastError { message } } }")
    assert status["lastError"] is None
