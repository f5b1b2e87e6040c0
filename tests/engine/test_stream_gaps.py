"""The engine was stopped for longer than the oplog or the pre-images reach back."""

import pytest

from tests.engine.conftest import ShopWithEngine
from tests.engine.test_transitions import at_least_filter, is_true_filter

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_changes_in_a_gap_are_logged_once_as_a_difference(shop: ShopWithEngine) -> None:
    segment = await shop.create_active_segment("VIPs", is_true_filter("vip"))
    inner = await shop.create_segment("Inner", at_least_filter("level", 10))
    outer = await shop.create_active_segment("Outer", {"any": [{"segment": {"id": inner}}]})
    for who in ("stays", "goes", "is deleted", "is deleted past the program"):
        await shop.api.upsert(who, metadata={"vip": True, "level": 5})
    await shop.wait_until_processed()
    async with shop.engine_stopped():
        await shop.api.upsert("goes", metadata={"vip": False})
        for vip in (True, False, True):
            await shop.api.upsert("comes", metadata={"vip": vip})
        await shop.delete_customer("is deleted")
        shop.api.database.customers.delete_one({"sourceId": "is deleted past the program"})
        await shop.edit_segment(inner, filter=at_least_filter("level", 3))
        new = await shop.create_active_segment("New", at_least_filter("level", 4))
        # As MongoDB does when they are too old.
        shop.api.database.client.config["system.preimages"].delete_many({})
    await shop.wait_until_processed()
    await shop.api.upsert("stays", metadata={"level": 1})
    await shop.wait_until_processed()

    assert sorted(await shop.list_transitions(segment)) == [
        ("ENTERED", "DEFINITION", "comes"),
        ("ENTERED", "LIVE", "goes"),
        ("ENTERED", "LIVE", "is deleted"),
        ("ENTERED", "LIVE", "is deleted past the program"),
        ("ENTERED", "LIVE", "stays"),
        ("LEFT", "DEFINITION", "goes"),
        ("LEFT", "DEFINITION", "is deleted"),
        ("LEFT", "DEFINITION", "is deleted past the program"),
    ]
    assert sorted(await shop.list_transitions(outer)) == [
        ("ENTERED", "DEFINITION", "goes"),
        ("ENTERED", "DEFINITION", "stays"),
        ("LEFT", "LIVE", "stays"),
    ]
    assert await shop.list_transitions(new) == [("LEFT", "LIVE", "stays")]
