"""The engine was away for so long that nobody can tell any more what happened."""

import pytest

from tests.engine.conftest import Shop
from tests.engine.test_transitions import at_least, is_true

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_happened_in_a_gap_is_told_once_as_a_difference(shop: Shop) -> None:
    segment = await shop.active("VIPs", is_true("vip"))
    inner = await shop.segment("Inner", at_least("level", 10))
    outer = await shop.active("Outer", {"any": [{"segment": {"id": inner}}]})
    for who in ("stays", "goes", "is deleted", "is deleted past the program"):
        await shop.api.upsert(who, metadata={"vip": True, "level": 5})
    await shop.settled()
    async with shop.asleep():
        await shop.api.upsert("goes", metadata={"vip": False})
        for vip in (True, False, True):
            await shop.api.upsert("comes", metadata={"vip": vip})
        await shop.delete("is deleted")
        shop.api.database.customers.delete_one({"sourceId": "is deleted past the program"})
        await shop.edit(inner, filter=at_least("level", 3))
        new = await shop.active("New", at_least("level", 4))
        # As when they are too old, which MongoDB sees to itself.
        shop.api.database.client.config["system.preimages"].delete_many({})
    await shop.settled()
    await shop.api.upsert("stays", metadata={"level": 1})
    await shop.settled()

    assert sorted(await shop.log(segment)) == [
        ("ENTERED", "DEFINITION", "comes"),
        ("ENTERED", "LIVE", "goes"),
        ("ENTERED", "LIVE", "is deleted"),
        ("ENTERED", "LIVE", "is deleted past the program"),
        ("ENTERED", "LIVE", "stays"),
        ("LEFT", "DEFINITION", "goes"),
        ("LEFT", "DEFINITION", "is deleted"),
        ("LEFT", "DEFINITION", "is deleted past the program"),
    ]
    assert sorted(await shop.log(outer)) == [
        ("ENTERED", "DEFINITION", "goes"),
        ("ENTERED", "DEFINITION", "stays"),
        ("LEFT", "LIVE", "stays"),
    ]
    assert await shop.log(new) == [("LEFT", "LIVE", "stays")]
