"""The change stream's events become commits: one for each cluster time.

The stream reads neither `lsid` nor `txnNumber`, so the events of a transaction look to it exactly
as MongoDB 8 shapes those of an insertMany made outside of one.
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
from app.store.stream import PARTITIONS, CommitAssembler, Event, Stream, place_of
from tests.engine.conftest import Shop

Json = dict[str, Any]

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[Stream]:
    """The stream of all customers from now on."""
    store = shop.api.services.store
    place, _ = await store.partitions.end()
    stream = await store.stream(place, range(PARTITIONS), [("sourceId",)], "nobody")
    try:
        yield stream
    finally:
        await stream.close()


def insert_at_once(shop: Shop, *numbers: int) -> None:
    """Inserts so many customers at one cluster time, and so many at the next."""
    database, now = shop.api.database, datetime.now(UTC)

    def insert(number: int, session: ClientSession) -> None:
        rows = [
            {"sourceId": str(ObjectId()), "createdAt": now, "updatedAt": now, "version": 1}
            for _ in range(number)
        ]
        database.customers.insert_many(rows, session=session)

    with database.client.start_session() as session:
        for number in numbers:
            session.with_transaction(partial(insert, number))


async def read(stream: Stream, changes: int) -> list[Commit]:
    """The next commits, until they have so many changes."""
    commits: list[Commit] = []
    while sum(len(commit.changes) for commit in commits) < changes:
        commits += await stream.read()
    return commits


# A batch has 1,000 events: it ends within a commit, just between two, and a commit spans several.
@pytest.mark.parametrize("sizes", [[700, 700, 700], [500, 500, 500, 500], [1, 2_500, 3], [1_000]])
async def test_a_cluster_time_is_one_commit(alone: Shop, sizes: list[int]) -> None:
    async with opened(alone) as stream:
        insert_at_once(alone, *sizes)

        commits = await read(stream, sum(sizes))

    places = [commit.place for commit in commits]
    assert [len(commit.changes) for commit in commits] == sizes
    assert places == sorted(set(places))


async def test_the_last_commit_does_not_wait_for_another(alone: Shop) -> None:
    async with opened(alone) as stream:
        await alone.api.upsert("a")
        commits: list[Commit] = []
        # Nothing else is written; the first read brings the event, the second that it is the last.
        for _ in range(2):
            commits += await stream.read()

    assert [len(commit.changes) for commit in commits] == [1]


async def test_all_of_a_bulk_insert_enter(alone: Shop) -> None:
    vips = await alone.active("VIPs", {"attribute": {"path": "createdAt", "operator": "HAS_VALUE"}})
    alone.wake()
    await alone.settled()

    insert_at_once(alone, *[500] * 8)
    await alone.settled()

    assert len(await alone.log(vips)) == 4_000


def event(time: int, customer: str, level: int, was: int | None = None, wall: int = 0) -> Event:
    """A customer comes to a level, at a cluster time and so many seconds after noon."""
    key = ObjectId(customer.encode().ljust(12, b"."))
    before = None if was is None else {"_id": key, "level": was}
    return {
        "_id": token(time, customer),
        "operationType": "insert" if was is None else "update",
        "ns": {"coll": "customers"},
        "documentKey": {"_id": key},
        "partition": 0,
        "clusterTime": Timestamp(1_000, time),
        "wallTime": NOON + timedelta(seconds=wall),
        "fullDocumentBeforeChange": before,
        "fullDocument": {"_id": key, "level": level},
    }


def token(time: int, rest: str = "") -> Json:
    """The resume token of an event; with nothing more, the one that stands before all events of
    its time."""
    return {"_data": f"82{1_000:08x}{time:08x}{rest.encode().hex()}"}


def levels(commits: Sequence[Commit]) -> list[tuple[str, list[tuple[int | None, int]]]]:
    """By commit, the place and each customer's levels before and after."""
    return [
        (
            commit.place,
            [
                (change.before["level"] if change.before else None, change.after["level"])
                for change in commit.changes
                if change.after
            ],
        )
        for commit in commits
    ]


FIRST, SECOND = place_of(Timestamp(1_000, 1)), place_of(Timestamp(1_000, 2))


def test_events_of_two_shards_at_one_time_are_one_commit() -> None:
    commits = CommitAssembler(is_sharded=True)

    # One shard is ahead; the other has nothing to send for a while, and then an event as old.
    assert not commits.take([event(1, "ann", 5, wall=2)], token(1, "ann"))
    assert not commits.take([], token(1, "ann"))
    assert not commits.take([event(1, "bob", 6, wall=1)], token(1, "bob"))
    (commit,) = commits.take([], token(2))

    assert levels([commit]) == [(FIRST, [(None, 5), (None, 6)])]
    assert commit.at == NOON + timedelta(seconds=2)


def test_a_replica_set_with_nothing_more_to_send_has_sent_all_of_a_commit() -> None:
    commits = CommitAssembler(is_sharded=False)

    assert not commits.take([event(1, "ann", 5)], token(1, "ann"))
    assert levels(commits.take([], token(1, "ann"))) == [(FIRST, [(None, 5)])]
    assert not commits.take([], token(1, "ann"))


def test_several_changes_of_a_customer_in_one_commit_are_one() -> None:
    commits = CommitAssembler(is_sharded=False)

    events = [event(1, "ann", 5), event(1, "ann", 6, was=5), event(2, "ann", 7, was=6)]
    told = commits.take(events, token(3))

    assert levels(told) == [(FIRST, [(None, 6)]), (SECOND, [(6, 7)])]
