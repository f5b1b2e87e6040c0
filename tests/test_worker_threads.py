"""Long computations in threads, and the metric of the event loop's delay."""

import asyncio
import threading
import time

import pytest
from prometheus_client import REGISTRY

from app.loop_watchdog import watch_event_loop
from app.worker_threads import (
    ComputationCancelled,
    large_request,
    raise_if_cancelled,
    run_in_thread,
    run_in_thread_if_large,
)
from tests.patience import PATIENCE_SECONDS


async def test_a_computation_ends_when_nobody_waits_for_it() -> None:
    began, ended = threading.Event(), threading.Event()

    def compute() -> None:
        began.set()
        try:
            while True:
                raise_if_cancelled()
        except ComputationCancelled:
            ended.set()
            raise

    task = asyncio.create_task(run_in_thread(compute))
    await asyncio.to_thread(began.wait, 10)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)


async def test_two_threads_compute_at_a_time() -> None:
    release, names = threading.Event(), set()

    def compute() -> None:
        names.add(threading.current_thread().name)
        release.wait(10)

    tasks = [asyncio.create_task(run_in_thread(compute)) for _ in range(20)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(names) < 2:  # noqa: ASYNC110 - the threads tell it
            await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*tasks)

    assert len(names) == 2


async def test_only_large_requests_use_a_thread() -> None:
    this_thread = threading.get_ident()

    assert await run_in_thread_if_large(threading.get_ident) == this_thread
    with large_request():
        assert await run_in_thread_if_large(threading.get_ident) != this_thread
    assert await run_in_thread_if_large(threading.get_ident) == this_thread


async def test_outside_of_a_thread_nothing_is_cancelled() -> None:
    raise_if_cancelled()


async def test_the_metric_shows_how_long_the_event_loop_was_blocked() -> None:
    def worst_delay() -> float:
        return REGISTRY.get_sample_value("segments_event_loop_worst_delay_seconds") or 0

    task = asyncio.create_task(watch_event_loop())
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - it blocks the loop
    async with asyncio.timeout(PATIENCE_SECONDS):
        while worst_delay() < 0.2:  # noqa: ASYNC110 - the metric has no event
            await asyncio.sleep(0)
    task.cancel()
