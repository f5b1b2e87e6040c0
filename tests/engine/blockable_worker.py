"""A `segments worker` whose event loop SIGUSR1 blocks; for test_leases.py."""

import asyncio
import signal
import time

from app import logging_config
from app.settings import Settings
from workers.main import run_worker

BLOCKED_SECONDS = 10.0
BLOCKED = "the event loop is blocked"
UNBLOCKED = "the event loop runs again"


def block_event_loop() -> None:
    print(BLOCKED, flush=True)
    deadline = time.monotonic() + BLOCKED_SECONDS
    while time.monotonic() < deadline:
        sum(range(1_000))
    print(UNBLOCKED, flush=True)


async def run_blockable_worker() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, block_event_loop)
    await run_worker(Settings())


if __name__ == "__main__":
    logging_config.configure_logging("json")
    asyncio.run(run_blockable_worker())
