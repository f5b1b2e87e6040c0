"""Jobs that wait are said, so that nobody has to wonder why an export does not begin."""

from datetime import timedelta
from typing import Any

import structlog

from app.job_queue import read_backlog

log = structlog.get_logger()

_MAX_WAIT = timedelta(seconds=60)


async def warn_about_job_backlog(ctx: dict[Any, Any]) -> None:
    """Warns when a due job has not been started for a minute."""
    backlog = await read_backlog(ctx["redis"])
    if backlog.longest_wait > _MAX_WAIT:
        longest_wait_seconds = round(backlog.longest_wait.total_seconds())
        log.warning(
            "jobs wait", waiting=backlog.waiting_count, longest_seconds=longest_wait_seconds
        )
