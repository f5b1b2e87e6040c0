"""A loop that retries after failures goes on until its task is cancelled, and ends then."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from app.own_task import run_in_own_task
from app.services.consumers import keep_running
from tests.patience import PATIENCE_SECONDS

Work = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


async def _fail_in_cleanup(started: asyncio.Event) -> None:
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        # As the release of a lease does while MongoDB is unreachable.
        raise AutoReconnect


async def _fail_in_a_group(started: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_fail_in_cleanup(started))


async def _drop_a_cancellation(started: asyncio.Event) -> None:
    started.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


@pytest.mark.parametrize("work", [_fail_in_cleanup, _fail_in_a_group, _drop_a_cancellation])
async def test_a_cancellation_ends_it_whatever_the_work_does(work: Work) -> None:
    started = asyncio.Event()
    retrying = asyncio.create_task(keep_running("test", partial(work, started)))
    await started.wait()
    retrying.cancel()
    await asyncio.wait({retrying}, timeout=PATIENCE_SECONDS)
    assert retrying.cancelled()


async def test_it_goes_on_after_a_task_of_a_group_has_failed() -> None:
    runs = 0
    ran_again = asyncio.Event()

    async def fail() -> None:
        raise AutoReconnect

    async def fail_beside_another_task() -> None:
        nonlocal runs
        runs += 1
        if runs > 1:
            ran_again.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.Event().wait())
            tasks.create_task(fail())

    retrying = asyncio.create_task(keep_running("test", fail_beside_another_task))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await ran_again.wait()
    retrying.cancel()
    await asyncio.wait({retrying})


async def test_the_result_and_the_error_are_those_of_the_work() -> None:
    async def fail() -> None:
        raise AutoReconnect

    assert await run_in_own_task(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(AutoReconnect):
        await run_in_own_task(fail())
