"""Consumers of the transition log: what fails is passed by, and nothing is lost or done twice."""

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
from app.services.consumers import ConsumerRunner, Consumers, Handle
from app.store import Transaction
from app.store.collections import LARGEST_CUSTOMER
from app.store.presence import PRESENCE_SECONDS
from tests.api import Api, running
from tests.club import NOW, Club
from tests.engine.conftest import until


class Recorder:
    """A consumer that notes what it has handled, and fails as it is told."""

    def __init__(self, api: Api) -> None:
        self._effects = api.services.store._database.effects
        self._documents = api.database.effects
        self.failing: dict[int, Exception] = {}
        self.seconds = 0.0
        self.batches: list[int] = []

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        self.batches.append(len(transitions))
        await asyncio.sleep(self.seconds)
        rows = [{"_id": each.sequence} for each in transitions]
        await self._effects.insert_many(rows, session=transaction)
        for each in transitions:
            if error := self.failing.get(each.sequence):
                raise error

    @property
    def handled(self) -> set[int]:
        return {row["_id"] for row in self._documents.find()}

    async def has(self, *sequences: int) -> bool:
        return self.handled == set(sequences)


@pytest.fixture
async def club(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Club]:
    async with running(mongod, valkey) as api:
        yield Club(api)


def runner(club: Club, handle: Handle, max_batch: int = 512) -> ConsumerRunner:
    return ConsumerRunner(club.api.services.store, Consumer.LOYALTY, handle, max_batch)


@asynccontextmanager
async def at_work(*runners: ConsumerRunner) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run(asyncio.Event())) for each in runners]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def status(club: Club) -> ConsumerStatus:
    (consumer,) = (await club.api.services.engine_status.now()).consumers
    return consumer


async def enter(club: Club, number: int) -> None:
    """So many customers enter a segment."""
    segment = await club.segment("all")
    names = [f"c{each}" for each in range(number)]
    await club.api.many("customersUpsert", [{"sourceId": name} for name in names])
    await club.enters(segment, *names)


def broken(club: Club, kind: str) -> dict[str, Any]:
    """A document that was written past the collection's rules, or that points lift over them."""
    now = datetime.now(UTC)
    document: dict[str, Any] = {
        "_id": ObjectId(),
        "sourceId": "bad",
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        "search": ["bad"],
    }
    match kind:
        case "missing":
            del document["createdAt"]
        case "name":
            document["name"] = 7
        case "large":
            document["metadata"] = {"text": ""}
            room = LARGEST_CUSTOMER - len(bson.encode(document))
            document["metadata"] = {"text": "x" * room}
    club.api.database.command(
        "insert", "customers", documents=[document], bypassDocumentValidation=True
    )
    return document


@pytest.mark.parametrize("kind", ["missing", "name", "large"])
async def test_one_bad_customer_passes_everybody_else(club: Club, kind: str) -> None:
    api, segment = club.api, await club.segment("all")
    await club.rule(await club.program("points"), segment, 5)
    good = [f"good {number}" for number in range(20)]
    await api.many("customersUpsert", [{"sourceId": name} for name in good])
    bad = broken(club, kind)
    await club.enters(segment, *good[:10], "bad", *good[10:])

    async def points(number: int) -> bool:
        return api.database.customers.count_documents({"loyalty.points": 5}) == number

    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(api.services.consumers.run())
        try:
            await until(lambda: points(20))
            seen = await status(club)
            assert (seen.quarantined, seen.behind, seen.checkpoint.sequence) == (1, 0, 21)
            (row,) = seen.quarantine
            assert row.transition.crossing.customer_source_id == "bad"
            assert row.error == "Document failed validation (MongoDB's code 121)"

            mended = {**bad, "createdAt": NOW, "name": "Bad", "metadata": {}}
            api.database.customers.replace_one({"_id": bad["_id"]}, mended)
            await until(lambda: points(21))
            assert (await status(club)).quarantined == 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert [each["sequence"] for each in logs if "is in quarantine" in each["event"]] == [11]
    assert api.database.ledger.count_documents({}) == 21


async def test_a_failing_batch_is_halved_down_to_the_transition(club: Club) -> None:
    recorder = Recorder(club.api)
    recorder.failing = {7: KeyError("seven"), 30: ValueError("thirty")}
    await enter(club, 40)

    loyalty = runner(club, recorder.handle, max_batch=16)
    while (await status(club)).behind:
        await loyalty.run_once()

    assert recorder.handled == set(range(1, 41)) - {7, 30}
    seen = await status(club)
    assert {row.transition.sequence: row.error for row in seen.quarantine} == {
        7: "KeyError('seven')",
        30: "ValueError('thirty')",
    }
    assert recorder.batches[:4] == [16, 8, 4, 8]


async def test_quarantine_is_tried_again_later_and_later_until_it_succeeds(club: Club) -> None:
    recorder = Recorder(club.api)
    recorder.failing = {1: KeyError()}
    await enter(club, 2)
    rows = club.api.database.quarantine

    async def was_tried(times: int) -> bool:
        return rows.count_documents({"tries": {"$gte": times}}) == 1

    async with at_work(runner(club, recorder.handle)):
        await until(lambda: was_tried(3))
        row = rows.find_one()
        assert row
        pause = row["againAt"] - datetime.now(UTC)
        assert timedelta(seconds=2) < pause < timedelta(seconds=4.1)
        rows.update_one({}, {"$set": {"tries": 1_000, "againAt": NOW}})
        await until(lambda: was_tried(1_001))
        row = rows.find_one()
        assert row
        assert row["againAt"] - datetime.now(UTC) < timedelta(seconds=61)
        recorder.failing.clear()
        rows.update_one({}, {"$set": {"againAt": NOW}})
        await until(lambda: recorder.has(1, 2))
    assert (await status(club)).quarantined == 0


async def test_an_outage_is_no_transitions_fault(club: Club) -> None:
    recorder = Recorder(club.api)
    recorder.failing = {2: AutoReconnect("gone"), 3: TimeoutError()}
    await enter(club, 4)

    async def is_held_up(by: str) -> bool:
        failure = (await status(club)).checkpoint.failure
        return failure is not None and by in failure.message

    async with at_work(runner(club, recorder.handle)):
        await until(lambda: is_held_up("gone"))
        del recorder.failing[2]
        await until(lambda: is_held_up("TimeoutError"))
        del recorder.failing[3]
        await until(lambda: recorder.has(1, 2, 3, 4))
    seen = await status(club)
    assert (seen.quarantined, seen.checkpoint.failure) == (0, None)


async def test_a_bug_fills_the_quarantine_only_so_far(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.consumers.runner.MAX_QUARANTINED_CUSTOMERS", 3)
    recorder = Recorder(club.api)
    recorder.failing = {each: ZeroDivisionError() for each in range(1, 7)}
    await enter(club, 6)

    async def is_held_up() -> bool:
        failure = (await status(club)).checkpoint.failure
        return failure is not None and "ZeroDivisionError" in failure.message

    async with at_work(runner(club, recorder.handle)):
        await until(is_held_up)
        seen = await status(club)
        assert (seen.quarantined, seen.checkpoint.sequence, seen.behind) == (3, 3, 3)
        recorder.failing.clear()
        club.api.database.quarantine.update_many({}, {"$set": {"againAt": NOW}})
        await until(lambda: recorder.has(*range(1, 7)))
    seen = await status(club)
    assert (seen.quarantined, seen.checkpoint.failure) == (0, None)


async def test_three_workers_are_as_fast_as_one_where_a_batch_outlasts_a_presence(
    club: Club,
) -> None:
    recorder = Recorder(club.api)
    recorder.seconds = PRESENCE_SECONDS + 1
    await enter(club, 5)

    began = monotonic()
    async with at_work(*(runner(club, recorder.handle) for _ in range(3))):
        await until(lambda: recorder.has(1, 2, 3, 4, 5))
    assert monotonic() - began < recorder.seconds + 10
    assert recorder.batches == [5]


async def test_a_new_consumer_starts_at_the_end_of_the_log(club: Club) -> None:
    await enter(club, 3)
    database, recorder = club.api.database, Recorder(club.api)
    database.checkpoints.delete_many({})
    await club.api.services.store.prepare()
    await club.enters(await club.segment("later"), "c0")
    await club.api.services.store.prepare()

    while await runner(club, recorder.handle).run_once():
        pass
    assert recorder.handled == {4}


async def test_a_transition_in_quarantine_outlives_the_log(club: Club) -> None:
    recorder = Recorder(club.api)
    recorder.failing = {1: KeyError()}
    await enter(club, 3)
    loyalty = runner(club, recorder.handle)
    while (await status(club)).behind:
        await loyalty.run_once()
    assert await club.api.services.transitions.trim(timedelta(hours=1), NOW + timedelta(2)) == 3

    recorder.failing.clear()
    async with at_work(loyalty):
        await until(lambda: recorder.has(1, 2, 3))


async def test_prometheus_is_told_how_far_it_is_behind(club: Club) -> None:
    recorder = Recorder(club.api)
    recorder.failing = {1: KeyError()}
    await enter(club, 8)

    async def samples() -> dict[str, float]:
        answer = await club.api.http.get("/metrics")
        return {
            sample.name.removeprefix("segments_consumer_"): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.labels.get("consumer") == "loyalty"
        }

    before = await samples()
    age = (datetime.now(UTC) - NOW).total_seconds()
    assert before.pop("lag_seconds") == pytest.approx(age, abs=60)
    assert before == {"lag_transitions": 8, "quarantined": 0, "failing": 0}
    loyalty = runner(club, recorder.handle)
    while (await status(club)).behind:
        await loyalty.run_once()
    after = {"lag_transitions": 0, "lag_seconds": 0, "quarantined": 1, "failing": 0}
    assert await samples() == after
    await club.api.services.store.checkpoints.fail(Consumer.LOYALTY, "$broken")
    assert (await samples())["failing"] == 1


async def test_a_consumer_that_dies_is_started_again(club: Club) -> None:
    recorder, store = Recorder(club.api), club.api.services.store
    consumers = Consumers(store, {Consumer.LOYALTY: recorder.handle})
    await enter(club, 1)
    checkpoint = club.api.database.checkpoints.find_one_and_delete({})
    assert checkpoint
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(consumers.run())
        try:
            await until(lambda: is_said(logs))
            club.api.database.checkpoints.insert_one(checkpoint)
            await until(lambda: recorder.has(1))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def is_said(logs: Sequence[Any]) -> bool:
    return any(each["event"] == "a consumer of the transition log is held up" for each in logs)
