"""Does the engine keep up, and would it find its way back?"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from app.commands import connected, consumers_health
from app.commands.finding import Finding
from app.domain.engine import Counted, EngineStatus
from app.errors import SegmentsError
from app.services.engine_status import EngineStatusReader
from app.settings import Settings
from app.store import DatabaseError

# In active segments time passes to the second.
_LATE = timedelta(seconds=10)
_HOUR = timedelta(hours=1)
_START = "start `segments worker`, one or more"


def look(settings: Settings) -> Iterator[Finding]:
    try:
        status = asyncio.run(_status(settings))
    except (SegmentsError, DatabaseError) as failure:
        yield Finding("engine", "can't be looked at", str(failure))
        return
    if status.lag is None:
        yield Finding("engine", "was never started here")
        return
    yield from _setbacks(status)
    yield _engine(status, status.lag)
    yield _workers(status)
    yield _wake_ups(status)
    yield from consumers_health.look(status)
    error = status.last_error
    if error is not None and (ago := status.at - error.at) < _HOUR:
        minutes = f"{ago.total_seconds() / 60:.0f} min ago at {error.host}, process {error.pid}"
        yield Finding("engine's last error", f"{minutes}: {error.message}")


async def _status(settings: Settings) -> EngineStatus:
    async with connected.store(settings) as store:
        return await EngineStatusReader(store).now()


def _setbacks(status: EngineStatus) -> Iterator[Finding]:
    for setback in status.setbacks:
        state = (
            f"waits since {setback.since.isoformat(timespec='seconds')}, tried {setback.tries:,}"
            f" times: {setback.error}"
        )
        mend = "mend the customer, or its events and orders; it is tried again by itself"
        yield Finding(f"partition {setback.partition}", state, mend)


def _engine(status: EngineStatus, lag: timedelta) -> Finding:
    state = f"{status.active_segments:,} active segments, {lag.total_seconds():,.0f} s behind"
    reach, changes = status.windows.reach, status.changes_behind
    if reach is not None:
        state += f" of the {reach / _HOUR:,.1f} h that history goes back"
    if changes is not None:
        state += f", {_said(changes)} changes to settle"
    if status.passed_share is not None:
        state += f", {status.passed_share:.0%} of customers past the last definitions"
    if reach is not None and lag > reach / 2:
        return Finding("engine", state, f"{_START}, before history is lost")
    if status.unheld:
        state += f", {status.unheld} partitions with nobody at work"
        return Finding("engine", state, _START)
    return Finding("engine", state, "" if lag < _LATE else "start more workers")


def _workers(status: EngineStatus) -> Finding:
    rates = (
        f"{status.changes_per_second:,.1f} changes/s,"
        f" {status.transitions_per_second:,.1f} transitions/s"
    )
    names = [f"{worker.host} {worker.pid}" for worker in status.workers]
    return Finding("workers", f"{', '.join(names) or 'none'}; {rates}")


def _wake_ups(status: EngineStatus) -> Finding:
    state = f"{_said(status.wakes_due)} due"
    if status.next_wake_at is not None:
        state += f", the next at {status.next_wake_at.isoformat(timespec='seconds')}"
    return Finding("wake-ups", state)


def _said(counted: Counted) -> str:
    return f"{counted.number:,}" if counted.exact else f"at least {counted.number:,}"
