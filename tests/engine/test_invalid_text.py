"""Bytes that are no UTF-8, written past the program."""

from datetime import UTC, datetime

import pytest
from bson import ObjectId, encode
from bson.raw_bson import RawBSONDocument

from tests.engine.conftest import Shop, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMED = {"attribute": {"path": "name", "operator": "STARTS_WITH", "value": "A"}}


async def test_a_name_that_is_no_utf8_is_read_as_well_as_it_can_be(shop: Shop) -> None:
    named = await shop.active("Named", NAMED)
    await shop.settled()
    now = datetime.now(UTC)
    profile = {"sourceId": "broken", "createdAt": now, "updatedAt": now, "version": 1}
    good = encode({"_id": ObjectId(), **profile, "name": "Axxx"})
    broken = RawBSONDocument(good.replace(b"Axxx", b"A\xff\xfex"))
    shop.api.database.get_collection("customers").insert_one(broken)
    await shop.api.upsert("ann", name="Ann")
    await until(lambda: shop.has(named, 2))

    assert [who for _, _, who in await shop.log(named)] == ["broken", "ann"]
    page = await shop.api.ask("{ customers(first: 10) { nodes { sourceId name } } }")
    assert {"sourceId": "broken", "name": "A\ufffd\ufffdx"} in page["nodes"]
    membership = (
        'query($id: ID!) { segmentMembership(customer: {sourceId: "broken"}, segmentIds: [$id])'
        " { isMember } }"
    )
    assert await shop.api.ask(membership, id=named) == [{"isMember": True}]
    status = await shop.api.ask("{ engineStatus { lastError { message } } }")
    assert status["lastError"] is None
