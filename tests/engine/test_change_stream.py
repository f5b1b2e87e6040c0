"""The events of the change stream become commits: one for each cluster time.

The stream reads neither `lsid` nor `txnNumber`. So the events of a transaction look exactly like
those of an insertMany outside of a transaction in MongoDB 8.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId, Timestamp
from pymongo.client_session import ClientSession

from app.domain.changes import Commit
from app.store.change_stream import (
    PARTITION_COUNT,
    ChangeEvent,
    ChangeStream,
    CommitAssembler,
    position_of,
)
from tests.engine.conftest import ShopWithEngine

Json = dict[str, Any]

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@asynccontextmanager
async def open_stream(shop: ShopWithEngine) -> AsyncIterator[ChangeStream]:
    """Opens the stream of all customers from now on."""
    store = shop.api.services.store
    position, _ = await store.clock.position_and_time()
    stream = await store.open_change_stream(
        position, range(PARTITION_COUNT), [("sourceId",)], "nobody"
    )
    try:
        yield stream
    finally:
        await stream.close()


def insert_in_transactions(shop: ShopWithEngine, *batch_sizes: int) -> None:
    """Inserts batches of customers, each in a transaction of its own."""
    database, now = shop.api.database, datetime.now(UTC)

    def insert(number: int, session: ClientSession) -> None:
        rows = [
            {"sourceId": str(ObjectId()), "createdAt": now, "updatedAt": now, "version": 1}
            for _ in range(number)
        ]
        database.customers.insert_many(rows, session=session)

    with database.client.start_session() as session:
        for number in batch_sizes:
            session.with_transaction(partial(insert, number))


async def read_commits(stream: ChangeStream, changes: int) -> list[Commit]:
    """Reads commits until they have this many changes."""
    commits: list[Commit] = []
    while sum(len(commit.changes) for commit in commits) < changes:
        commits += await stream.read()
    return commits


# A batch has 1,000 events: it ends within a commit, or between two; a commit can span several.
@pytest.mark.parametrize("sizes", [[700, 700, 700], [500, 500, 500, 500], [1, 2_500, 3], [1_000]])
async def test_a_cluster_time_is_one_commit(
    shop_without_engine: ShopWithEngine, sizes: list[int]
) -> None:
    async with open_stream(shop_without_engine) as stream:
        insert_in_transactions(shop_without_engine, *sizes)

        commits = await read_commits(stream, sum(sizes))

    places = [commit.position for commit in commits]
    assert [len(commit.changes) for commit in commits] == sizes
    assert places == sorted(set(places))


async def test_the_last_commit_does_not_wait_for_another(
    shop_without_engine: ShopWithEngine,
) -> None:
    async with open_stream(shop_without_engine) as stream:
        await shop_without_engine.api.upsert("a")
        commits: list[Commit] = []
        # Without another write: the first read returns the event, the second one that it is the
        # last.
        for _ in range(2):
            commits += await stream.read()

    assert [len(commit.changes) for commit in commits] == [1]


async def test_every_customer_of_a_bulk_insert_enters(shop_without_engine: ShopWithEngine) -> None:
    vips = await shop_without_engine.create_active_segment(
        "VIPs", {"attribute": {"path": "createdAt", "operator": "HAS_VALUE"}}
    )
    shop_without_engine.start_engine()
    await shop_without_engine.wait_until_processed()

    insert_in_transactions(shop_without_engine, *[500] * 8)
    await shop_without_engine.wait_until_processed()

    assert len(await shop_without_engine.list_transitions(vips)) == 4_000


def change_event(
    time: int, customer: str, level: int, previous_level: int | None = None, wall_seconds: int = 0
) -> ChangeEvent:
    """The event of a customer whose level changes, at a cluster time; `seconds` are after noon."""
    key = ObjectId(customer.encode().ljust(12, b"."))
    before = None if previous_level is None else {"_id": key, "level": previous_level}
    return {
        "_id": resume_token(time, customer),
        "operationType": "insert" if previous_level is None else "update",
        "ns": {"coll": "customers"},
        "documentKey": {"_id": key},
        "partition": 0,
        "clusterTime": Timestamp(1_000, time),
        "wallTime": NOON + timedelta(seconds=wall_seconds),
        "fullDocumentBeforeChange": before,
        "fullDocument": {"_id": key, "level": level},
    }


def resume_token(increment: int, suffix: str = "") -> Json:
    """Returns the resume token of an event; without a suffix, the one before all events of its
    time."""
    return {"_data": f"82{1_000:08x}{increment:08x}{suffix.encode().hex()}"}


def levels_by_commit(commits: Sequence[Commit]) -> list[tuple[str, list[tuple[int | None, int]]]]:
    """Returns the position of each commit, and each customer's levels before and after."""
    return [
        (
            commit.position,
            [
                (change.before["level"] if change.before else None, change.after["level"])
                for change in commit.changes
                if change.after
            ],
        )
        for commit in commits
    ]


FIRST = position_of(Timestamp(1_000, 1))
SECOND = position_of(Timestamp(1_000, 2))


def test_events_of_two_shards_at_one_time_are_one_commit() -> None:
    commits = CommitAssembler(is_sharded=True)

    # One shard is ahead; the other sends nothing for a while, and then an event of the same time.
    assert not commits.add_batch(
        [change_event(1, "ann", 5, wall_seconds=2)], resume_token(1, "ann")
    )
    assert not commits.add_batch([], resume_token(1, "ann"))
    assert not commits.add_batch(
        [change_event(1, "bob", 6, wall_seconds=1)], resume_token(1, "bob")
    )
    (commit,) = commits.add_batch([], resume_token(2))

    assert levels_by_commit([commit]) == [(FIRST, [(None, 5), (None, 6)])]
    assert commit.committed_at == NOON + timedelta(seconds=2)


def test_a_replica_set_with_nothing_more_to_send_has_sent_all_of_a_commit() -> None:
    commits = CommitAssembler(is_sharded=False)

    assert not commits.add_batch([change_event(1, "ann", 5)], resume_token(1, "ann"))
    assert levels_by_commit(commits.add_batch([], resume_token(1, "ann"))) == [(FIRST, [(None, 5)])]
    assert not commits.add_batch([], resume_token(1, "ann"))


def test_several_changes_of_a_customer_in_one_commit_are_one() -> None:
    commits = CommitAssembler(is_sharded=False)

    events = [
        change_event(1, "ann", 5),
        change_event(1, "ann", 6, previous_level=5),
        change_event(2, "ann", 7, previous_level=6),
    ]
    told = commits.add_batch(events, resume_token(3))

    assert levels_by_commit(told) == [(FIRST, [(None, 6)]), (SECOND, [(6, 7)])]
