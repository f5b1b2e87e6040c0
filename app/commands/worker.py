"""segments worker"""

import asyncio

from app import logs
from app.commands import connected


def run() -> None:
    settings = connected.settings()
    from workers.main import work

    logs.set_up(settings.log_format)
    asyncio.run(work(settings))
