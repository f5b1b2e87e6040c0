"""Runs a function in a process of its own, which shares neither an event loop nor Python's lock."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("spawn")


@contextmanager
def running_child(target: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Calls `target` with the arguments and one end of a connection; yields the other end. The
    process is terminated when the context exits."""
    own_end, child_end = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=target, args=(*arguments, child_end), daemon=True)
    process.start()
    try:
        yield own_end
    finally:
        process.terminate()
        process.join()
