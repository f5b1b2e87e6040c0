"""Tasks whose failure must end the process."""

import asyncio
import os
import signal
from functools import partial

import structlog

log = structlog.get_logger()


def critical_task(task: asyncio.Task[None], log_event: str) -> None:
    """Sends SIGTERM to this process when the task ends, unless the task was cancelled.

    A process that lost such a task would look alive without doing its work. `log_event` is logged
    as critical, with the task's exception.
    """
    task.add_done_callback(partial(_terminate_process, log_event))


def _terminate_process(log_event: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.critical(log_event, error=repr(task.exception()))
        os.kill(os.getpid(), signal.SIGTERM)
