"""Checks that the engine keeps up, and that it could resume after an interruption."""

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum

from app.domain.engine_status import BoundedCount, EngineStatus, PartitionStatus
from app.services.health.finding import Finding

# An engine that keeps up is less than a second behind.
_MAX_LAG = timedelta(seconds=10)
_HOUR = timedelta(hours=1)
_START_WORKERS = "start `segments worker`, one or more"


class PartitionState(Enum):
    """Whether the engine keeps up with the changes of one partition."""

    BLOCKED = "BLOCKED"
    NO_WORKER = "NO_WORKER"
    LAGGING = "LAGGING"
    KEEPING_UP = "KEEPING_UP"


def partition_state(status: EngineStatus, partition: PartitionStatus) -> PartitionState:
    """Returns the state of a partition of the status."""
    if partition.poison_change:
        return PartitionState.BLOCKED
    if status.find_worker(partition) is None:
        return PartitionState.NO_WORKER
    is_late = status.observed_at - partition.progress.reached_at >= _MAX_LAG
    return PartitionState.LAGGING if is_late else PartitionState.KEEPING_UP


def check(status: EngineStatus) -> Iterator[Finding]:
    """Checks the partitions, the lag, the workers and the timers."""
    if status.reached_at is None:
        yield Finding("engine", "has never run on this database")
        return
    yield from _check_partitions(status)
    yield _check_engine(status)
    yield _check_workers(status)
    yield _check_timers(status)


def check_last_error(status: EngineStatus) -> Iterator[Finding]:
    """Shows the latest error of a worker. Yields nothing if it is old, or if there is none."""
    last_error = status.last_error
    if last_error is not None and (age := status.observed_at - last_error.occurred_at) < _HOUR:
        time_and_process = (
            f"{age.total_seconds() / 60:.0f} min ago on {last_error.host}, process {last_error.pid}"
        )
        yield Finding("engine's last error", f"{time_and_process}: {last_error.message}")


def _check_partitions(status: EngineStatus) -> Iterator[Finding]:
    for poison_change in status.poison_changes:
        state = (
            f"blocked since {poison_change.first_failed_at.isoformat(timespec='seconds')}"
            f" by a poison change, tried {poison_change.attempts:,} times: {poison_change.error}"
        )
        remedy = "correct the customer, its events or its orders; the engine retries by itself"
        yield Finding(f"partition {poison_change.partition}", state, remedy)


def _check_engine(status: EngineStatus) -> Finding:
    lag = status.lag
    state = f"{status.active_segment_count:,} active segments, {_format_lag(status)}"
    history_window, changes = status.retention_windows.resume_window, status.changes_behind
    if history_window is not None:
        state += f", can resume within {history_window / _HOUR:,.1f} h"
    if changes is not None:
        state += f", {_format_count(changes)} unprocessed changes"
    if status.backfilled_ratio is not None:
        state += f", {status.backfilled_ratio:.0%} of the backfill done"
    if history_window is not None and lag is not None and lag > history_window / 2:
        return Finding(
            "engine", state, f"{_START_WORKERS}, before the change stream history is lost"
        )
    if status.unassigned_partition_count:
        state += f", {status.unassigned_partition_count} partitions without a worker"
        return Finding("engine", state, _START_WORKERS)
    if lag is None:
        return Finding("engine", state, "synchronize the clocks of MongoDB's machines (NTP)")
    return Finding("engine", state, "" if lag < _MAX_LAG else "start more workers")


def _format_lag(status: EngineStatus) -> str:
    if status.lag is None:
        seconds = status.clock_reversal.total_seconds()
        return f"lag unknown, as MongoDB's clock has gone back by {seconds:,.0f} s"
    return f"{status.lag.total_seconds():,.0f} s behind"


def _check_workers(status: EngineStatus) -> Finding:
    rates = (
        f"{status.changes_per_second:,.1f} changes/s,"
        f" {status.transitions_per_second:,.1f} transitions/s"
    )
    names = [f"{worker.host} {worker.pid}" for worker in status.workers]
    return Finding("workers", f"{', '.join(names) or 'none'}; {rates}")


def _check_timers(status: EngineStatus) -> Finding:
    state = f"{_format_count(status.due_timers)} due"
    if status.next_timer_at is not None:
        state += f", the next at {status.next_timer_at.isoformat(timespec='seconds')}"
    return Finding("timers", state)


def _format_count(count: BoundedCount) -> str:
    return f"{count.number:,}" if count.is_exact else f"at least {count.number:,}"
