"""What an engine says of itself, by a clock of the test's."""

import pytest

from app.services.engine.pulse import Pulse


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse(clock)


def test_at_first_nothing_was_done(pulse: Pulse) -> None:
    report = pulse.report()

    assert (report.seconds, report.changes, report.transitions) == (0, 0, 0)
    assert (report.changes_per_second, report.transitions_per_second) == (0, 0)
    assert (report.errors, report.error) == (0, "")


def test_rates_are_those_since_it_began_and_then_of_the_last_ten_seconds(
    pulse: Pulse, clock: Clock
) -> None:
    rates = []
    for tick in range(80):
        clock.seconds += 0.5
        if tick < 40:
            pulse.beat(50, 5)
        report = pulse.report()
        rates.append((report.changes_per_second, report.transitions_per_second))

    assert rates[:40] == [(100, 10)] * 40
    assert rates[49] == (50, 5)
    assert rates[60:] == [(0, 0)] * 20
    assert rates == sorted(rates, reverse=True)
    assert (report.seconds, report.changes, report.transitions) == (40, 2_000, 200)


def test_after_a_long_silence_a_rate_is_that_of_the_silence(pulse: Pulse, clock: Clock) -> None:
    clock.seconds += 1
    pulse.report()
    pulse.beat(600, 60)
    clock.seconds += 60

    assert pulse.report().changes_per_second == 10


def test_the_last_error_stays_with_its_instant(pulse: Pulse, clock: Clock) -> None:
    pulse.fail("the first")
    clock.seconds += 1
    pulse.fail("a line\n  and another" + "!" * 10_000)
    clock.seconds += 2.5
    report = pulse.report()

    assert (report.errors, report.error_seconds) == (2, 2.5)
    assert report.error.startswith("a line and another!")
    assert len(report.error) == 500
