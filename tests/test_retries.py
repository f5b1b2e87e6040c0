"""A loop that retries after failures ends when its task is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from app.services.consumers import keep_running
from app.services.polling import poll_forever
from tests.patience import PATIENCE_SECONDS

Work = Callable[[], Awaitable[bool]]


async def _fail_in_cleanup(started: asyncio.Event) -> bool:
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        # As the release of a lease does while MongoDB is unreachable.
        raise AutoReconnect


async def _fail_in_a_group(started: asyncio.Event) -> bool:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_fail_in_cleanup(started))
    return False


async def _keep_running(work: Work) -> None:
    async def run() -> None:
        await work()

    await keep_running("test", run)


async def _poll(work: Work) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    await poll_forever(work, wait, "can't read")


@pytest.mark.parametrize(
    ("retry", "work"),
    [
        (_keep_running, _fail_in_cleanup),
        (_keep_running, _fail_in_a_group),
        (_poll, _fail_in_cleanup),
    ],
)
async def test_a_cancellation_ends_it_although_the_cleanup_fails(
    retry: Callable[[Work], Coroutine[Any, Any, None]],
    work: Callable[[asyncio.Event], Awaitable[bool]],
) -> None:
    started = asyncio.Event()
    retrying = asyncio.create_task(retry(partial(work, started)))
    await started.wait()
    retrying.cancel()
    await asyncio.wait({retrying}, timeout=PATIENCE_SECONDS)
    assert retrying.cancelled()
