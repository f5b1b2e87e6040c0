"""Jobs that wait are said, so that nobody has to wonder why an export does not begin."""

from datetime import UTC, datetime
from typing import Any

import structlog
from arq.constants import default_queue_name

log = structlog.get_logger()

_LONG_SECONDS = 60


async def say_when_jobs_pile_up(ctx: dict[Any, Any]) -> None:
    """The queue is ordered by when a job is due, in milliseconds."""
    first = await ctx["redis"].zrange(default_queue_name, 0, 0, withscores=True)
    now = datetime.now(UTC).timestamp()
    waited = now - first[0][1] / 1000 if first else 0.0
    if waited > _LONG_SECONDS:
        queued = await ctx["redis"].zcount(default_queue_name, "-inf", now * 1000)
        log.warning("jobs wait", queued=queued, longest_seconds=round(waited))
