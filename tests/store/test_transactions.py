"""Transactions are retried as MongoDB's errors allow, and write once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.store import DatabaseError, Store, Transaction
from app.store.transactions import TransactionTimeout
from tests.api import Api, Json, running
from tests.failpoints import failing

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRACK = (
    "mutation($rows: [EventInput!]!) { eventsTrack(inputs: $rows)"
    " { accepted userErrors { code path } } }"
)
WRITE_CONFLICT: Json = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
NO_SUCH_TRANSACTION: Json = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
NOT_PRIMARY: Json = {"errorCode": 10107}
CLOSED: Json = {"closeConnection": True}
# The commit has happened, and it is not known whether the majority has it.
NO_MAJORITY_YET: Json = {
    "writeConcernError": {
        "code": 64,
        "codeName": "WriteConcernFailed",
        "errmsg": "waiting for replication timed out",
    }
}


@pytest.fixture
def somebody() -> str:
    """A customer of the test's own."""
    return uuid4().hex


def _row(source_id: str, name: str = "visit") -> Json:
    return {"customer": {"sourceId": source_id}, "name": name}


def _events(api: Api, source_id: str) -> int:
    """How many are stored; as many as the customer's summary counts."""
    customer = api.stored(source_id)
    number = api.database.events.count_documents({"customerId": customer["_id"]})
    assert customer["events"]["visit"]["count"] == number
    return number


@pytest.mark.parametrize(
    ("command", "times", "failure"),
    [
        ("find", 1, CLOSED),
        ("insert", 1, WRITE_CONFLICT),
        ("update", 3, WRITE_CONFLICT),
        ("insert", 2, NOT_PRIMARY | {"errorLabels": ["TransientTransactionError"]}),
        ("insert", 1, CLOSED),
        ("commitTransaction", 1, NO_SUCH_TRANSACTION),
        ("commitTransaction", 3, NO_SUCH_TRANSACTION),
        ("commitTransaction", 1, NOT_PRIMARY),
        ("commitTransaction", 3, NOT_PRIMARY),
        ("commitTransaction", 1, CLOSED),
        ("commitTransaction", 2, CLOSED),
        ("commitTransaction", 5, CLOSED),
        ("commitTransaction", 1, NO_MAJORITY_YET),
        ("commitTransaction", 3, NO_MAJORITY_YET),
    ],
    ids=str,
)
async def test_the_caller_gets_the_answer_and_the_event_is_stored_once(
    api: Api, somebody: str, command: str, times: int, failure: Json
) -> None:
    await api.many("eventsTrack", [_row(somebody)])
    with failing(api.database, command, mode={"times": times}, **failure):
        answer = await api.answer(TRACK, rows=[_row(somebody)])
    assert answer == {"data": {"eventsTrack": {"accepted": 1, "userErrors": []}}}
    assert _events(api, somebody) == 2


class _Work:
    """Stores a row in each run, and counts the runs."""

    def __init__(self, api: Api) -> None:
        self.rows = api.database[f"rows_{uuid4().hex}"]
        self._collection = api.services.store._database[self.rows.name]
        self.runs = 0

    async def __call__(self, transaction: Transaction) -> int:
        self.runs += 1
        await self._collection.insert_one({"run": self.runs}, session=transaction)
        return self.runs

    def stored(self) -> list[Any]:
        return [row["run"] for row in self.rows.find()]


@pytest.fixture
def work(api: Api) -> Iterator[_Work]:
    work = _Work(api)
    api.database.create_collection(work.rows.name)
    yield work
    work.rows.drop()


@pytest.mark.parametrize("failure", [CLOSED, NO_MAJORITY_YET, NOT_PRIMARY], ids=str)
async def test_after_an_unknown_commit_the_commit_alone_is_repeated(
    api: Api, work: _Work, failure: Json
) -> None:
    with failing(api.database, "commitTransaction", mode={"times": 4}, **failure):
        assert await api.services.store.transaction(work) == 1
    assert work.runs == 1
    assert work.stored() == [1]


async def test_a_commit_that_turns_out_not_to_have_happened_is_run_again(
    api: Api, work: _Work
) -> None:
    """The new primary does not know the transaction."""
    with _entered(api, "commitTransaction", **CLOSED) as entered:
        running = asyncio.create_task(api.services.store.transaction(work))
        await asyncio.to_thread(entered, 2)
        with failing(api.database, "commitTransaction", **NO_SUCH_TRANSACTION):
            assert await running == 2
    assert work.stored() == [2]


@contextmanager
def _entered(api: Api, command: str, **failure: Any) -> Iterator[Any]:
    """Gives a function that returns once the command has failed so many times."""
    admin = api.database.client.admin
    before = admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"]

    def entered(times: int) -> None:
        awaited = {"waitForFailPoint": "failCommand", "timesEntered": before + times}
        admin.command({**awaited, "maxTimeMS": 30_000})

    with failing(api.database, command, mode="alwaysOn", **failure):
        yield entered


async def test_an_error_of_the_work_ends_the_transaction(api: Api, work: _Work) -> None:
    async def broken(transaction: Transaction) -> None:
        await work(transaction)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very one
        await api.services.store.transaction(broken)
    assert work.runs == 1
    assert work.stored() == []


async def test_a_session_of_the_callers_own_serves_one_transaction_after_the_other(
    api: Api, work: _Work
) -> None:
    store = api.services.store
    async with store.session() as session:
        for failure in (NO_SUCH_TRANSACTION, CLOSED, NO_MAJORITY_YET):
            with failing(api.database, "commitTransaction", mode={"times": 2}, **failure):
                await store.transaction(work, session)
    assert len(work.stored()) == 3


async def test_a_cancelled_caller_leaves_no_retry_behind(api: Api, work: _Work) -> None:
    with _entered(api, "commitTransaction", **NO_SUCH_TRANSACTION) as entered:
        running = asyncio.create_task(api.services.store.transaction(work))
        await asyncio.to_thread(entered, 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        runs = work.runs
    # Whatever comes to pass after this would come after this.
    await api.services.store.ping()
    assert work.runs == runs
    assert work.stored() == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty(failing_mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    """The program with little time for an operation."""
    async with running(failing_mongod, valkey, operation_seconds=0.5) as api:
        yield api


@pytest.mark.parametrize("failure", [NO_SUCH_TRANSACTION, CLOSED], ids=str)
async def test_at_the_deadline_the_api_answers_timeout(
    hasty: Api, somebody: str, failure: Json
) -> None:
    with failing(hasty.database, "commitTransaction", mode="alwaysOn", **failure):
        assert await hasty.refusals(TRACK, rows=[_row(somebody)]) == ["TIMEOUT"]


async def test_at_the_deadline_a_worker_sees_an_error_of_the_database(hasty: Api) -> None:
    async def work(transaction: Transaction) -> None:
        await hasty.services.store.fence("any", transaction)

    with (
        failing(hasty.database, "commitTransaction", mode="alwaysOn", **NO_SUCH_TRANSACTION),
        pytest.raises(TransactionTimeout, match="Nothing was written") as raised,
    ):
        await hasty.services.store.transaction(work)
    assert isinstance(raised.value, DatabaseError)
    with (
        failing(hasty.database, "commitTransaction", mode="alwaysOn", **CLOSED),
        pytest.raises(TransactionTimeout, match="may have been written"),
    ):
        await hasty.services.store.transaction(work)


async def test_many_writers_of_one_customer_take_turns(api: Api, somebody: str) -> None:
    """Each would else be aborted by others many times over."""
    await api.many("eventsTrack", [_row(somebody)])
    before = _aborted(api)

    async def write() -> None:
        for _ in range(5):
            answer = await api.answer(TRACK, rows=[_row(somebody)])
            assert answer["data"]["eventsTrack"]["accepted"] == 1, answer

    await asyncio.gather(*(write() for _ in range(20)))
    assert _events(api, somebody) == 101
    assert _aborted(api) - before < 50


def _aborted(api: Api) -> int:
    status = api.database.client.admin.command("serverStatus")
    return int(status["transactions"]["totalAborted"])


async def test_contention_for_one_customer_is_not_remembered(api: Api, somebody: str) -> None:
    await asyncio.gather(*(api.many("eventsTrack", [_row(somebody)]) for _ in range(10)))
    assert _contended(api.services.store) == 0


async def test_calls_about_the_same_customers_in_any_order_pass(api: Api, somebody: str) -> None:
    rows = [_row(f"{somebody}{number}") for number in range(10)]
    await asyncio.gather(
        *(api.many("eventsTrack", rows[:: 1 if number % 2 else -1]) for number in range(10))
    )
    assert [_events(api, row["customer"]["sourceId"]) for row in rows] == [10] * 10
    assert _contended(api.services.store) == 0


def _contended(store: Store) -> int:
    return len(store._transactions._contended._queues)


async def test_who_is_cancelled_in_the_queue_lets_the_next_one_through(
    api: Api, somebody: str
) -> None:
    writing = [asyncio.create_task(api.many("eventsTrack", [_row(somebody)])) for _ in range(20)]
    await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
    for task in writing[::2]:
        task.cancel()
    await asyncio.gather(*writing[1::2])
    for task in writing[::2]:
        with suppress(asyncio.CancelledError):
            await task
    assert 10 <= _events(api, somebody) <= 20
    assert _contended(api.services.store) == 0
