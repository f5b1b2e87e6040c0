"""The engine evaluates no customer at an instant before that of its partition."""

from datetime import datetime, timedelta

from tests.engine.conftest import ShopWithEngine
from tests.engine.test_poison_changes import partition_of_customers
from tests.engine.test_transitions import is_true_filter

CUSTOMERS = [f"customer {number}" for number in range(40)]


async def test_each_partition_continues_from_its_own_instant(
    shop_without_engine: ShopWithEngine,
) -> None:
    """After an election the clock of the new primary may be behind that of the old one, which has
    written one of the partitions.
    """
    segment = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    for source_id in CUSTOMERS:
        await shop_without_engine.api.upsert(source_id)
    shop_without_engine.start_engine()
    await shop_without_engine.wait_until_processed()
    where = partition_of_customers(shop_without_engine)
    ahead = where[CUSTOMERS[0]]
    async with shop_without_engine.engine_stopped():
        row = shop_without_engine.api.database.partitions.find_one({"_id": ahead})
        assert row
        later = row["positionAt"] + timedelta(hours=1)
        shop_without_engine.api.database.partitions.update_one(
            {"_id": ahead}, {"$set": {"positionAt": later}}
        )
    for source_id in CUSTOMERS:
        await shop_without_engine.api.upsert(source_id, metadata={"vip": True})
    await shop_without_engine.wait_until_processed()

    logged = await shop_without_engine.api.services.store.transitions.read_after(
        0, 1_000, segment_ids=[segment]
    )
    at: dict[str, datetime] = {
        transition.details.customer_source_id: transition.details.at for transition in logged
    }
    assert at.keys() == set(CUSTOMERS)
    assert len(set(where.values())) > 1
    for source_id, number in where.items():
        if number == ahead:
            assert at[source_id] == later
        else:
            assert at[source_id] < later
