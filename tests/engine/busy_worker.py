"""`segments worker`, whose event loop a signal blocks: run by test_leases.py."""

import asyncio
import signal
import time

from app import logs
from app.settings import Settings
from workers.main import work

BLOCKED_SECONDS = 10.0
BLOCKED, UNBLOCKED = "the event loop is blocked", "the event loop runs again"


def _block() -> None:
    print(BLOCKED, flush=True)
    end = time.monotonic() + BLOCKED_SECONDS
    while time.monotonic() < end:
        sum(range(1_000))
    print(UNBLOCKED, flush=True)


async def _main() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _block)
    await work(Settings())


if __name__ == "__main__":
    logs.set_up("json")
    asyncio.run(_main())
