"""Thread pools for the driver's calls, one for each kind of work.

Motor runs all calls of a process on the threads of a single pool. Calls that wait for MongoDB for
seconds would fill it, and all other calls would wait for them. Here each kind of work has its own
pool. A call runs in the pool of its task; a task inherits the pool of the task that creates it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import partial
from typing import Any, ParamSpec, TypeVar

from motor.frameworks import asyncio as motor_framework

from app.store.driver_calls import DriverCall

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ThreadPool(Enum):
    """A kind of work, and the maximum number of its threads."""

    REQUESTS = "requests", 32
    """Single look-ups and writes: the default."""
    POPULATION_QUERIES = "population-queries", 3
    """Queries about all customers. Further ones wait for a thread."""
    ENGINE = "engine", 16
    CONSUMERS = "consumers", 8
    JOBS = "jobs", 8

    def __init__(self, label: str, thread_count: int) -> None:
        self.label = label
        self.thread_count = thread_count


_current_pool: ContextVar[ThreadPool] = ContextVar("thread_pool", default=ThreadPool.REQUESTS)


@contextmanager
def use_thread_pool(pool: ThreadPool) -> Iterator[None]:
    """Runs the driver's calls in this pool while the context is open, also those of new tasks."""
    token = _current_pool.set(pool)
    try:
        yield
    finally:
        _current_pool.reset(token)


class ThreadPoolRouter(Executor):
    """Runs each call on a thread of the pool of the task that submits it."""

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
        call = DriverCall(partial(fn, *args, **kwargs))
        self._executors[_current_pool.get()].submit(call.run)
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for executor in self._executors.values():
            executor.shutdown(wait, cancel_futures=cancel_futures)


def install_executor(population_threads: int) -> None:
    """Makes Motor use the thread pools in the whole process.

    Motor has no setting for its executor, so this replaces a private attribute.
    """
    framework: Any = motor_framework
    previous = framework._EXECUTOR
    if isinstance(previous, ThreadPoolRouter) and previous.population_threads == population_threads:
        return
    framework._EXECUTOR = ThreadPoolRouter(population_threads)
    previous.shutdown(wait=False)
