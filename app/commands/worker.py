"""segments worker"""

import asyncio
from typing import Literal

import uvloop

from app import logs
from app.commands import connected


def run(only: Literal["engine", "jobs", "consumers"] | None) -> None:
    settings = connected.settings()
    from workers.main import work

    logs.set_up(settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(settings, only))
