"""A worker ends when it is told to, whatever it is doing in that turn of the event loop."""

import asyncio

from app.settings import Settings
from tests.patience import PATIENCE_SECONDS
from workers.main import serve_jobs

_TURNS_OF_THE_START = 20


async def test_a_worker_of_jobs_ends_in_any_turn_of_its_start(settings: Settings) -> None:
    for turns in range(_TURNS_OF_THE_START):
        worker = asyncio.create_task(serve_jobs(settings))
        for _ in range(turns):
            await asyncio.sleep(0)
        worker.cancel()
        _, running = await asyncio.wait({worker}, timeout=PATIENCE_SECONDS)
        assert not running, f"it goes on after a cancellation in turn {turns}"
        assert worker.cancelled()
