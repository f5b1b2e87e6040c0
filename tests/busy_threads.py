"""Keeps the threads of a pool busy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

from motor.frameworks import asyncio as motor_asyncio

from app.store import ThreadPool, use_thread_pool

# Without types.
_motor_framework: Any = motor_asyncio
# More than any pool has threads.
_CALLS = 40


@asynccontextmanager
async def busy_threads(pool: ThreadPool) -> AsyncIterator[None]:
    """All threads of the pool wait until the context exits, and so do the calls for them."""
    loop, release = asyncio.get_running_loop(), Event()
    with use_thread_pool(pool):
        waiting = [_motor_framework.run_on_executor(loop, release.wait) for _ in range(_CALLS)]
    try:
        yield
    finally:
        release.set()
        await asyncio.gather(*waiting)
