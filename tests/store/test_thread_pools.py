"""Each kind of work has a thread pool of its own."""

import asyncio
from threading import Event, current_thread
from typing import Any

import pytest
from motor.frameworks import asyncio as motor_asyncio

from app.settings import Settings
from app.store import Store, ThreadPool, use_thread_pool

motor_framework: Any = motor_asyncio


async def thread_name() -> str:
    """Returns the name of the thread that runs a call of the driver."""
    loop = asyncio.get_running_loop()
    name: str = await motor_framework.run_on_executor(loop, lambda: current_thread().name)
    return name


async def test_a_call_runs_on_the_thread_pool_of_its_task(settings: Settings) -> None:
    store = Store.connect(settings)
    with use_thread_pool(ThreadPool.ENGINE):
        task = asyncio.create_task(thread_name())
    assert (await thread_name()).startswith("mongodb-requests")
    assert (await task).startswith("mongodb-engine")
    await store.close()


@pytest.mark.parametrize("full", [*ThreadPool])
async def test_a_full_thread_pool_blocks_no_other(settings: Settings, full: ThreadPool) -> None:
    store = Store.connect(settings)
    loop, release = asyncio.get_running_loop(), Event()
    with use_thread_pool(full):
        blocked = [motor_framework.run_on_executor(loop, release.wait) for _ in range(100)]
    try:
        for other in ThreadPool:
            if other is not full:
                with use_thread_pool(other):
                    await store.ping()
    finally:
        release.set()
        await asyncio.gather(*blocked)
        await store.close()


async def test_stores_share_the_thread_pools_of_their_process(settings: Settings) -> None:
    first = Store.connect(settings)
    lanes = motor_framework._EXECUTOR
    second = Store.connect(settings)
    assert motor_framework._EXECUTOR is lanes
    await first.close()
    await second.close()
