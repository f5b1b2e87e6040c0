"""The size history between two instants, thinned for a chart; old points are sparser."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.domain.segment_sizes import (
    FULL_RESOLUTION_RETENTION,
    MAX_POINTS,
    RETENTION,
    SegmentSize,
)
from app.filters import Now
from app.filters.calendar import MILLISECOND
from tests.api import Api
from tests.sizes.conftest import SegmentSizeShop

# Not in the past: MongoDB deletes sizes that have expired by its own clock.
NOON = datetime(2099, 3, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

_ASK = (
    "query($id: ID!, $from: DateTime, $to: DateTime)"
    " { segment(id: $id) { sizeHistory(from: $from, to: $to) { at memberCount } } }"
)


async def test_both_ends_are_included(shop: SegmentSizeShop) -> None:
    (id_,) = await shop.create_segments(1)
    at = [NOON + n * HOUR for n in range(4)]
    for instant in at:
        await shop.sample_sizes(instant)

    async def between(since: datetime | None, until: datetime | None) -> list[datetime]:
        return [size.at for size in await shop.read_history(id_, NOON + 4 * HOUR, since, until)]

    assert await between(None, None) == at
    assert await between(at[1], at[2]) == at[1:3]
    assert await between(at[1] + MILLISECOND, at[2] - MILLISECOND) == []
    assert await between(at[2], None) == at[2:]
    assert await between(None, at[1]) == at[:2]
    assert await between(at[1], at[1]) == [at[1]]


async def test_the_usual_time_is_30_days(shop: SegmentSizeShop) -> None:
    (id_,) = await shop.create_segments(1)
    for days in (0, 1, 20):
        await shop.sample_sizes(NOON + timedelta(days=days))

    now = NOON + timedelta(days=31)
    assert len(await shop.read_history(id_, now)) == 2
    assert len(await shop.read_history(id_, now, None, now - timedelta(days=1))) == 3


async def test_old_days_keep_their_last_point_and_expire(
    shop: SegmentSizeShop,
) -> None:
    (id_,) = await shop.create_segments(1)
    at = [NOON + n * HOUR for n in range(60)]
    for instant in at:
        await shop.sample_sizes(instant)
    # The night of the 29th is an hour shorter in Warsaw.
    warsaw = ZoneInfo("Europe/Warsaw")
    days = {instant.astimezone(warsaw).date(): instant for instant in at}
    assert len(days) == 4

    async def seen(after: timedelta) -> list[datetime]:
        return [size.at for size in await shop.read_history(id_, at[-1] + after, NOON, None)]

    assert await seen(timedelta(0)) == at
    # Today is over when tomorrow is: what is the last of it by now is kept as such.
    assert await seen(FULL_RESOLUTION_RETENTION - 10 * HOUR - MILLISECOND) == sorted(
        {*at[49:], *days.values()}
    )
    assert await seen(FULL_RESOLUTION_RETENTION) == list(days.values())
    assert await seen(RETENTION - MILLISECOND) == at[-1:]
    assert await seen(RETENTION) == []


async def test_mongodb_deletes_expired_sizes(shop: SegmentSizeShop) -> None:
    await shop.create_segments(1)
    await shop.sample_sizes(NOON)
    (row,) = shop.api.database.segmentSizes.find()
    assert row["expiresAt"] == NOON + RETENTION

    indexes = shop.api.database.segmentSizes.index_information().values()
    assert [index["key"] for index in indexes if index.get("expireAfterSeconds") == 0] == [
        [("expiresAt", 1)]
    ]


async def test_a_chart_gets_no_more_points_than_it_can_show(shop: SegmentSizeShop) -> None:
    (id_,) = await shop.create_segments(1)
    await shop.sample_sizes(NOON)
    row = shop.api.database.segmentSizes.find_one()
    assert row is not None
    shop.api.database.segmentSizes.insert_many(
        {
            **row,
            "_id": {**row["_id"], "slot": NOON + n * HOUR},
            "at": NOON + n * HOUR,
            "memberCount": n,
        }
        for n in range(1, 2_500)
    )

    found = await shop.read_history(id_, NOON + 2_500 * HOUR, NOON, None)

    assert MAX_POINTS * 0.8 < len(found) <= MAX_POINTS
    assert [found[0].member_count, found[-1].member_count] == [0, 2_499]
    steps = {later.at - earlier.at for earlier, later in pairwise(found)}
    assert steps <= {2 * HOUR, 3 * HOUR}


async def test_segments_of_a_page_have_their_own_points(shop: SegmentSizeShop) -> None:
    (first,) = await shop.create_segments(1)
    await shop.sample_sizes(NOON)
    other = await shop.create_segment("other")
    await shop.api.upsert("somebody")
    await shop.sample_sizes(NOON + HOUR)
    without = await shop.create_segment("without")
    services = shop.api.services

    histories = await services.segment_sizes.histories(
        [without, other, first], NOON, None, 2, Now(NOON + HOUR, services.calendar)
    )

    assert histories == {
        first: [SegmentSize(NOON, 0), SegmentSize(NOON + HOUR, 1)],
        other: [SegmentSize(NOON + HOUR, 1)],
    }


async def test_over_graphql(shop: SegmentSizeShop) -> None:
    api: Api = shop.api
    await api.upsert("somebody")
    (id_,) = await shop.create_segments(1)
    now = datetime.now(UTC).replace(microsecond=0)
    await shop.sample_sizes(now - timedelta(days=31))
    for hours in (3, 2, 1):
        await shop.sample_sizes(now - hours * HOUR)

    at = [(now - hours * HOUR).isoformat().replace("+00:00", "Z") for hours in (3, 2, 1)]
    points = [{"at": instant, "memberCount": 1} for instant in at]
    assert await api.fetch(_ASK, id=id_) == {"sizeHistory": points}
    assert await api.fetch(_ASK, **{"id": id_, "from": at[1]}) == {"sizeHistory": points[1:]}
    assert await api.fetch(_ASK, id=id_, to=at[1]) == {"sizeHistory": points[:2]}
    assert await api.list_errors(_ASK, **{"id": id_, "from": at[1], "to": at[0]}) == [
        "INVALID from"
    ]


async def test_a_page_of_histories_counts_with_all_its_points(shop: SegmentSizeShop) -> None:
    sizes = "query($first: Int) { segments(first: $first) { nodes { sizeHistory { at } } } }"
    twice = "query($first: Int) { segments(first: $first) { nodes {" + "".join(
        f" {name}: sizeHistory {{ at memberCount }}" for name in "ab"
    )

    few = "query($points: Int) { segments(first: 100) { nodes {" + "".join(
        f" {name}: sizeHistory(points: $points) {{ at memberCount }}" for name in "ab"
    )
    assert await shop.api.list_errors(few + " } } }", points=300) == []
    assert await shop.api.list_errors(few + " } } }", points=400) == ["QUERY_TOO_COMPLEX"]
    assert await shop.api.list_errors(few + " } } }", points=None) == ["QUERY_TOO_COMPLEX"]
    assert await shop.api.list_errors(sizes, first=50) == []
    assert await shop.api.list_errors(twice + " } } }", first=50) == ["QUERY_TOO_COMPLEX"]
