"""Checks that workers take up exports."""

from datetime import timedelta

from app.domain.engine_status import EngineStatus
from app.services.health.finding import Finding

_MAX_WAIT = timedelta(minutes=1)


def check(status: EngineStatus) -> Finding:
    summary = status.exports
    state = (
        f"{summary.scheduled:,} scheduled, {summary.in_progress:,} in progress,"
        f" {summary.failed:,} failed in the last 30 days"
    )
    since = summary.waiting_since
    is_late = since is not None and status.observed_at - since > _MAX_WAIT
    return Finding("exports", state, "start `segments worker`, one or more" if is_late else "")
