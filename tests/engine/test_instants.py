"""A partition's customers are never settled earlier than the partition has come."""

from datetime import datetime, timedelta

from tests.engine.conftest import Shop
from tests.engine.test_setbacks import partitions
from tests.engine.test_transitions import is_true

CUSTOMERS = [f"customer {number}" for number in range(40)]


async def test_each_partition_goes_on_from_its_own_instant(alone: Shop) -> None:
    """As when the clock of a new primary is behind the old one's, by which one partition was
    written and the others were not."""
    segment = await alone.active("VIPs", is_true("vip"))
    for source_id in CUSTOMERS:
        await alone.api.upsert(source_id)
    alone.wake()
    await alone.settled()
    where = partitions(alone)
    ahead = where[CUSTOMERS[0]]
    async with alone.asleep():
        row = alone.api.database.partitions.find_one({"_id": ahead})
        assert row
        later = row["at"] + timedelta(hours=1)
        alone.api.database.partitions.update_one({"_id": ahead}, {"$set": {"at": later}})
    for source_id in CUSTOMERS:
        await alone.api.upsert(source_id, metadata={"vip": True})
    await alone.settled()

    told = await alone.api.services.store.transitions.after(0, 1_000, segment_ids=[segment])
    at: dict[str, datetime] = {each.crossing.customer_source_id: each.crossing.at for each in told}
    assert at.keys() == set(CUSTOMERS)
    assert len(set(where.values())) > 1
    for source_id, number in where.items():
        if number == ahead:
            assert at[source_id] == later
        else:
            assert at[source_id] < later
