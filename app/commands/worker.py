"""segments worker"""

import asyncio

import uvloop

from app import logs
from app.commands import connected


def run() -> None:
    settings = connected.settings()
    from workers.main import work

    logs.set_up(settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(settings))
