"""The job that samples sizes counts each segment once per interval, whatever happens meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
import structlog

from app.domain.segment_sizes import SegmentSize
from app.domain.segments import Segment
from app.filters import Now
from app.services import Services, segment_sizes
from app.store.query_budget import QueryBudget
from app.store.size_schedule import SizeSchedule
from tests.burst_worker import run_burst_worker
from tests.sizes.conftest import SegmentSizeShop

# Not in the past: MongoDB deletes sizes that have expired by its own clock.
NOON = datetime(2099, 3, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

# A pipeline that keeps MongoDB busy for long.
PROJECT_A_MILLION: dict[str, Any] = {"$project": {"number": {"$range": [0, 1_000_000]}}}
SLOW_PIPELINE = [
    PROJECT_A_MILLION,
    {"$unwind": "$number"},
    PROJECT_A_MILLION,
    {"$unwind": "$number"},
    {"$count": "numbers"},
]


async def test_a_point_has_the_count_and_its_time(shop: SegmentSizeShop) -> None:
    for name in "ab":
        await shop.api.upsert(name)
    passive = await shop.create_segment("passive")
    static = await shop.create_segment("static", customers=[{"sourceId": "a"}])
    at = NOON + timedelta(minutes=7, milliseconds=3)

    await shop.sample_sizes(at)

    assert await shop.read_history(passive, at) == [SegmentSize(at, 2)]
    assert await shop.read_history(static, at) == [SegmentSize(at, 1)]


async def test_a_slot_has_one_point_and_a_missed_one_none(shop: SegmentSizeShop) -> None:
    (id_,) = await shop.create_segments(1)
    for at in (NOON, NOON + MINUTE, NOON + 59 * MINUTE, NOON + HOUR, NOON + 5 * HOUR + MINUTE):
        await shop.sample_sizes(at)

    found = [size.at for size in await shop.read_history(id_, NOON + 6 * HOUR)]
    assert found == [NOON, NOON + HOUR, NOON + 5 * HOUR + MINUTE]


async def test_a_new_segment_does_not_wait_for_the_next_slot(shop: SegmentSizeShop) -> None:
    (old,) = await shop.create_segments(1)
    await shop.sample_sizes(NOON)
    new = await shop.create_segment("new")
    await shop.sample_sizes(NOON + MINUTE)

    assert shop.read_counts() == {old: [0], new: [0]}


async def test_those_who_waited_longest_come_first(
    shop: SegmentSizeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await shop.create_segments(4)
    await shop.sample_sizes(NOON)
    counted = record_counted_segments(shop.api.services, monkeypatch, cancel_at=3)
    with pytest.raises(asyncio.CancelledError):
        await shop.sample_sizes(NOON + HOUR)
    assert len(set(counted)) == 3
    (last,) = set(ids) - set(counted)

    await shop.sample_sizes(NOON + 2 * HOUR)

    assert counted[3] == last
    assert sorted(counted[3:]) == sorted(ids)


async def test_after_a_kill_it_continues_with_the_other_segments(
    shop: SegmentSizeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await shop.create_segments(3)
    counted = record_counted_segments(shop.api.services, monkeypatch, cancel_at=2)
    with pytest.raises(asyncio.CancelledError):
        await shop.sample_sizes(NOON)
    first, killed = counted
    (left,) = set(ids) - set(counted)

    await shop.sample_sizes(NOON + MINUTE)
    await shop.sample_sizes(NOON + 6 * MINUTE)

    assert counted == [first, killed, left, killed]
    assert shop.read_counts() == {id_: [0] for id_ in ids}


async def test_many_workers_count_each_segment_once(
    shop: SegmentSizeShop, worker_services: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await shop.create_segments(12)
    counted = [record_counted_segments(services, monkeypatch) for services in worker_services]

    for _ in range(3):
        await asyncio.gather(*(shop.sample_sizes(NOON, services) for services in worker_services))

    assert sorted(id_ for ids_of_worker in counted for id_ in ids_of_worker) == sorted(ids)
    assert shop.read_counts() == {id_: [0] for id_ in ids}


async def test_a_segment_is_handed_out_once_and_a_slot_taken_once(
    shop: SegmentSizeShop, worker_services: list[Services]
) -> None:
    ids = await shop.create_segments(3)
    await worker_services[0].store.size_schedule.add_missing(NOON, NOON + HOUR)
    due = await asyncio.gather(*(w.store.size_schedule.claim_next(NOON) for w in worker_services))
    assert sorted(segment.segment_id for segment in due if segment) == sorted(ids)

    # As if all were so slow that their leases expired.
    now = Now(NOON, shop.api.services.calendar)
    await asyncio.gather(
        *(
            w.segment_sizes._save(ids[0], SegmentSize(NOON, n), now)
            for n, w in enumerate(worker_services)
        )
    )
    assert len(shop.read_counts()[ids[0]]) == 1


async def test_only_one_worker_counts_until_the_lease_expires(
    shop: SegmentSizeShop, worker_services: list[Services]
) -> None:
    await shop.create_segments(1)
    schedule = worker_services[0].store.size_schedule
    claims = await asyncio.gather(*(schedule.acquire_lease(owner, 60) for owner in "abcd"))
    assert sorted(claims) == [False, False, False, True]
    await shop.sample_sizes(NOON)
    assert shop.read_counts() == {}

    # The owner was killed, and its lease has expired.
    past = datetime.now(UTC) - timedelta(seconds=1)
    shop.api.database.leases.update_one(
        {"_id": "segmentSizeCount"}, {"$set": {"leaseExpiresAt": past}}
    )
    await shop.sample_sizes(NOON)
    assert len(shop.read_counts()) == 1

    # The owner was only slow; its result no longer counts.
    assert await schedule.acquire_lease("next", 60)
    await schedule.renew_lease("abcd"[claims.index(True)], 0)
    assert not await schedule.acquire_lease("e", 60)


async def test_it_rests_nine_times_as_long_as_it_counts(
    shop: SegmentSizeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.create_segments(3)
    services = shop.api.services
    real, took, began = services.segment_members.count, list[float](), list[float]()

    async def timed(segment: Segment, now: Now) -> int:
        began.append(monotonic())
        count = await real(segment, now)
        took.append(monotonic() - began[-1])
        return count

    monkeypatch.setattr(services.segment_members, "count", timed)
    await services.segment_sizes.sample(services.now)

    assert len(began) == 3
    for counting, this, following in zip(took, began, began[1:], strict=False):
        assert following - this >= 10 * counting


async def test_a_long_rest_outlives_the_time_slice_and_holds_for_all(
    shop: SegmentSizeShop, worker_services: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.create_segments(3)
    monkeypatch.setattr(segment_sizes, "_MAX_RUN_SECONDS", 5)
    services = worker_services[0]
    before = datetime.now(UTC)

    await services.segment_sizes.sample(services.now, rest_factor=1_000_000)
    await shop.sample_sizes(NOON + HOUR, worker_services[1])

    assert len(shop.read_counts()) == 1
    lease = shop.api.database.leases.find_one({"_id": "segmentSizeCount"})
    assert lease is not None
    assert lease["leaseExpiresAt"] > before + HOUR


async def test_a_slow_count_blocks_no_other_and_is_retried_less_often(
    shop: SegmentSizeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.api.upsert("somebody")
    slow, *others = await shop.create_segments(3)
    services, tried = shop.api.services, list[datetime]()
    real = services.segment_members.count
    impatient = QueryBudget(shop.api.services.store._database, 0.1)

    async def slowly(segment: Segment, now: Now) -> int:
        if segment.id == slow:
            tried.append(now.at)
            await impatient.aggregate("customers", SLOW_PIPELINE)
        return await real(segment, now)

    monkeypatch.setattr(services.segment_members, "count", slowly)
    with structlog.testing.capture_logs() as logged:
        for minutes in range(40):
            await shop.sample_sizes(NOON + minutes * MINUTE)

    assert [at - NOON for at in tried] == [n * MINUTE for n in (0, 5, 15, 35)]
    assert shop.read_counts() == {id_: [1] for id_ in others}
    assert [entry["segment"] for entry in logged] == [slow] * 4
    assert str(logged[0]["error"]).startswith("The database did not answer within 0.1 s")
    assert logged[0]["retry_at"] == (NOON + 5 * MINUTE).isoformat()

    # After a fix it is counted like the others.
    monkeypatch.setattr(services.segment_members, "count", real)
    await shop.sample_sizes(NOON + 2 * HOUR)
    await shop.sample_sizes(NOON + 3 * HOUR)
    assert shop.read_counts()[slow] == [1, 1]


async def test_the_longest_wait_is_a_day(shop: SegmentSizeShop) -> None:
    await shop.create_segments(1)
    schedule: SizeSchedule = shop.api.services.store.size_schedule
    await schedule.add_missing(NOON, NOON + HOUR)
    shop.api.database.sizeSchedule.update_one({}, {"$set": {"tries": 10_000}})

    due = await schedule.claim_next(NOON)

    assert due is not None
    assert due.retry_at == NOON + timedelta(days=1)


async def test_an_invalid_filter_blocks_no_other_segment(shop: SegmentSizeShop) -> None:
    broken, other = await shop.create_segments(2)
    shop.api.database.segments.update_one(
        {"name": "segment 0"}, {"$set": {"filter": {"attribute": {"path": "gone"}}}}
    )
    with structlog.testing.capture_logs() as logged:
        await shop.sample_sizes(NOON)

    assert shop.read_counts() == {other: [0]}
    assert [entry["segment"] for entry in logged] == [broken]


async def test_a_deleted_segment_leaves_no_rows(shop: SegmentSizeShop) -> None:
    gone, stays = await shop.create_segments(2)
    await shop.sample_sizes(NOON)
    await shop.delete_segment(gone)
    await shop.sample_sizes(NOON + HOUR)

    assert shop.read_counts() == {gone: [0], stays: [0, 0]}
    await shop.delete_segment(stays)
    assert shop.remaining_rows() == []


async def test_a_segment_deleted_during_its_count_leaves_no_rows(
    shop: SegmentSizeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.create_segments(1)
    services = shop.api.services
    real = services.segment_members.count

    async def deleted_meanwhile(segment: Segment, now: Now) -> int:
        await shop.delete_segment(segment.id)
        return await real(segment, now)

    monkeypatch.setattr(services.segment_members, "count", deleted_meanwhile)
    await shop.sample_sizes(NOON)

    assert shop.remaining_rows() == []


async def test_a_segment_deleted_at_the_write_leaves_no_rows(
    shop: SegmentSizeShop, worker_services: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    (id_,) = await shop.create_segments(1)
    deleter, counter = worker_services[:2]
    real, all_but_committed, go = deleter.store.segments.delete, asyncio.Event(), asyncio.Event()

    async def held_up(*arguments: Any) -> None:
        await real(*arguments)
        all_but_committed.set()
        await go.wait()

    monkeypatch.setattr(deleter.store.segments, "delete", held_up)
    deleting = asyncio.create_task(deleter.segments.delete(id_))
    await all_but_committed.wait()
    counting = asyncio.create_task(shop.sample_sizes(NOON, counter))
    # The count can't end before the other transaction, unless it does not see that one.
    await asyncio.wait({counting}, timeout=1)
    go.set()
    await asyncio.gather(deleting, counting)

    assert shop.read_counts() == {}
    await shop.sample_sizes(NOON + HOUR)
    assert shop.remaining_rows() == []


async def test_a_clock_that_went_wrong_or_a_longer_interval_is_forgotten(
    shop: SegmentSizeShop,
) -> None:
    (id_,) = await shop.create_segments(1)
    await shop.sample_sizes(NOON)
    shop.api.database.sizeSchedule.update_one({}, {"$set": {"dueAt": NOON + 1_000 * HOUR}})
    await shop.sample_sizes(NOON + MINUTE)
    await shop.sample_sizes(NOON + HOUR)

    assert shop.read_counts() == {id_: [0, 0]}


async def test_a_worker_takes_the_first_points_as_it_starts(shop: SegmentSizeShop) -> None:
    ids = await shop.create_segments(2)
    await run_burst_worker(shop.api.settings)

    assert shop.read_counts() == {id_: [0] for id_ in ids}


def record_counted_segments(
    services: Services, monkeypatch: pytest.MonkeyPatch, cancel_at: int | None = None
) -> list[str]:
    """Records the segments that the services count; raises CancelledError at count `cancel_at`."""
    original, counted_segments = services.segment_members.count, list[str]()

    async def record_count(segment: Segment, now: Now) -> int:
        counted_segments.append(segment.id)
        if len(counted_segments) == cancel_at:
            raise asyncio.CancelledError
        return await original(segment, now)

    monkeypatch.setattr(services.segment_members, "count", record_count)
    return counted_segments
