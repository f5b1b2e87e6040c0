"""The store retries transactions as MongoDB's errors allow, and writes once."""

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
from tests.api import Api, Json, running_api
from tests.failpoints import count_failures, failing_commands

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRACK = (
    "mutation($rows: [EventInput!]!) { eventsTrack(inputs: $rows)"
    " { accepted userErrors { code path } } }"
)
WRITE_CONFLICT: Json = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
NO_SUCH_TRANSACTION: Json = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
NOT_PRIMARY: Json = {"errorCode": 10107}
INTERRUPTED: Json = {"errorCode": 11601}
CONNECTION_CLOSED: Json = {"closeConnection": True}
# The commit has happened, but the majority may not have it.
WRITE_CONCERN_TIMEOUT: Json = {
    "writeConcernError": {
        "code": 64,
        "codeName": "WriteConcernFailed",
        "errmsg": "waiting for replication timed out",
    }
}


@pytest.fixture
def source_id() -> str:
    """The sourceId of a customer of the test's own."""
    return uuid4().hex


def event_input(source_id: str, name: str = "visit") -> Json:
    return {"customer": {"sourceId": source_id}, "name": name}


def count_events(api: Api, source_id: str) -> int:
    """Returns the number of stored events; asserts that the customer's summary agrees."""
    customer = api.read_customer_document(source_id)
    event_count = api.database.events.count_documents({"customerId": customer["_id"]})
    assert customer["events"]["visit"]["count"] == event_count
    return event_count


@pytest.mark.parametrize(
    ("command", "times", "failure"),
    [
        ("find", 1, CONNECTION_CLOSED),
        ("insert", 1, WRITE_CONFLICT),
        ("update", 3, WRITE_CONFLICT),
        ("insert", 2, NOT_PRIMARY | {"errorLabels": ["TransientTransactionError"]}),
        ("insert", 1, CONNECTION_CLOSED),
        ("insert", 1, INTERRUPTED),
        ("commitTransaction", 1, NO_SUCH_TRANSACTION),
        ("commitTransaction", 3, NO_SUCH_TRANSACTION),
        ("commitTransaction", 1, INTERRUPTED),
        ("commitTransaction", 1, NOT_PRIMARY),
        ("commitTransaction", 3, NOT_PRIMARY),
        ("commitTransaction", 1, CONNECTION_CLOSED),
        ("commitTransaction", 2, CONNECTION_CLOSED),
        ("commitTransaction", 5, CONNECTION_CLOSED),
        ("commitTransaction", 1, WRITE_CONCERN_TIMEOUT),
        ("commitTransaction", 3, WRITE_CONCERN_TIMEOUT),
    ],
    ids=str,
)
async def test_the_caller_gets_the_answer_and_the_event_is_stored_once(
    api: Api, source_id: str, command: str, times: int, failure: Json
) -> None:
    await api.bulk_upsert("eventsTrack", [event_input(source_id)])
    with failing_commands(api.database, command, mode={"times": times}, **failure):
        answer = await api.execute(TRACK, rows=[event_input(source_id)])
    assert answer["data"] == {"eventsTrack": {"accepted": 1, "userErrors": []}}
    assert count_events(api, source_id) == 2


class CountingTransaction:
    """Stores a row in each run, and counts the runs."""

    def __init__(self, api: Api) -> None:
        self.rows = api.database[f"rows_{uuid4().hex}"]
        self._collection = api.services.store._database[self.rows.name]
        self.run_count = 0

    async def __call__(self, transaction: Transaction) -> int:
        self.run_count += 1
        await self._collection.insert_one({"run": self.run_count}, session=transaction)
        return self.run_count

    def stored_runs(self) -> list[Any]:
        return [row["run"] for row in self.rows.find()]


@pytest.fixture
def counting_transaction(api: Api) -> Iterator[CountingTransaction]:
    work = CountingTransaction(api)
    api.database.create_collection(work.rows.name)
    yield work
    work.rows.drop()


@pytest.mark.parametrize(
    "failure", [CONNECTION_CLOSED, WRITE_CONCERN_TIMEOUT, NOT_PRIMARY], ids=str
)
async def test_after_an_unknown_commit_the_commit_alone_is_repeated(
    api: Api, counting_transaction: CountingTransaction, failure: Json
) -> None:
    with failing_commands(api.database, "commitTransaction", mode={"times": 4}, **failure):
        assert await api.services.store.transaction(counting_transaction) == 1
    assert counting_transaction.run_count == 1
    assert counting_transaction.stored_runs() == [1]


async def test_a_lost_commit_runs_the_transaction_again(
    api: Api, counting_transaction: CountingTransaction
) -> None:
    """The new primary does not know the transaction."""
    with failures_counted(api, "commitTransaction", **CONNECTION_CLOSED) as entered:
        running = asyncio.create_task(api.services.store.transaction(counting_transaction))
        await asyncio.to_thread(entered, 2)
        with failing_commands(api.database, "commitTransaction", **NO_SUCH_TRANSACTION):
            assert await running == 2
    assert counting_transaction.stored_runs() == [2]


@contextmanager
def failures_counted(api: Api, command: str, **failure: Any) -> Iterator[Any]:
    """Yields a function that returns once the command has failed this many times."""
    wait_for_failures = count_failures(api.database)
    with failing_commands(api.database, command, mode="alwaysOn", **failure):
        yield wait_for_failures


async def test_an_error_of_the_work_ends_the_transaction(
    api: Api, counting_transaction: CountingTransaction
) -> None:
    async def broken(transaction: Transaction) -> None:
        await counting_transaction(transaction)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very one
        await api.services.store.transaction(broken)
    assert counting_transaction.run_count == 1
    assert counting_transaction.stored_runs() == []


async def test_a_session_of_the_callers_own_serves_one_transaction_after_the_other(
    api: Api, counting_transaction: CountingTransaction
) -> None:
    store = api.services.store
    async with store.session() as session:
        for failure in (NO_SUCH_TRANSACTION, CONNECTION_CLOSED, WRITE_CONCERN_TIMEOUT):
            with failing_commands(api.database, "commitTransaction", mode={"times": 2}, **failure):
                await store.transaction(counting_transaction, session)
    assert len(counting_transaction.stored_runs()) == 3


async def test_a_cancelled_caller_leaves_no_retry_behind(
    api: Api, counting_transaction: CountingTransaction
) -> None:
    with failures_counted(api, "commitTransaction", **NO_SUCH_TRANSACTION) as entered:
        running = asyncio.create_task(api.services.store.transaction(counting_transaction))
        await asyncio.to_thread(entered, 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        runs = counting_transaction.run_count
    # A later retry would write after this.
    await api.services.store.ping()
    assert counting_transaction.run_count == runs
    assert counting_transaction.stored_runs() == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def short_deadline_api(failing_mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    """The program with a short deadline for operations."""
    async with running_api(failing_mongod, valkey, operation_seconds=0.5) as api:
        yield api


@pytest.mark.parametrize("failure", [NO_SUCH_TRANSACTION, CONNECTION_CLOSED], ids=str)
async def test_at_the_deadline_the_api_answers_timeout(
    short_deadline_api: Api, source_id: str, failure: Json
) -> None:
    with failing_commands(
        short_deadline_api.database, "commitTransaction", mode="alwaysOn", **failure
    ):
        assert await short_deadline_api.list_errors(TRACK, rows=[event_input(source_id)]) == [
            "TIMEOUT"
        ]


async def test_at_the_deadline_a_worker_sees_an_error_of_the_database(
    short_deadline_api: Api,
) -> None:
    async def work(transaction: Transaction) -> None:
        await short_deadline_api.services.store.increment_revision("any", transaction)

    with (
        failing_commands(
            short_deadline_api.database, "commitTransaction", mode="alwaysOn", **NO_SUCH_TRANSACTION
        ),
        pytest.raises(TransactionTimeout, match="Nothing was written") as raised,
    ):
        await short_deadline_api.services.store.transaction(work)
    assert isinstance(raised.value, DatabaseError)
    with (
        failing_commands(
            short_deadline_api.database, "commitTransaction", mode="alwaysOn", **CONNECTION_CLOSED
        ),
        pytest.raises(TransactionTimeout, match="may have been written"),
    ):
        await short_deadline_api.services.store.transaction(work)


async def test_a_name_that_an_aborted_transaction_saw_is_added_again(
    short_deadline_api: Api, source_id: str
) -> None:
    """An election takes back what a majority does not have; here the test does."""
    api, name = short_deadline_api, f"visit of {source_id}"
    row, names = event_input(source_id, name), api.database.eventNames
    names.insert_one({"_id": name})
    with failing_commands(api.database, "commitTransaction", mode="alwaysOn", **NOT_PRIMARY):
        assert await api.list_errors(TRACK, rows=[row]) == ["TIMEOUT"]
    names.delete_one({"_id": name})

    await api.bulk_upsert("eventsTrack", [row])

    assert names.find_one({"_id": name}) is not None


async def test_many_writers_of_one_customer_take_turns(api: Api, source_id: str) -> None:
    """Without turns, the writers would abort each other many times."""
    await api.bulk_upsert("eventsTrack", [event_input(source_id)])
    before = aborted_transactions(api)

    async def write() -> None:
        for _ in range(5):
            answer = await api.execute(TRACK, rows=[event_input(source_id)])
            assert answer["data"]["eventsTrack"]["accepted"] == 1, answer

    await asyncio.gather(*(write() for _ in range(20)))
    assert count_events(api, source_id) == 101
    assert aborted_transactions(api) - before < 50


def aborted_transactions(api: Api) -> int:
    status = api.database.client.admin.command("serverStatus")
    return int(status["transactions"]["totalAborted"])


async def test_contention_for_one_customer_is_not_remembered(api: Api, source_id: str) -> None:
    await asyncio.gather(
        *(api.bulk_upsert("eventsTrack", [event_input(source_id)]) for _ in range(10))
    )
    assert contended_queue_count(api.services.store) == 0


async def test_calls_about_the_same_customers_in_any_order_pass(api: Api, source_id: str) -> None:
    rows = [event_input(f"{source_id}{number}") for number in range(10)]
    await asyncio.gather(
        *(api.bulk_upsert("eventsTrack", rows[:: 1 if number % 2 else -1]) for number in range(10))
    )
    assert [count_events(api, row["customer"]["sourceId"]) for row in rows] == [10] * 10
    assert contended_queue_count(api.services.store) == 0


def contended_queue_count(store: Store) -> int:
    return len(store._transactions._contended_keys._queues)


async def test_a_caller_cancelled_in_the_queue_lets_the_next_one_run(
    api: Api, source_id: str
) -> None:
    writing = [
        asyncio.create_task(api.bulk_upsert("eventsTrack", [event_input(source_id)]))
        for _ in range(20)
    ]
    await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
    for task in writing[::2]:
        task.cancel()
    await asyncio.gather(*writing[1::2])
    for task in writing[::2]:
        with suppress(asyncio.CancelledError):
            await task
    assert 10 <= count_events(api, source_id) <= 20
    assert contended_queue_count(api.services.store) == 0
