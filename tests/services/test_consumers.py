"""Consumers of the transition log skip failing transitions; each transition has its effect once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import bson
import pytest
import structlog
from bson import ObjectId
from prometheus_client.parser import text_string_to_metric_families
from pymongo.errors import AutoReconnect

from app.domain.consumers import Consumer, ConsumerStatus
from app.domain.transitions import Transition
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.consumers import ConsumerRunner, Consumers, Handler
from app.store import Transaction
from app.store.collections import MAX_CUSTOMER_BYTES
from app.store.heartbeats import HEARTBEAT_TIMEOUT_SECONDS
from tests.api import Api, running_api
from tests.engine.conftest import has_logged, wait_until
from tests.loyalty_client import NOW, LoyaltyClient


class RecordingConsumer:
    """A consumer that records the transitions it handles, and raises the errors that a test
    sets."""

    def __init__(self, api: Api) -> None:
        self._effects = api.services.store._database.effects
        self._documents = api.database.effects
        self.errors_by_sequence: dict[int, Exception] = {}
        self.delay_seconds = 0.0
        self.batch_sizes: list[int] = []

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        self.batch_sizes.append(len(transitions))
        await asyncio.sleep(self.delay_seconds)
        rows = [{"_id": transition.sequence} for transition in transitions]
        await self._effects.insert_many(rows, session=transaction)
        for transition in transitions:
            if error := self.errors_by_sequence.get(transition.sequence):
                raise error

    @property
    def handled_sequences(self) -> set[int]:
        return {row["_id"] for row in self._documents.find()}

    async def has_handled(self, *sequences: int) -> bool:
        return self.handled_sequences == set(sequences)


@pytest.fixture
async def loyalty_client(mongod: Mongod, valkey: Valkey) -> AsyncIterator[LoyaltyClient]:
    async with running_api(mongod, valkey) as api:
        yield LoyaltyClient(api)


async def handle_nothing(_: Transaction, __: Sequence[Transition]) -> None:
    """A consumer without effects."""


def create_runner(
    loyalty_client: LoyaltyClient, handle: Handler, max_batch: int = 512
) -> ConsumerRunner:
    return ConsumerRunner(
        loyalty_client.api.services.store, Consumer.LOYALTY, handle, max_batch_size=max_batch
    )


@asynccontextmanager
async def running_consumers(*runners: ConsumerRunner) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(consumer_runner.run(asyncio.Event())) for consumer_runner in runners
    ]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def has_quarantined(loyalty_client: LoyaltyClient, count: int) -> bool:
    return (await fetch_status(loyalty_client)).quarantined_count == count


async def fetch_status(loyalty_client: LoyaltyClient) -> ConsumerStatus:
    consumers = (await loyalty_client.api.services.engine_status.read()).consumers
    (loyalty,) = (row for row in consumers if row.checkpoint.consumer is Consumer.LOYALTY)
    return loyalty


async def enter_customers(loyalty_client: LoyaltyClient, number: int) -> None:
    """Makes this many customers enter a segment."""
    segment = await loyalty_client.create_segment("all")
    names = [f"c{index}" for index in range(number)]
    await loyalty_client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    await loyalty_client.append_entered(segment, *names)


async def test_a_consumer_passes_over_segments_without_effects(
    loyalty_client: LoyaltyClient,
) -> None:
    api, recorder = loyalty_client.api, RecordingConsumer(loyalty_client.api)
    store = api.services.store
    runner = ConsumerRunner(
        store,
        Consumer.LOYALTY,
        recorder.handle,
        store.earning_rules.segments_used_after,
        max_batch_size=3,
    )
    used = await loyalty_client.create_segment("used")
    unused = await loyalty_client.create_segment("unused")
    program = await loyalty_client.create_program("points")
    names = [f"c{number}" for number in range(8)]
    await api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])

    async def consume() -> tuple[set[int], int]:
        while await runner.run_once():
            pass
        return recorder.handled_sequences, await store.checkpoints.get(Consumer.LOYALTY)

    # Without a rule, the checkpoint moves to the end of the log in one step.
    await loyalty_client.append_entered(used, *names)
    assert await consume() == (set(), 8)
    assert recorder.batch_sizes == []

    rule = await loyalty_client.create_rule(program, used)
    await loyalty_client.append_entered(unused, *names)
    await loyalty_client.append_left(used, *names[:4])
    await loyalty_client.append_entered(unused, *names[:1])
    assert await consume() == ({17, 18, 19, 20}, 21)
    assert recorder.batch_sizes == [3, 1]

    # A rule that has ended applies to the log up to its end.
    await loyalty_client.append_entered(used, *names[:2])
    await loyalty_client.delete_rule(rule)
    await loyalty_client.append_left(used, *names[:2])
    handled, checkpoint = await consume()
    assert ({22, 23} <= handled, 25 in handled, checkpoint) == (True, False, 25)


def insert_broken_customer(loyalty_client: LoyaltyClient, kind: str) -> dict[str, Any]:
    """Inserts a document that fails the validation of its collection, or will fail it with more
    points."""
    now = datetime.now(UTC)
    document: dict[str, Any] = {
        "_id": ObjectId(),
        "sourceId": "bad",
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        "searchWords": [],
        "searchTokens": [" bad"],
    }
    match kind:
        case "missing":
            del document["createdAt"]
        case "name":
            document["name"] = 7
        case "large":
            document["metadata"] = {"text": ""}
            free_bytes = MAX_CUSTOMER_BYTES - len(bson.encode(document))
            document["metadata"] = {"text": "x" * free_bytes}
    loyalty_client.api.database.command(
        "insert", "customers", documents=[document], bypassDocumentValidation=True
    )
    return document


@pytest.mark.parametrize("kind", ["missing", "name", "large"])
async def test_one_broken_customer_does_not_block_the_others(
    loyalty_client: LoyaltyClient, kind: str
) -> None:
    api, segment = loyalty_client.api, await loyalty_client.create_segment("all")
    await loyalty_client.create_rule(await loyalty_client.create_program("points"), segment, 5)
    good = [f"good {number}" for number in range(20)]
    await api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in good])
    bad = insert_broken_customer(loyalty_client, kind)
    await loyalty_client.append_entered(segment, *good[:10], "bad", *good[10:])

    async def points(number: int) -> bool:
        return api.database.customers.count_documents({"loyalty.points": 5}) == number

    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(api.services.consumers.run())
        try:
            await wait_until(lambda: points(20))
            seen = await fetch_status(loyalty_client)
            assert (seen.quarantined_count, seen.transitions_behind, seen.checkpoint.sequence) == (
                1,
                0,
                21,
            )
            (row,) = seen.oldest_quarantined
            assert row.transition.details.customer_source_id == "bad"
            assert row.error == "Document failed validation (MongoDB's code 121)"

            mended = {**bad, "createdAt": NOW, "name": "Bad", "metadata": {}}
            api.database.customers.replace_one({"_id": bad["_id"]}, mended)
            await wait_until(lambda: points(21))
            # The status is read with read concern majority, which may be a moment behind.
            await wait_until(lambda: has_quarantined(loyalty_client, 0))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert [entry["sequence"] for entry in logs if "transition quarantined" in entry["event"]] == [
        11
    ]
    assert api.database.ledger.count_documents({}) == 21


async def test_a_failing_batch_is_halved_down_to_the_transition(
    loyalty_client: LoyaltyClient,
) -> None:
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.errors_by_sequence = {7: KeyError("seven"), 30: ValueError("thirty")}
    await enter_customers(loyalty_client, 40)

    loyalty = create_runner(loyalty_client, recorder.handle, max_batch=16)
    while (await fetch_status(loyalty_client)).transitions_behind:
        await loyalty.run_once()

    assert recorder.handled_sequences == set(range(1, 41)) - {7, 30}
    seen = await fetch_status(loyalty_client)
    assert {row.transition.sequence: row.error for row in seen.oldest_quarantined} == {
        7: "KeyError('seven')",
        30: "ValueError('thirty')",
    }
    assert recorder.batch_sizes[:4] == [16, 8, 4, 8]


async def test_quarantine_is_tried_again_later_and_later_until_it_succeeds(
    loyalty_client: LoyaltyClient,
) -> None:
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.errors_by_sequence = {1: KeyError()}
    await enter_customers(loyalty_client, 2)
    rows = loyalty_client.api.database.quarantine

    async def was_tried(times: int) -> bool:
        return rows.count_documents({"tries": {"$gte": times}}) == 1

    async with running_consumers(create_runner(loyalty_client, recorder.handle)):
        await wait_until(lambda: was_tried(3))
        row = rows.find_one()
        assert row
        pause = row["retryAt"] - datetime.now(UTC)
        assert timedelta(seconds=2) < pause < timedelta(seconds=4.1)
        rows.update_one({}, {"$set": {"tries": 1_000, "retryAt": NOW}})
        await wait_until(lambda: was_tried(1_001))
        row = rows.find_one()
        assert row
        assert row["retryAt"] - datetime.now(UTC) < timedelta(seconds=61)
        recorder.errors_by_sequence.clear()
        rows.update_one({}, {"$set": {"retryAt": NOW}})
        await wait_until(lambda: recorder.has_handled(1, 2))
    assert (await fetch_status(loyalty_client)).quarantined_count == 0


async def test_an_outage_quarantines_no_transition(loyalty_client: LoyaltyClient) -> None:
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.errors_by_sequence = {2: AutoReconnect("gone"), 3: TimeoutError()}
    await enter_customers(loyalty_client, 4)

    async def is_held_up(by: str) -> bool:
        failure = (await fetch_status(loyalty_client)).checkpoint.failure
        return failure is not None and by in failure.message

    async with running_consumers(create_runner(loyalty_client, recorder.handle)):
        await wait_until(lambda: is_held_up("gone"))
        del recorder.errors_by_sequence[2]
        await wait_until(lambda: is_held_up("TimeoutError"))
        del recorder.errors_by_sequence[3]
        await wait_until(lambda: recorder.has_handled(1, 2, 3, 4))
    seen = await fetch_status(loyalty_client)
    assert (seen.quarantined_count, seen.checkpoint.failure) == (0, None)


async def test_a_bug_fills_the_quarantine_only_so_far(
    loyalty_client: LoyaltyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.consumers.runner.MAX_QUARANTINED_CUSTOMERS", 3)
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.errors_by_sequence = {sequence: ZeroDivisionError() for sequence in range(1, 7)}
    await enter_customers(loyalty_client, 6)

    async def is_held_up() -> bool:
        failure = (await fetch_status(loyalty_client)).checkpoint.failure
        return failure is not None and "ZeroDivisionError" in failure.message

    async with running_consumers(create_runner(loyalty_client, recorder.handle)):
        await wait_until(is_held_up)
        seen = await fetch_status(loyalty_client)
        assert (seen.quarantined_count, seen.checkpoint.sequence, seen.transitions_behind) == (
            3,
            3,
            3,
        )
        recorder.errors_by_sequence.clear()
        loyalty_client.api.database.quarantine.update_many({}, {"$set": {"retryAt": NOW}})
        await wait_until(lambda: recorder.has_handled(*range(1, 7)))
    seen = await fetch_status(loyalty_client)
    assert (seen.quarantined_count, seen.checkpoint.failure) == (0, None)


async def test_three_workers_are_as_fast_as_one_where_a_batch_outlasts_a_presence(
    loyalty_client: LoyaltyClient,
) -> None:
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.delay_seconds = HEARTBEAT_TIMEOUT_SECONDS + 1
    await enter_customers(loyalty_client, 5)

    began = monotonic()
    async with running_consumers(
        *(create_runner(loyalty_client, recorder.handle) for _ in range(3))
    ):
        await wait_until(lambda: recorder.has_handled(1, 2, 3, 4, 5))
    assert monotonic() - began < recorder.delay_seconds + 10
    assert recorder.batch_sizes == [5]


async def test_a_new_consumer_starts_at_the_end_of_the_log(loyalty_client: LoyaltyClient) -> None:
    await enter_customers(loyalty_client, 3)
    database, recorder = loyalty_client.api.database, RecordingConsumer(loyalty_client.api)
    database.checkpoints.delete_many({})
    await loyalty_client.api.services.store.prepare()
    await loyalty_client.append_entered(await loyalty_client.create_segment("later"), "c0")
    await loyalty_client.api.services.store.prepare()

    while await create_runner(loyalty_client, recorder.handle).run_once():
        pass
    assert recorder.handled_sequences == {4}


async def test_a_transition_in_quarantine_outlives_the_log(loyalty_client: LoyaltyClient) -> None:
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.errors_by_sequence = {1: KeyError()}
    await enter_customers(loyalty_client, 3)
    loyalty = create_runner(loyalty_client, recorder.handle)
    while (await fetch_status(loyalty_client)).transitions_behind:
        await loyalty.run_once()
    # The log keeps what another consumer has yet to handle.
    for consumer in {*Consumer} - {Consumer.LOYALTY}:
        runner = ConsumerRunner(loyalty_client.api.services.store, consumer, handle_nothing)
        while await runner.run_once():
            pass
    assert (
        await loyalty_client.api.services.transitions.trim_log(
            timedelta(hours=1), NOW + timedelta(2)
        )
        == 3
    )

    recorder.errors_by_sequence.clear()
    async with running_consumers(loyalty):
        await wait_until(lambda: recorder.has_handled(1, 2, 3))


async def test_prometheus_reports_its_lag(loyalty_client: LoyaltyClient) -> None:
    recorder = RecordingConsumer(loyalty_client.api)
    recorder.errors_by_sequence = {1: KeyError()}
    await enter_customers(loyalty_client, 8)

    async def samples() -> dict[str, float]:
        answer = await loyalty_client.api.http_client.get("/metrics")
        return {
            sample.name.removeprefix("segments_consumer_"): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.labels.get("consumer") == "loyalty"
        }

    before = await samples()
    age = (datetime.now(UTC) - NOW).total_seconds()
    assert before.pop("lag_seconds") == pytest.approx(age, abs=60)
    assert before == {"lag_transitions": 8, "quarantined_transitions": 0, "failing": 0}
    loyalty = create_runner(loyalty_client, recorder.handle)
    while (await fetch_status(loyalty_client)).transitions_behind:
        await loyalty.run_once()
    after = {"lag_transitions": 0, "lag_seconds": 0, "quarantined_transitions": 1, "failing": 0}
    assert await samples() == after
    await loyalty_client.api.services.store.checkpoints.save_failure(Consumer.LOYALTY, "$broken")
    assert (await samples())["failing"] == 1


async def test_a_consumer_that_dies_is_started_again(loyalty_client: LoyaltyClient) -> None:
    recorder, store = RecordingConsumer(loyalty_client.api), loyalty_client.api.services.store
    handlers = dict.fromkeys(Consumer, handle_nothing) | {Consumer.LOYALTY: recorder.handle}
    consumers = Consumers(store, handlers)
    await enter_customers(loyalty_client, 1)
    checkpoint = loyalty_client.api.database.checkpoints.find_one_and_delete({"_id": "loyalty"})
    assert checkpoint
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(consumers.run())
        try:
            await wait_until(lambda: has_logged(logs, "consumer failed; retrying"))
            loyalty_client.api.database.checkpoints.insert_one(checkpoint)
            await wait_until(lambda: recorder.has_handled(1))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
