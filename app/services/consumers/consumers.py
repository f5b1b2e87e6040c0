"""Runs all consumers of the transition log."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog

from app.backoff import Backoff
from app.domain.consumers import Consumer
from app.own_task import run_in_own_task
from app.services.consumers.runner import ConsumerRunner, Handler, SegmentSelector
from app.services.polling import Signal
from app.store import Store, is_outage, message_of

log = structlog.get_logger()

PeriodicTask = Callable[[], Awaitable[bool]]

_DEADLINE_CHECK_SECONDS = 1.0
_PERIOD_SECONDS = 1.0


class Consumers:
    """Runs each consumer in a task of its own, so that none waits for another.

    `handlers` must have a function for every `Consumer`; one without a selector in
    `segment_selectors` receives the whole log. `periodic_tasks` are functions by name
    that run once a second; each returns whether there may be more to do at once.
    """

    def __init__(
        self,
        store: Store,
        handlers: Mapping[Consumer, Handler],
        segment_selectors: Mapping[Consumer, SegmentSelector] | None = None,
        periodic_tasks: Mapping[str, PeriodicTask] | None = None,
    ) -> None:
        assert handlers.keys() == set(Consumer), "every consumer has a function"
        self._store = store
        selectors = segment_selectors or {}
        self._runners = {
            consumer: ConsumerRunner(store, consumer, handler, selectors.get(consumer))
            for consumer, handler in handlers.items()
        }
        self._periodic_tasks = periodic_tasks or {}

    async def run(self, transitions_committed: Signal | None = None) -> None:
        """Runs until it is cancelled. A notification of `transitions_committed` wakes the
        consumers; otherwise they poll every second."""
        async with asyncio.TaskGroup() as tasks:
            for consumer, runner in self._runners.items():
                wake_event = (
                    transitions_committed.subscribe() if transitions_committed else asyncio.Event()
                )
                tasks.create_task(keep_running(consumer.value, partial(runner.run, wake_event)))
            for name, periodic_task in self._periodic_tasks.items():
                tasks.create_task(keep_running(name, partial(_run_periodically, periodic_task)))
            tasks.create_task(keep_running("deadlines", self._enforce_deadlines))

    async def drain(self) -> None:
        """Runs all consumers, then the periodic tasks, until this process can do no more work for
        any of them."""
        for runner in self._runners.values():
            while await runner.run_once():
                pass
        for periodic_task in self._periodic_tasks.values():
            while await periodic_task():
                pass

    async def _enforce_deadlines(self) -> None:
        """Ends transactions that killed processes left open in at_log_boundary(), which
        releases their locks."""
        while True:
            if ended_sessions := await self._store.transaction_deadlines.enforce():
                log.warning(
                    "transactions exceeded their deadlines; sessions killed",
                    killed_sessions=ended_sessions,
                )
            await asyncio.sleep(_DEADLINE_CHECK_SECONDS)


async def _run_periodically(periodic_task: PeriodicTask) -> None:
    while True:
        if not await periodic_task():
            await asyncio.sleep(_PERIOD_SECONDS)


async def keep_running(name: str, run_task: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Starts the task again, with a back-off, whenever it fails. No failure ends another task."""
    backoff = Backoff()
    while True:
        try:
            await run_in_own_task(run_task())
        except Exception as error:
            log.error(
                "consumer task failed; restarting",
                task=name,
                retry_in_seconds=backoff.delay_seconds,
                exc_info=None if is_outage(error) else error,
                error=message_of(error),
            )
        await backoff.wait()
