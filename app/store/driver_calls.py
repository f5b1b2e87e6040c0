"""Calls of the driver, which run on threads, and the tasks that wait for them."""

import asyncio
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

from pymongo.monitoring import CommandStartedEvent

from app.thread_time import measured

_thread = threading.local()


class CallAbandoned(Exception):
    """The call did not begin, because nobody waits for it."""


class DriverCall(Future[Any]):
    """A call of the driver, made by a task.

    The call is abandoned when its task has ended before it, because the task was cancelled. Motor's
    cursors do not pass a cancellation on to the call, so the task decides. An abandoned call that
    still waits for a thread does not begin.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__()
        self._function = measured(function)
        self._end_command: Callable[[DriverCall], None] | None = None
        self._is_abandoned = False
        self.command: CommandStartedEvent | None = None
        """The command that runs in MongoDB."""
        self._calling_task = calling_task()
        if self._calling_task:
            self._calling_task.calls.add(self)

    def run(self) -> None:
        """Runs the call on the current thread."""
        try:
            if not self.set_running_or_notify_cancel():
                return
            if self._is_abandoned:
                raise CallAbandoned
            _thread.call = self
            self.set_result(self._function())
        except BaseException as error:  # noqa: BLE001 - raised where the call is awaited
            # Without this frame, which refers to the error through `self`.
            traceback = error.__traceback__
            self.set_exception(error.with_traceback(traceback and traceback.tb_next))
        finally:
            _thread.call = None
            if self._calling_task:
                self._calling_task.calls.discard(self)

    def cancel(self) -> bool:
        is_cancelled = super().cancel()
        if not is_cancelled and not self.done():
            self.abandon()
        return is_cancelled

    def abandon(self) -> None:
        """Ends the command that runs in MongoDB, and those that begin later."""
        self._is_abandoned = True
        # Written before it is read in `begin_command`, which does it the other way round.
        if self._end_command:
            self._end_command(self)

    def begin_command(
        self, command: CommandStartedEvent, end_command: Callable[["DriverCall"], None]
    ) -> None:
        """Records a command. If the call is abandoned, `end_command` is called, on any thread."""
        self.command, self._end_command = command, end_command
        if self._is_abandoned:
            end_command(self)


def current_call() -> DriverCall | None:
    """The call that runs on this thread, if any."""
    return getattr(_thread, "call", None)


class CallingTask:
    """A task that calls the driver, and its calls in progress. Abandons them when the task ends."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task_reference = weakref.ref(task)
        self.calls: set[DriverCall] = set()
        task.add_done_callback(lambda _: self.abandon_calls())

    def is_task(self, task: asyncio.Task[Any]) -> bool:
        return self._task_reference() is task

    def abandon_calls(self) -> None:
        for call in tuple(self.calls):
            call.abandon()


_calling_task: ContextVar[CallingTask | None] = ContextVar("calling_task", default=None)


def calling_task() -> CallingTask | None:
    """The task that runs, or else the one in whose context a callback runs: Motor's cursors request
    further batches from callbacks."""
    known, task = _calling_task.get(), asyncio.current_task()
    if task is None or (known and known.is_task(task)):
        return known
    known = CallingTask(task)
    _calling_task.set(known)
    return known
