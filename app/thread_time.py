"""The CPU time that threads spend for a task of the event loop."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from time import thread_time
from typing import TypeVar

Result = TypeVar("Result")
ReportSeconds = Callable[[float], None]

# To report a call takes longer than most calls of the driver.
_MIN_REPORTED_SECONDS = 0.001

_report_seconds: ContextVar[ReportSeconds | None] = ContextVar("report_seconds", default=None)


@contextmanager
def report_thread_time(report_seconds: ReportSeconds) -> Iterator[None]:
    """Until the context exits, `report_seconds` gets the CPU seconds of each call that a thread
    runs for the present task; of a cancelled call, too. It is called in the event loop, before
    the task gets the result of the call. Calls of less than a millisecond do not count."""
    token = _report_seconds.set(report_seconds)
    try:
        yield
    finally:
        _report_seconds.reset(token)


def measured(function: Callable[[], Result]) -> Callable[[], Result]:
    """The function as a thread has to call it, so that its time is reported."""
    report_seconds = _report_seconds.get()
    if report_seconds is None:
        return function
    loop = asyncio.get_running_loop()

    def call() -> Result:
        started_at = thread_time()
        try:
            return function()
        finally:
            seconds = thread_time() - started_at
            if seconds >= _MIN_REPORTED_SECONDS:
                # The process may be ending.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(report_seconds, seconds)

    return call
