"""Several workers share the partitions of one database."""

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bson import ObjectId

from tests.api import Documents
from tests.engine.conftest import Json, ShopWithEngine, wait_until
from tests.engine.model.cluster import WorkerProcess
from tests.engine.test_poison_changes import partition_of_customers
from tests.engine.test_transitions import is_true_filter

# Enough that every partition has customers.
_CUSTOMERS = 80
# More than the engine reads before it has evaluated the first of them.
MANY_CUSTOMERS = 8_000
CUSTOMERS_PER_CALL = 1_000


def partitions_by_owner(database: Documents) -> list[list[int]]:
    """Returns the partitions of each worker."""
    stages: list[Json] = [
        {"$match": {"owner": {"$ne": ""}}},
        {"$group": {"_id": "$owner", "held": {"$push": "$_id"}}},
    ]
    return [row["held"] for row in database.partitions.aggregate(stages)]


async def are_partitions_shared(database: Documents) -> bool:
    """Whether each of two workers has half of the partitions."""
    return [len(partitions) for partitions in partitions_by_owner(database)] == [8, 8]


async def test_workers_share_partitions_and_take_over_those_of_another(
    shop_without_engine: ShopWithEngine, tmp_path: Path
) -> None:
    database = shop_without_engine.api.database
    workers = [
        WorkerProcess(tmp_path / f"{n}", n, shop_without_engine.api.settings) for n in range(2)
    ]
    segment = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))

    async def enter(who: str) -> None:
        rows = [
            {"sourceId": f"{who} {number}", "metadata": {"vip": True}}
            for number in range(_CUSTOMERS)
        ]
        await shop_without_engine.api.bulk_upsert("customersUpsert", rows)

    try:
        for worker in workers:
            worker.start()
        await wait_until(lambda: are_partitions_shared(database))
        await enter("both")
        await wait_until(lambda: shop_without_engine.has_transitions(segment, _CUSTOMERS))
        pid = workers[0].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        await enter("one")
        await wait_until(lambda: shop_without_engine.has_transitions(segment, 2 * _CUSTOMERS))
        print(f"taken over after {time.monotonic() - began:.1f} s")
    finally:
        for worker in workers:
            worker.stop()

    log = await shop_without_engine.list_transitions(segment)
    assert len(log) == len(set(log)) == 2 * _CUSTOMERS


async def test_all_workers_process_the_drop_of_the_customers(
    shop_without_engine: ShopWithEngine,
) -> None:
    """The event of a dropped collection has no customer, so it belongs to no partition."""
    api, database = shop_without_engine.api, shop_without_engine.api.database
    vips = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    names = [f"{number}" for number in range(_CUSTOMERS)]
    await api.bulk_upsert(
        "customersUpsert", [{"sourceId": n, "metadata": {"vip": True}} for n in names]
    )
    workers = [ShopWithEngine(api), ShopWithEngine(api)]
    try:
        for worker in workers:
            worker.start_engine()
        await wait_until(lambda: are_partitions_shared(database))
        await wait_until(lambda: shop_without_engine.has_transitions(vips, _CUSTOMERS))
        database.customers.drop()
        await wait_until(lambda: shop_without_engine.has_transitions(vips, 2 * _CUSTOMERS))
        await api.upsert("new", metadata={"vip": True})
        await api.upsert("new", metadata={"vip": False})
        await shop_without_engine.wait_until_processed()
    finally:
        await asyncio.gather(*(worker.stop_engine() for worker in workers))

    *dropped, entered, left = (await shop_without_engine.list_transitions(vips))[_CUSTOMERS:]
    assert sorted(dropped) == sorted(("LEFT", "DEFINITION", name) for name in names)
    assert (entered, left) == (("ENTERED", "LIVE", "new"), ("LEFT", "LIVE", "new"))


@contextmanager
def locked_states(database: Documents, customers: Iterable[ObjectId]) -> Iterator[None]:
    """Locks the states of the customers: transactions that write them are retried until the context
    exits."""
    with database.client.start_session() as session, session.start_transaction():
        for customer in customers:
            database.membershipStates.replace_one(
                {"_id": customer}, {}, upsert=True, session=session
            )
        yield
        session.abort_transaction()


async def test_no_customer_is_backfilled_before_the_stream_reaches_the_definition_change(
    shop_without_engine: ShopWithEngine,
) -> None:
    """One worker is before a definition change in the stream; another has passed it and is in its
    backfill. Both end, and a third takes over their partitions.

    It must not continue the backfill at once. If a customer changes between the position of the
    first worker and the definition change, the watermark drops it from its chunk, because its
    change already carries newer data. But the engine processes this change before the definition
    change, so nothing would evaluate the customer by the new definitions, and its transition would
    be lost.
    """
    api, database = shop_without_engine.api, shop_without_engine.api.database
    vips = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    for first in range(0, MANY_CUSTOMERS, CUSTOMERS_PER_CALL):
        numbers = range(first, first + CUSTOMERS_PER_CALL)
        await api.bulk_upsert("customersUpsert", [{"sourceId": f"{number}"} for number in numbers])
    workers = [ShopWithEngine(api), ShopWithEngine(api)]

    async def stop() -> None:
        await asyncio.gather(*(worker.stop_engine() for worker in workers))

    async def is_under_way() -> bool:
        passing = database.partitions.find({"targetRevision": {"$ne": None}})
        return {row["_id"] for row in passing} == set(beyond)

    try:
        for worker in workers:
            worker.start_engine()
        await wait_until(lambda: are_partitions_shared(database))
        before, beyond = partitions_by_owner(database)
        where = partition_of_customers(shop_without_engine)
        names = [row["sourceId"] for row in database.customers.find().sort("_id", 1)]
        # The first one changes before the definition change; the second is among the last of the
        # backfill.
        early = next(name for name in names if where[name] in before)
        late = next(name for name in reversed(names) if where[name] in beyond)
        await api.upsert(late, metadata={"vip": True})
        await shop_without_engine.wait_until_processed()
        with locked_states(
            database, [api.read_customer_document(name)["_id"] for name in (early, late)]
        ):
            await api.upsert(early, metadata={"vip": True})
            later = await shop_without_engine.create_active_segment(
                "VIPs, later", is_true_filter("vip")
            )
            await wait_until(is_under_way)
            await stop()
    finally:
        await stop()
    assert await is_under_way()
    step = database.definitionChanges.find_one(sort=[("_id", -1)])
    assert step
    behind = database.partitions.find({"position": {"$lt": step["position"]}})
    assert {row["_id"] for row in behind} == set(before)

    shop_without_engine.start_engine()
    await shop_without_engine.wait_until_processed()
    await api.upsert(early, metadata={"vip": False})
    await shop_without_engine.wait_until_processed()

    assert await shop_without_engine.list_transitions(later) == [("LEFT", "LIVE", early)]
    assert await shop_without_engine.list_transitions(vips) == [
        ("ENTERED", "LIVE", late),
        ("ENTERED", "LIVE", early),
        ("LEFT", "LIVE", early),
    ]
