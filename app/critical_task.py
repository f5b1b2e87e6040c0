"""Tasks without which a process is of no use."""

import asyncio
import os
import signal
from functools import partial

import structlog

log = structlog.get_logger()


def critical_task(task: asyncio.Task[None], log_event: str) -> None:
    """The process ends with the task, unless that is cancelled: it must not look as if it still did
    what it no longer does."""
    task.add_done_callback(partial(_terminate_process, log_event))


def _terminate_process(log_event: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.critical(log_event, error=repr(task.exception()))
        os.kill(os.getpid(), signal.SIGTERM)
