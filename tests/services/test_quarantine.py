"""A transition that a consumer can't handle waits in quarantine, and stops no other one."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
import structlog
from bson import ObjectId
from pymongo.errors import AutoReconnect

from app.domain.consumers import Consumer
from app.services.consumers import ConsumerRunner
from app.store.collections import MAX_CUSTOMER_BYTES
from tests.engine.conftest import wait_until
from tests.loyalty_client import NOW, LoyaltyClient
from tests.services.recording_consumer import (
    RecordingConsumer,
    create_runner,
    enter_customers,
    fetch_status,
    handle_nothing,
    has_quarantined,
    running_consumers,
)


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
        "searchKeys": ["-"],
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
