"""Several workers at one shop."""

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bson import ObjectId

from tests.api import Documents
from tests.engine.conftest import Json, Shop, until
from tests.engine.model.world import Worker
from tests.engine.test_setbacks import partitions
from tests.engine.test_transitions import is_true

# Enough for every partition to have some.
_CUSTOMERS = 80
# More than are brought before the first of them are settled.
_MANY, _AT_ONCE = 8_000, 1_000


def shares(database: Documents) -> list[list[int]]:
    """The partitions that each holds."""
    stages: list[Json] = [
        {"$match": {"owner": {"$ne": ""}}},
        {"$group": {"_id": "$owner", "held": {"$push": "$_id"}}},
    ]
    return [row["held"] for row in database.partitions.aggregate(stages)]


async def is_shared(database: Documents) -> bool:
    """Whether each of two workers has its half."""
    return [len(held) for held in shares(database)] == [8, 8]


async def test_they_share_and_one_takes_over_what_another_held(alone: Shop, tmp_path: Path) -> None:
    database = alone.api.database
    workers = [Worker(tmp_path / f"{n}", n, alone.api.settings) for n in range(2)]
    segment = await alone.active("VIPs", is_true("vip"))

    async def enter(who: str) -> None:
        rows = [
            {"sourceId": f"{who} {number}", "metadata": {"vip": True}}
            for number in range(_CUSTOMERS)
        ]
        await alone.api.many("customersUpsert", rows)

    try:
        for worker in workers:
            worker.start()
        await until(lambda: is_shared(database))
        await enter("both")
        await until(lambda: alone.has(segment, _CUSTOMERS))
        pid = workers[0].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        await enter("one")
        await until(lambda: alone.has(segment, 2 * _CUSTOMERS))
        print(f"taken over after {time.monotonic() - began:.1f} s")
    finally:
        for worker in workers:
            worker.stop()

    log = await alone.log(segment)
    assert len(log) == len(set(log)) == 2 * _CUSTOMERS


async def test_all_of_them_hear_that_the_customers_are_dropped(alone: Shop) -> None:
    """That has no customer's key, and so belongs to no worker's partitions."""
    api, database = alone.api, alone.api.database
    vips = await alone.active("VIPs", is_true("vip"))
    names = [f"{number}" for number in range(_CUSTOMERS)]
    await api.many("customersUpsert", [{"sourceId": n, "metadata": {"vip": True}} for n in names])
    workers = [Shop(api), Shop(api)]
    try:
        for worker in workers:
            worker.wake()
        await until(lambda: is_shared(database))
        await until(lambda: alone.has(vips, _CUSTOMERS))
        database.customers.drop()
        await until(lambda: alone.has(vips, 2 * _CUSTOMERS))
        await api.upsert("new", metadata={"vip": True})
        await api.upsert("new", metadata={"vip": False})
        await alone.settled()
    finally:
        await asyncio.gather(*(worker.sleep() for worker in workers))

    *dropped, entered, left = (await alone.log(vips))[_CUSTOMERS:]
    assert sorted(dropped) == sorted(("LEFT", "DEFINITION", name) for name in names)
    assert (entered, left) == (("ENTERED", "LIVE", "new"), ("LEFT", "LIVE", "new"))


@contextmanager
def unwritable(database: Documents, customers: Iterable[ObjectId]) -> Iterator[None]:
    """Meanwhile no transaction gets through that writes the state of one of them: it is tried
    again and again."""
    with database.client.start_session() as session, session.start_transaction():
        for customer in customers:
            database.states.replace_one({"_id": customer}, {}, upsert=True, session=session)
        yield
        session.abort_transaction()


async def test_nobody_is_brought_past_a_step_that_the_stream_has_not_come_by(alone: Shop) -> None:
    """One worker is before a step; another is beyond it, in the midst of bringing all customers
    past it. Both end, and a third takes over what they held.

    It must not go on with the pass at once. It would read a customer who changes between its place
    and the step, whom it leaves out when the mark comes by, as settled with the change. But that
    has not brought the customer past the step, which comes only after it: nobody would, and what
    the customer is in from the step on would be lost.
    """
    api, database = alone.api, alone.api.database
    vips = await alone.active("VIPs", is_true("vip"))
    for first in range(0, _MANY, _AT_ONCE):
        numbers = range(first, first + _AT_ONCE)
        await api.many("customersUpsert", [{"sourceId": f"{number}"} for number in numbers])
    workers = [Shop(api), Shop(api)]

    async def stop() -> None:
        await asyncio.gather(*(worker.sleep() for worker in workers))

    async def is_under_way() -> bool:
        passing = database.partitions.find({"target": {"$ne": None}})
        return {row["_id"] for row in passing} == set(beyond)

    try:
        for worker in workers:
            worker.wake()
        await until(lambda: is_shared(database))
        before, beyond = shares(database)
        where = partitions(alone)
        names = [row["sourceId"] for row in database.customers.find().sort("_id", 1)]
        # The one's change is before the step; the other is among the last who are brought past it.
        early = next(name for name in names if where[name] in before)
        late = next(name for name in reversed(names) if where[name] in beyond)
        await api.upsert(late, metadata={"vip": True})
        await alone.settled()
        with unwritable(database, [api.stored(name)["_id"] for name in (early, late)]):
            await api.upsert(early, metadata={"vip": True})
            later = await alone.active("VIPs, later", is_true("vip"))
            await until(is_under_way)
            await stop()
    finally:
        await stop()
    assert await is_under_way()
    step = database.steps.find_one(sort=[("_id", -1)])
    assert step
    behind = database.partitions.find({"place": {"$lt": step["place"]}})
    assert {row["_id"] for row in behind} == set(before)

    alone.wake()
    await alone.settled()
    await api.upsert(early, metadata={"vip": False})
    await alone.settled()

    assert await alone.log(later) == [("LEFT", "LIVE", early)]
    assert await alone.log(vips) == [
        ("ENTERED", "LIVE", late),
        ("ENTERED", "LIVE", early),
        ("LEFT", "LIVE", early),
    ]
