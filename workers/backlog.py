"""Jobs that wait are said, so that nobody has to wonder why an export does not begin."""

from datetime import timedelta
from typing import Any

import structlog

from app.queue import read_backlog

log = structlog.get_logger()

_LONG = timedelta(seconds=60)


async def say_when_jobs_pile_up(ctx: dict[Any, Any]) -> None:
    """Warns when a due job has not been started for a minute."""
    backlog = await read_backlog(ctx["redis"])
    if backlog.longest_wait > _LONG:
        seconds = round(backlog.longest_wait.total_seconds())
        log.warning("jobs wait", waiting=backlog.waiting, longest_seconds=seconds)
