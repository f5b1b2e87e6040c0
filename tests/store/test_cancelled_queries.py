"""MongoDB ends a query whose task is cancelled, and does not begin one that waited for a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from threading import Event
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
from motor.frameworks import asyncio as motor_asyncio

from app.store import ThreadPool, use_thread_pool
from app.store.query_budget import QueryBudget
from tests.api import Api
from tests.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

motor_framework: Any = motor_asyncio
# MongoDB joins each customer with all customers, four times.
CUSTOMER_COUNT = 300
SLOW_STAGES: list[Any] = [
    stage
    for number in range(4)
    for stage in (
        {"$lookup": {"from": "customers", "pipeline": [], "as": f"slow{number}"}},
        {"$unwind": f"$slow{number}"},
        {"$project": {"_id": 1}},
    )
]
NOW = datetime(2026, 3, 29, tzinfo=UTC)
MAX_SECONDS = 5.0

Query = Callable[[QueryBudget], Awaitable[Any]]
QUERIES: dict[str, Query] = {
    "count": lambda budget: budget.count_results("customers", SLOW_STAGES),
    "aggregate": lambda budget: budget.aggregate("customers", [*SLOW_STAGES, {"$sort": {"x": 1}}]),
    "stream": lambda budget: anext(
        budget.stream("customers", [*SLOW_STAGES, {"$match": {"x": 1}}], 1_000)
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_customers(api: Api) -> None:
    api.database.customers.insert_many(
        {"sourceId": f"{n}", "createdAt": NOW, "updatedAt": NOW, "version": 1}
        for n in range(CUSTOMER_COUNT)
    )


@pytest.mark.parametrize("name", QUERIES)
async def test_a_cancelled_query_ends(api: Api, name: str) -> None:
    task = asyncio.ensure_future(QUERIES[name](api.services.store._query_budget))
    await until(lambda: task.done() or count_running(api) == 1)
    assert not task.done(), task.result()

    task.cancel()
    started_at = monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: count_running(api) == 0)

    assert monotonic() - started_at < MAX_SECONDS


async def test_a_count_that_is_cancelled_in_the_queue_never_begins(api: Api) -> None:
    budget = api.services.store._query_budget
    loop, release = asyncio.get_running_loop(), Event()
    with use_thread_pool(ThreadPool.POPULATION_QUERIES):
        blocked = [motor_framework.run_on_executor(loop, release.wait) for _ in range(10)]
    task = asyncio.ensure_future(QUERIES["count"](budget))
    await until(lambda: is_waiting(task))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await asyncio.gather(*blocked)

    # Each of the threads runs a query after the cancelled one.
    await asyncio.gather(*(budget.count("customers", {}) for _ in range(10)))

    assert count_running(api) == 0


def is_waiting(task: "asyncio.Future[Any]") -> bool:
    """Whether the task waits for the driver."""
    return isinstance(task, asyncio.Task) and getattr(task, "_fut_waiter", None) is not None


def count_running(api: Api) -> int:
    """Returns how many slow queries MongoDB runs."""
    operations = api.database.client.admin.aggregate([{"$currentOp": {}}])
    return sum("slow3" in str(operation.get("command")) for operation in operations)
