"""Counters, rates and the last error of one worker, as it reports them to MongoDB."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from app.domain.engine_status import WorkerReport

# Rates are averages over about this period.
_RATE_WINDOW_SECONDS = 10.0
_MAX_ERROR_CHARACTERS = 500


class _Sample(NamedTuple):
    """The counters at an instant of the clock."""

    at_seconds: float
    changes: int
    transitions: int


class WorkerMetrics:
    """Counts commits and errors. `clock` returns seconds since an arbitrary start (monotonic)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started_at_seconds = clock()
        self._change_count = self._transition_count = self._error_count = 0
        self._samples = deque([_Sample(self._started_at_seconds, 0, 0)])
        self._error = ""
        self._failed_at_seconds = self._started_at_seconds

    def record_commit(self, changes: int, transitions: int) -> None:
        self._change_count += changes
        self._transition_count += transitions

    def record_error(self, error: str) -> None:
        self._error_count += 1
        self._error = " ".join(error.split())[:_MAX_ERROR_CHARACTERS]
        self._failed_at_seconds = self._clock()

    def report(self) -> WorkerReport:
        """Returns the present report. Rates compare with a report about 10 s ago, so call it
        regularly."""
        now = self._clock()
        sample = _Sample(now, self._change_count, self._transition_count)
        self._samples.append(sample)
        while self._samples[1].at_seconds <= now - _RATE_WINDOW_SECONDS:
            self._samples.popleft()
        first_sample = self._samples[0]
        elapsed_seconds = now - first_sample.at_seconds
        return WorkerReport(
            uptime_seconds=now - self._started_at_seconds,
            changes=sample.changes,
            transitions=sample.transitions,
            changes_per_second=(sample.changes - first_sample.changes) / elapsed_seconds
            if elapsed_seconds
            else 0.0,
            transitions_per_second=(
                (sample.transitions - first_sample.transitions) / elapsed_seconds
                if elapsed_seconds
                else 0.0
            ),
            errors=self._error_count,
            last_error=self._error,
            last_error_age_seconds=now - self._failed_at_seconds,
        )
