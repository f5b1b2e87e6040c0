"""Deletes what deliveries need not keep, in batches.

The content of a delivery that failed stays for 30 days, so that somebody can send it again.
Finished deliveries stay for ever, or as long as SEGMENTS_DELIVERY_RETENTION_DAYS says.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

import structlog

from app.domain.consumers import Consumer
from app.domain.deliveries import FAILED_CONTENT_RETENTION
from app.store import Store

log = structlog.get_logger()

_ROWS_PER_BATCH = 1_000
# Shorter than the timeout of a job.
_SWEEP_BUDGET_SECONDS = 120


class DeliveryRetention:
    """Sweeps the deliveries. `retention` is None if finished deliveries stay for ever."""

    def __init__(
        self, store: Store, retention: timedelta | None, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._retention = retention
        self._clock = clock

    async def sweep(self) -> None:
        """Deletes for at most two minutes. The next call continues."""
        store, now, deadline = self._store, self._clock(), monotonic() + _SWEEP_BUDGET_SECONDS
        content_count = await _repeat(
            partial(store.delivery_retention.delete_failed_content, now - FAILED_CONTENT_RETENTION),
            deadline,
        )
        row_count = 0
        if self._retention is not None:
            checkpoint_sequence = await store.checkpoints.get(Consumer.DELIVERIES)
            distribution_ids = await store.distributions.without_need_of_history(
                checkpoint_sequence
            )
            for id_ in (*distribution_ids, None):
                row_count += await _repeat(
                    partial(store.delivery_retention.delete_finished, id_, now - self._retention),
                    deadline,
                )
        if content_count or row_count:
            log.info(
                "deliveries swept", deleted_contents=content_count, deleted_deliveries=row_count
            )


async def _repeat(delete: Callable[[int], Awaitable[int]], deadline: float) -> int:
    """Deletes batches until there is nothing left or the deadline has passed. Returns how many rows
    were changed."""
    total_count = 0
    while monotonic() < deadline:
        count = await delete(_ROWS_PER_BATCH)
        total_count += count
        if count < _ROWS_PER_BATCH:
            break
    return total_count
