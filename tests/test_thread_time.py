"""The CPU time of threads is reported to the task for which they compute."""

import asyncio
import threading
from time import thread_time
from typing import Any

import pytest
from motor.frameworks import asyncio as motor_asyncio

from app.settings import Settings
from app.store import Store
from app.thread_time import report_thread_time
from app.worker_threads import run_in_thread
from tests.patience import PATIENCE_SECONDS

motor_framework: Any = motor_asyncio


def compute(seconds: float) -> None:
    started_at = thread_time()
    while thread_time() - started_at < seconds:
        pass


async def test_the_time_of_a_computation_is_reported_before_its_result() -> None:
    reports: list[float] = []
    with report_thread_time(reports.append):
        await run_in_thread(compute, 0.03)

    (seconds,) = reports
    assert 0.03 <= seconds < 0.1


async def test_the_time_of_a_failed_computation_is_reported() -> None:
    def fail() -> None:
        compute(0.01)
        raise KeyError

    reports: list[float] = []
    with report_thread_time(reports.append), pytest.raises(KeyError):
        await run_in_thread(fail)

    assert len(reports) == 1


async def test_the_time_of_the_driver_is_reported(settings: Settings) -> None:
    store = Store.connect(settings)
    reports: list[float] = []
    with report_thread_time(reports.append):
        await motor_framework.run_on_executor(asyncio.get_running_loop(), compute, 0.03)
    await store.close()

    (seconds,) = reports
    assert 0.03 <= seconds < 0.1


async def test_waiting_and_short_calls_do_not_count() -> None:
    reports: list[float] = []
    with report_thread_time(reports.append):
        await run_in_thread(threading.Event().wait, 0.02)
    await run_in_thread(compute, 0.01)

    assert reports == []


async def test_the_time_after_a_cancellation_is_reported() -> None:
    began, end = threading.Event(), threading.Event()
    reported = asyncio.get_running_loop().create_future()

    def compute_until_the_end() -> None:
        began.set()
        end.wait(10)
        compute(0.02)

    with report_thread_time(reported.set_result):
        task = asyncio.create_task(run_in_thread(compute_until_the_end))
        await asyncio.to_thread(began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end.set()

    assert await asyncio.wait_for(reported, PATIENCE_SECONDS) >= 0.02
