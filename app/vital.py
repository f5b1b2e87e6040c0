"""Tasks without which a process is of no use."""

import asyncio
import os
import signal
from functools import partial

import structlog

log = structlog.get_logger()


def vital(task: asyncio.Task[None], complaint: str) -> None:
    """The process ends with the task, unless that is cancelled: it must not look as if it still did
    what it no longer does."""
    task.add_done_callback(partial(_end, complaint))


def _end(complaint: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.critical(complaint, error=repr(task.exception()))
        os.kill(os.getpid(), signal.SIGTERM)
