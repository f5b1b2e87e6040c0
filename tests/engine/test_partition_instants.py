"""The engine evaluates no customer at an instant before that of its partition."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.domain.progress import DefinitionChange
from app.services.engine import Engine
from app.store import Transaction
from app.store.definition_changes import DefinitionChanges
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


class RacingDefinitionChanges(DefinitionChanges):
    """Lets another worker record each definition change first, with an instant an hour earlier."""

    async def add(
        self, definition_changes: Sequence[DefinitionChange], transaction: Transaction
    ) -> None:
        known_revisions = {change.revision for change in await self.read_after(0)}
        for definition_change in definition_changes:
            if definition_change.revision not in known_revisions:
                earlier = definition_change.committed_at - timedelta(hours=1)
                row = {"position": definition_change.position, "positionAt": earlier}
                await self._collection.insert_one(
                    {"_id": definition_change.revision, **row, "gapPartitions": []}
                )
        await super().add(definition_changes, transaction)


async def test_all_workers_use_the_instant_that_the_first_of_them_has_recorded(
    shop_without_engine: ShopWithEngine,
) -> None:
    """Workers compute the instant of a definition change from the clocks that they have seen, which
    may differ after an election.
    """
    shop = shop_without_engine
    store = shop.api.services.store
    store.definition_changes = RacingDefinitionChanges(store._database)
    await shop.api.upsert("Ada")
    created_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)
    shop.api.database.customers.update_one({}, {"$set": {"createdAt": created_at}})
    shop.start_engine()
    await shop.wait_until_processed()

    is_new = {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT10M"}
    segment = await shop.create_active_segment("New", {"attribute": is_new})
    await shop.wait_until_processed()

    # At the recorded instant, an hour ago, Ada was yet to be created.
    assert [
        (transition.details.type.value, transition.details.at)
        for transition in await store.transitions.read_after(0, 10, segment_ids=[segment])
    ] == [
        ("ENTERED", created_at),
        ("LEFT", created_at + timedelta(minutes=10, milliseconds=1)),
    ]


async def test_partitions_that_another_worker_has_taken_over_record_no_lost_history(
    shop_without_engine: ShopWithEngine,
) -> None:
    store = shop_without_engine.api.services.store
    await Engine(store)._recover_from_lost_history("an owner without partitions", "lost")
    assert await store.definition_changes.read_after(0) == []
