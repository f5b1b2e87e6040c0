"""Ends a process that does not stop by itself."""

import os
import threading

import structlog

log = structlog.get_logger()


def exit_after(seconds: float) -> None:
    """Ends the process with status 1 after so many seconds, if it still runs then.

    While MongoDB is unreachable, each of the last writes waits for it. Without them, what the
    process holds expires, as after SIGKILL.
    """
    timer = threading.Timer(seconds, _exit, [seconds])
    timer.daemon = True
    timer.start()


def _exit(seconds: float) -> None:
    log.error("the process did not stop in time; ending it", seconds=seconds)
    os._exit(1)
