"""The metrics of a worker, by a clock of the test."""

import pytest

from app.services.engine.worker_metrics import WorkerMetrics


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worker_metrics(clock: FakeClock) -> WorkerMetrics:
    return WorkerMetrics(clock)


def test_initial_metrics_are_zero(worker_metrics: WorkerMetrics) -> None:
    report = worker_metrics.report()

    assert (report.uptime_seconds, report.changes, report.transitions) == (0, 0, 0)
    assert (report.changes_per_second, report.transitions_per_second) == (0, 0)
    assert (report.errors, report.last_error) == (0, "")


def test_rates_cover_the_time_since_the_start_then_the_last_ten_seconds(
    worker_metrics: WorkerMetrics, clock: FakeClock
) -> None:
    rates = []
    for tick in range(80):
        clock.seconds += 0.5
        if tick < 40:
            worker_metrics.record_commit(50, 5)
        report = worker_metrics.report()
        rates.append((report.changes_per_second, report.transitions_per_second))

    assert rates[:40] == [(100, 10)] * 40
    assert rates[49] == (50, 5)
    assert rates[60:] == [(0, 0)] * 20
    assert rates == sorted(rates, reverse=True)
    assert (report.uptime_seconds, report.changes, report.transitions) == (40, 2_000, 200)


def test_after_a_long_pause_a_rate_covers_the_pause(
    worker_metrics: WorkerMetrics, clock: FakeClock
) -> None:
    clock.seconds += 1
    worker_metrics.report()
    worker_metrics.record_commit(600, 60)
    clock.seconds += 60

    assert worker_metrics.report().changes_per_second == 10


def test_the_last_error_stays_with_its_instant(
    worker_metrics: WorkerMetrics, clock: FakeClock
) -> None:
    worker_metrics.record_error("the first")
    clock.seconds += 1
    worker_metrics.record_error("a line\n  and another" + "!" * 10_000)
    clock.seconds += 2.5
    report = worker_metrics.report()

    assert (report.errors, report.last_error_age_seconds) == (2, 2.5)
    assert report.last_error.startswith("a line and another!")
    assert len(report.last_error) == 500
