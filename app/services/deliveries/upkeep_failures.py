"""Failures in the upkeep of single distributions: none stops the work on the others."""

from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from app.backoff import Backoff
from app.store import Store, is_outage, message_of

log = structlog.get_logger()

_FIRST_DELAY_SECONDS = 1.0
_MAX_DELAY_SECONDS = 60.0


class UpkeepFailures:
    """Runs work on single distributions, and retries what fails with a back-off for each.

    A failure is recorded with the distribution, for `engineStatus` and `segments doctor`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # By task and distribution: the back-off, and when to try again by the monotonic clock.
        self._retries: dict[tuple[str, str], tuple[Backoff, float]] = {}

    async def forget(self) -> None:
        """Forgets all failures, so that everything is tried now."""
        self._retries.clear()
        await self._store.distributions.clear_upkeep_failures()

    async def run(
        self, task: str, distribution_id: str, work: Callable[[], Awaitable[bool]]
    ) -> bool:
        """Returns what `work` returns: whether there may be more to do. Returns False if it fails,
        or if it has failed and its next attempt is not due. Raises only outages of MongoDB."""
        key = (task, distribution_id)
        backoff, retry_at = self._retries.get(key, (None, 0.0))
        if monotonic() < retry_at:
            return False
        try:
            may_have_more = await work()
        except Exception as error:
            backoff = backoff or Backoff(_FIRST_DELAY_SECONDS, _MAX_DELAY_SECONDS)
            delay_seconds = backoff.next_delay()
            self._retries[key] = backoff, monotonic() + delay_seconds
            if is_outage(error):
                raise
            await self._record(task, distribution_id, error, delay_seconds)
            return False
        if backoff is not None:
            del self._retries[key]
            await self._store.distributions.clear_upkeep_failure(distribution_id, task)
        return may_have_more

    async def _record(
        self, task: str, distribution_id: str, error: Exception, delay_seconds: float
    ) -> None:
        message = message_of(error)
        log.error(
            "upkeep of a distribution failed; retrying",
            task=task,
            distribution_id=distribution_id,
            error=message,
            retry_in_seconds=delay_seconds,
            exc_info=error,
        )
        await self._store.distributions.save_upkeep_failure(distribution_id, task, message)
