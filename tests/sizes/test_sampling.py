"""The job that counts: each segment once an interval, whoever works, dies or is deleted."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
import structlog
from arq.worker import create_worker

from app.domain.segments import Segment
from app.domain.sizes import SegmentSize
from app.filters import Now
from app.queue import connect
from app.services import Services, sizes
from app.store.questions import Questions
from app.store.size_schedule import SizeSchedule
from tests.sizes.conftest import Shop
from workers.jobs import close_services
from workers.main import worker_settings

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

# What keeps MongoDB busy for long: numbers upon numbers.
_MANY: dict[str, Any] = {"$project": {"number": {"$range": [0, 1_000_000]}}}
_BUSY = [_MANY, {"$unwind": "$number"}, _MANY, {"$unwind": "$number"}, {"$count": "numbers"}]


async def test_a_point_is_what_was_counted_when_it_was_counted(shop: Shop) -> None:
    for name in "ab":
        await shop.api.upsert(name)
    passive = await shop.segment("passive")
    static = await shop.segment("static", customers=[{"sourceId": "a"}])
    at = NOON + timedelta(minutes=7, milliseconds=3)

    await shop.sample(at)

    assert await shop.history(passive, at) == [SegmentSize(at, 2)]
    assert await shop.history(static, at) == [SegmentSize(at, 1)]


async def test_a_slot_has_one_point_and_a_missed_one_none(shop: Shop) -> None:
    (id_,) = await shop.segments(1)
    for at in (NOON, NOON + MINUTE, NOON + 59 * MINUTE, NOON + HOUR, NOON + 5 * HOUR + MINUTE):
        await shop.sample(at)

    found = [size.at for size in await shop.history(id_, NOON + 6 * HOUR)]
    assert found == [NOON, NOON + HOUR, NOON + 5 * HOUR + MINUTE]


async def test_a_new_segment_does_not_wait_for_the_next_slot(shop: Shop) -> None:
    (old,) = await shop.segments(1)
    await shop.sample(NOON)
    new = await shop.segment("new")
    await shop.sample(NOON + MINUTE)

    assert shop.points() == {old: [0], new: [0]}


async def test_those_who_waited_longest_come_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await shop.segments(4)
    await shop.sample(NOON)
    counted = _watched(shop.api.services, monkeypatch, killed_at=3)
    with pytest.raises(asyncio.CancelledError):
        await shop.sample(NOON + HOUR)
    assert len(set(counted)) == 3
    (last,) = set(ids) - set(counted)

    await shop.sample(NOON + 2 * HOUR)

    assert counted[3] == last
    assert sorted(counted[3:]) == sorted(ids)


async def test_killed_in_the_middle_it_goes_on_with_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await shop.segments(3)
    counted = _watched(shop.api.services, monkeypatch, killed_at=2)
    with pytest.raises(asyncio.CancelledError):
        await shop.sample(NOON)
    first, killed = counted
    (left,) = set(ids) - set(counted)

    await shop.sample(NOON + MINUTE)
    await shop.sample(NOON + 6 * MINUTE)

    assert counted == [first, killed, left, killed]
    assert shop.points() == {id_: [0] for id_ in ids}


async def test_many_workers_count_each_segment_once(
    shop: Shop, workers: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await shop.segments(12)
    counted = [_watched(services, monkeypatch) for services in workers]

    for _ in range(3):
        await asyncio.gather(*(shop.sample(NOON, services) for services in workers))

    assert sorted(id_ for each in counted for id_ in each) == sorted(ids)
    assert shop.points() == {id_: [0] for id_ in ids}


async def test_a_segment_is_handed_out_once_and_a_slot_taken_once(
    shop: Shop, workers: list[Services]
) -> None:
    ids = await shop.segments(3)
    await workers[0].store.size_schedule.fill(NOON, NOON + HOUR)
    due = await asyncio.gather(*(w.store.size_schedule.take(NOON) for w in workers))
    assert sorted(each.segment_id for each in due if each) == sorted(ids)

    # As if they all had been so slow that their leases had run out.
    now = Now(NOON, shop.api.services.calendar)
    await asyncio.gather(
        *(w.sizes._keep(ids[0], SegmentSize(NOON, n), now) for n, w in enumerate(workers))
    )
    assert len(shop.points()[ids[0]]) == 1


async def test_nobody_counts_beside_another_until_the_lease_is_over(
    shop: Shop, workers: list[Services]
) -> None:
    await shop.segments(1)
    schedule = workers[0].store.size_schedule
    claims = await asyncio.gather(*(schedule.claim(owner, 60) for owner in "abcd"))
    assert sorted(claims) == [False, False, False, True]
    await shop.sample(NOON)
    assert shop.points() == {}

    # The owner was killed, and its time is up.
    past = datetime.now(UTC) - timedelta(seconds=1)
    shop.api.database.leases.update_one({"_id": "sizes"}, {"$set": {"ownedUntil": past}})
    await shop.sample(NOON)
    assert len(shop.points()) == 1

    # It was only slow, and has nothing to say any more.
    assert await schedule.claim("next", 60)
    await schedule.rest("abcd"[claims.index(True)], 0)
    assert not await schedule.claim("e", 60)


async def test_it_rests_nine_times_as_long_as_it_counts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.segments(3)
    services = shop.api.services
    real, took, began = services.segments.member_count, list[float](), list[float]()

    async def timed(segment: Segment, now: Now) -> int:
        began.append(monotonic())
        count = await real(segment, now)
        took.append(monotonic() - began[-1])
        return count

    monkeypatch.setattr(services.segments, "member_count", timed)
    await services.sizes.sample(services.now)

    assert len(began) == 3
    for counting, this, following in zip(took, began, began[1:], strict=False):
        assert following - this >= 10 * counting


async def test_a_long_rest_outlives_the_turn_and_holds_for_all(
    shop: Shop, workers: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.segments(3)
    monkeypatch.setattr(sizes, "_TURN_SECONDS", 5)
    services = workers[0]
    before = datetime.now(UTC)

    await services.sizes.sample(services.now, rests=1_000_000)
    await shop.sample(NOON + HOUR, workers[1])

    assert len(shop.points()) == 1
    lease = shop.api.database.leases.find_one({"_id": "sizes"})
    assert lease is not None
    assert lease["ownedUntil"] > before + HOUR


async def test_a_slow_count_stops_nobody_else_and_is_tried_less_and_less(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.api.upsert("somebody")
    slow, *others = await shop.segments(3)
    services, tried = shop.api.services, list[datetime]()
    real = services.segments.member_count
    impatient = Questions(shop.api.services.store._database, 0.1)

    async def slowly(segment: Segment, now: Now) -> int:
        if segment.id == slow:
            tried.append(now.at)
            await impatient.answer("customers", _BUSY)
        return await real(segment, now)

    monkeypatch.setattr(services.segments, "member_count", slowly)
    with structlog.testing.capture_logs() as logged:
        for minutes in range(40):
            await shop.sample(NOON + minutes * MINUTE)

    assert [at - NOON for at in tried] == [n * MINUTE for n in (0, 5, 15, 35)]
    assert shop.points() == {id_: [1] for id_ in others}
    assert [entry["segment"] for entry in logged] == [slow] * 4
    assert str(logged[0]["error"]).startswith("The database did not answer within 0.1 s")
    assert logged[0]["again_at"] == "2026-03-29T12:05:00+00:00"

    # Mended, it is like all others.
    monkeypatch.setattr(services.segments, "member_count", real)
    await shop.sample(NOON + 2 * HOUR)
    await shop.sample(NOON + 3 * HOUR)
    assert shop.points()[slow] == [1, 1]


async def test_the_longest_wait_is_a_day(shop: Shop) -> None:
    await shop.segments(1)
    schedule: SizeSchedule = shop.api.services.store.size_schedule
    await schedule.fill(NOON, NOON + HOUR)
    shop.api.database.sizeSchedule.update_one({}, {"$set": {"taken": 10_000}})

    due = await schedule.take(NOON)

    assert due is not None
    assert due.again == NOON + timedelta(days=1)


async def test_a_filter_that_is_none_any_more_stops_nobody_else(shop: Shop) -> None:
    broken, other = await shop.segments(2)
    shop.api.database.segments.update_one(
        {"name": "segment 0"}, {"$set": {"filter": {"attribute": {"path": "gone"}}}}
    )
    with structlog.testing.capture_logs() as logged:
        await shop.sample(NOON)

    assert shop.points() == {other: [0]}
    assert [entry["segment"] for entry in logged] == [broken]


async def test_what_is_deleted_leaves_nothing(shop: Shop) -> None:
    gone, stays = await shop.segments(2)
    await shop.sample(NOON)
    await shop.delete(gone)
    await shop.sample(NOON + HOUR)

    assert shop.points() == {gone: [0], stays: [0, 0]}
    await shop.delete(stays)
    assert shop.leftovers() == []


async def test_deleted_while_it_is_counted_it_leaves_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.segments(1)
    services = shop.api.services
    real = services.segments.member_count

    async def deleted_meanwhile(segment: Segment, now: Now) -> int:
        await shop.delete(segment.id)
        return await real(segment, now)

    monkeypatch.setattr(services.segments, "member_count", deleted_meanwhile)
    await shop.sample(NOON)

    assert shop.leftovers() == []


async def test_deleted_at_the_very_moment_it_leaves_nothing(
    shop: Shop, workers: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    (id_,) = await shop.segments(1)
    deleter, counter = workers[:2]
    real, all_but_committed, go = deleter.store.segments.delete, asyncio.Event(), asyncio.Event()

    async def held_up(*arguments: Any) -> None:
        await real(*arguments)
        all_but_committed.set()
        await go.wait()

    monkeypatch.setattr(deleter.store.segments, "delete", held_up)
    deleting = asyncio.create_task(deleter.segments.delete(id_))
    await all_but_committed.wait()
    counting = asyncio.create_task(shop.sample(NOON, counter))
    # It can't end before the other transaction does, unless it does not see that one.
    await asyncio.wait({counting}, timeout=1)
    go.set()
    await asyncio.gather(deleting, counting)

    assert shop.points() == {}
    await shop.sample(NOON + HOUR)
    assert shop.leftovers() == []


async def test_a_clock_that_went_wrong_or_a_longer_interval_is_forgotten(shop: Shop) -> None:
    (id_,) = await shop.segments(1)
    await shop.sample(NOON)
    shop.api.database.sizeSchedule.update_one({}, {"$set": {"dueAt": NOON + 1_000 * HOUR}})
    await shop.sample(NOON + MINUTE)
    await shop.sample(NOON + HOUR)

    assert shop.points() == {id_: [0, 0]}


async def test_a_worker_takes_the_first_points_as_it_starts(shop: Shop) -> None:
    ids = await shop.segments(2)
    assert shop.api.settings.redis_url
    redis = connect(shop.api.settings.redis_url.get_secret_value())
    worker = create_worker(
        worker_settings(shop.api.settings), redis_pool=redis, burst=True, handle_signals=False
    )
    try:
        await worker.async_run()
    finally:
        await close_services(worker.ctx)
        await redis.aclose()

    assert shop.points() == {id_: [0] for id_ in ids}


def _watched(
    services: Services, monkeypatch: pytest.MonkeyPatch, killed_at: int | None = None
) -> list[str]:
    """The segments that the services count, one of which is the last thing that they do."""
    real, counted = services.segments.member_count, list[str]()

    async def watched(segment: Segment, now: Now) -> int:
        counted.append(segment.id)
        if len(counted) == killed_at:
            raise asyncio.CancelledError
        return await real(segment, now)

    monkeypatch.setattr(services.segments, "member_count", watched)
    return counted
