"""A warning in the log when due jobs are not started."""

from datetime import timedelta
from typing import Any

import structlog

from app.job_queue import read_backlog

log = structlog.get_logger()

_MAX_WAIT = timedelta(seconds=60)


async def warn_about_job_backlog(ctx: dict[Any, Any]) -> None:
    """Logs a warning if a due job has waited for more than a minute. arq passes `ctx`."""
    backlog = await read_backlog(ctx["redis"])
    if backlog.longest_wait > _MAX_WAIT:
        longest_wait_seconds = round(backlog.longest_wait.total_seconds())
        log.warning(
            "due jobs are not started",
            waiting_jobs=backlog.waiting_count,
            longest_wait_seconds=longest_wait_seconds,
        )
