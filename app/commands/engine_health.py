"""Does the engine keep up, and would it find its way back?"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from app.commands import connections, consumers_health
from app.commands.finding import Finding
from app.domain.engine_status import BoundedCount, EngineStatus
from app.errors import SegmentsError
from app.services.engine_status import EngineStatusReader
from app.settings import Settings
from app.store import DatabaseError

# In active segments time passes to the second.
_MAX_LAG = timedelta(seconds=10)
_HOUR = timedelta(hours=1)
_START_WORKERS = "start `segments worker`, one or more"


def check(settings: Settings) -> Iterator[Finding]:
    try:
        status = asyncio.run(_read_status(settings))
    except (SegmentsError, DatabaseError) as failure:
        yield Finding("engine", "can't be looked at", str(failure))
        return
    if status.lag is None:
        yield Finding("engine", "was never started here")
        return
    yield from _check_partitions(status)
    yield _check_engine(status, status.lag)
    yield _check_workers(status)
    yield _check_timers(status)
    yield from consumers_health.check(status)
    error = status.last_error
    if error is not None and (age := status.observed_at - error.occurred_at) < _HOUR:
        when_and_where = (
            f"{age.total_seconds() / 60:.0f} min ago at {error.host}, process {error.pid}"
        )
        yield Finding("engine's last error", f"{when_and_where}: {error.message}")


async def _read_status(settings: Settings) -> EngineStatus:
    async with connections.open_store(settings) as store:
        return await EngineStatusReader(store).read()


def _check_partitions(status: EngineStatus) -> Iterator[Finding]:
    for poison_change in status.poison_changes:
        state = (
            f"waits since {poison_change.first_failed_at.isoformat(timespec='seconds')}, tried {poison_change.attempts:,}"
            f" times: {poison_change.error}"
        )
        remedy = "mend the customer, or its events and orders; it is tried again by itself"
        yield Finding(f"partition {poison_change.partition}", state, remedy)


def _check_engine(status: EngineStatus, lag: timedelta) -> Finding:
    state = f"{status.active_segment_count:,} active segments, {lag.total_seconds():,.0f} s behind"
    history_window, changes = status.retention_windows.resume_window, status.changes_behind
    if history_window is not None:
        state += f" of the {history_window / _HOUR:,.1f} h that history goes back"
    if changes is not None:
        state += f", {_format_count(changes)} changes to settle"
    if status.backfilled_ratio is not None:
        state += f", {status.backfilled_ratio:.0%} of customers past the last definitions"
    if history_window is not None and lag > history_window / 2:
        return Finding("engine", state, f"{_START_WORKERS}, before history is lost")
    if status.unassigned_partition_count:
        state += f", {status.unassigned_partition_count} partitions with nobody at work"
        return Finding("engine", state, _START_WORKERS)
    return Finding("engine", state, "" if lag < _MAX_LAG else "start more workers")


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
    return Finding("wake-ups", state)


def _format_count(count: BoundedCount) -> str:
    return f"{count.number:,}" if count.is_exact else f"at least {count.number:,}"
