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


class Lane(Enum):
    """A kind of work, with the number of its threads. A pool makes threads as they are needed."""

    REQUESTS = "requests", 32
    """Single look-ups and writes: whatever names no other lane."""
    POPULATION = "population", 3
    """Questions about all customers: so many run at a time, the others wait."""
    ENGINE = "engine", 16
    CONSUMERS = "consumers", 8
    JOBS = "jobs", 8

    def __init__(self, label: str, threads: int) -> None:
        self.label = label
        self.threads = threads


_current: ContextVar[Lane] = ContextVar("lane", default=Lane.REQUESTS)


@contextmanager
def lane(chosen: Lane) -> Iterator[None]:
    """The driver's calls inside run on this lane, and those of tasks created inside."""
    before = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(before)


class LaneExecutor(Executor):
    """Runs each call on a thread of the lane of the task that submits it."""

    def __init__(self, population_threads: int) -> None:
        threads = {each: each.threads for each in Lane} | {Lane.POPULATION: population_threads}
        self.population_threads = population_threads
        self._pools = {
            each: ThreadPoolExecutor(number, thread_name_prefix=f"mongodb-{each.label}")
            for each, number in threads.items()
        }

    def submit(
        self,
        fn: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        return self._pools[_current.get()].submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait, cancel_futures=cancel_futures)


def install(population_threads: int) -> None:
    """Makes Motor use lanes, in the whole process. Motor has no setting for its executor."""
    framework: Any = motor_framework
    current = framework._EXECUTOR
    if isinstance(current, LaneExecutor) and current.population_threads == population_threads:
        return
    framework._EXECUTOR = LaneExecutor(population_threads)
    current.shutdown(wait=False)
