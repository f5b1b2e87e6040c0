"""Two threads for long computations, which would otherwise block the event loop.

Python runs one thread at a time, but the loop gets its turn every few milliseconds. Further
computations wait, so that requests cannot start any number of threads.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Event
from typing import ParamSpec, TypeVar

from app.thread_time import measured

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_THREADS = 2
_executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="computation")
_cancelled: ContextVar[Event | None] = ContextVar("cancelled", default=None)
_is_request_large: ContextVar[bool] = ContextVar("is_request_large", default=False)


class ComputationCancelled(Exception):
    """Nobody waits for the computation any more."""


async def run_in_thread(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Calls the function in one of the threads, with the context of the caller, and returns its
    result. If the caller is cancelled, the function ends at its next `raise_if_cancelled`."""
    context, cancelled = copy_context(), Event()
    context.run(_cancelled.set, cancelled)
    call = measured(partial(context.run, function, *args, **kwargs))
    try:
        return await asyncio.get_running_loop().run_in_executor(_executor, call)
    finally:
        cancelled.set()


@contextmanager
def large_request() -> Iterator[None]:
    """Makes `run_in_thread_if_large` use a thread until the context exits."""
    token = _is_request_large.set(True)
    try:
        yield
    finally:
        _is_request_large.reset(token)


def is_request_large() -> bool:
    return _is_request_large.get()


async def run_in_thread_if_large(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Calls a function whose work grows with the present request: in a thread if that is large."""
    if is_request_large():
        return await run_in_thread(function, *args, **kwargs)
    return function(*args, **kwargs)


def raise_if_cancelled() -> None:
    """A long computation calls this before each of its steps. Raises ComputationCancelled."""
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled.is_set():
        raise ComputationCancelled
