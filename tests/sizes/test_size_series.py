"""A series of points, thinned for a chart."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.segment_sizes import (
    DEFAULT_TIME_RANGE,
    RETENTION,
    SegmentSize,
    SizeSeries,
    resolve_time_range,
    slot_start,
)
from app.errors import InputError

NOW = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)

# MongoDB keeps milliseconds.
instants = st.integers(0, 2_000 * 86_400_000).map(lambda ago: NOW - timedelta(milliseconds=ago))
series = st.lists(instants, unique=True, max_size=60).map(
    lambda found: [SegmentSize(at, number) for number, at in enumerate(sorted(found))]
)


def downsample(sizes: list[SegmentSize], max_points: int) -> list[SegmentSize]:
    milliseconds = [round(size.at.timestamp() * 1_000) for size in sizes]
    return SizeSeries(milliseconds, [size.member_count for size in sizes]).downsample(max_points)


@given(series, st.integers(2, 40))
def test_few_points_stay_and_many_are_thinned_evenly(sizes: list[SegmentSize], most: int) -> None:
    shown = downsample(sizes, most)

    if len(sizes) <= most:
        assert shown == sizes
        return
    assert len(shown) <= most
    assert [size for size in sizes if size in shown] == shown
    assert (shown[0], shown[-1]) == (sizes[0], sizes[-1])
    # Each removed point has a later point in its slot.
    stretch = (sizes[-1].at - sizes[0].at) / (most - 1) + timedelta(milliseconds=1)
    for left_out in set(sizes) - set(shown):
        assert any(left_out.at < size.at <= left_out.at + stretch for size in shown)


def test_regular_points_stay_regular() -> None:
    hourly = [SegmentSize(NOW + n * HOUR, n) for n in range(2_001)]

    assert [size.member_count for size in downsample(hourly, 1_001)] == list(range(0, 2_001, 2))


@given(instants, st.integers(5, 1_440))
def test_an_instant_lies_in_its_slot(at: datetime, minutes: int) -> None:
    interval = timedelta(minutes=minutes)
    began = slot_start(at, interval)

    assert began <= at < began + interval
    assert slot_start(began, interval) == began


def test_slots_of_hours_are_those_of_the_clock() -> None:
    assert slot_start(NOW, HOUR) == NOW.replace(minute=0)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, (NOW - DEFAULT_TIME_RANGE, None)),
        (None, NOW - HOUR, (NOW - HOUR - DEFAULT_TIME_RANGE, NOW - HOUR)),
        (None, NOW + HOUR, (NOW + HOUR - DEFAULT_TIME_RANGE, NOW + HOUR)),
        (NOW - HOUR, None, (NOW - HOUR, None)),
        (NOW + HOUR, None, (NOW + HOUR, None)),
        (NOW, NOW, (NOW, NOW)),
        (
            None,
            datetime(1, 1, 3, tzinfo=UTC),
            (NOW - RETENTION - DEFAULT_TIME_RANGE, datetime(1, 1, 3, tzinfo=UTC)),
        ),
    ],
)
def test_missing_bounds_are_resolved(
    since: datetime | None, until: datetime | None, expected: tuple[datetime, datetime | None]
) -> None:
    assert resolve_time_range(since, until, NOW) == expected


def test_a_reversed_interval_is_rejected() -> None:
    with pytest.raises(InputError, match="swap them"):
        resolve_time_range(NOW, NOW - timedelta(milliseconds=1), NOW)
