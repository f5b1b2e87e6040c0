"""Which threads the driver's calls run on.

Motor runs each call on a thread of one pool for the whole process. Calls that wait for MongoDB for
seconds would fill it, and everything else would wait for them. Here each kind of work has threads
of its own: a lane. The lane of a call is that of the task that makes it; tasks inherit it from the
task that creates them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any, ParamSpec, TypeVar

from motor.frameworks import asyncio as motor_framework

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ThreadPool(Enum):
    """A kind of work, with the number of its threads. A pool makes threads as they are needed."""

    REQUESTS = "requests", 32
    """Single look-ups and writes: whatever names no other lane."""
    POPULATION_QUERIES = "population-queries", 3
    """Questions about all customers: so many run at a time, the others wait."""
    ENGINE = "engine", 16
    CONSUMERS = "consumers", 8
    JOBS = "jobs", 8

    def __init__(self, label: str, thread_count: int) -> None:
        self.label = label
        self.thread_count = thread_count


_current_pool: ContextVar[ThreadPool] = ContextVar("thread_pool", default=ThreadPool.REQUESTS)


@contextmanager
def use_thread_pool(pool: ThreadPool) -> Iterator[None]:
    """The driver's calls inside run on this lane, and those of tasks created inside."""
    token = _current_pool.set(pool)
    try:
        yield
    finally:
        _current_pool.reset(token)


class ThreadPoolRouter(Executor):
    """Runs each call on a thread of the lane of the task that submits it."""

    def __init__(self, population_threads: int) -> None:
        thread_counts = {pool: pool.thread_count for pool in ThreadPool} | {
            ThreadPool.POPULATION_QUERIES: population_threads
        }
        self.population_threads = population_threads
        self._executors = {
            pool: ThreadPoolExecutor(thread_count, thread_name_prefix=f"mongodb-{pool.label}")
            for pool, thread_count in thread_counts.items()
        }

    def submit(
        self,
        fn: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        return self._executors[_current_pool.get()].submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for executor in self._executors.values():
            executor.shutdown(wait, cancel_futures=cancel_futures)


def install_executor(population_threads: int) -> None:
    """Makes Motor use lanes, in the whole process. Motor has no setting for its executor."""
    framework: Any = motor_framework
    previous = framework._EXECUTOR
    if isinstance(previous, ThreadPoolRouter) and previous.population_threads == population_threads:
        return
    framework._EXECUTOR = ThreadPoolRouter(population_threads)
    previous.shutdown(wait=False)
