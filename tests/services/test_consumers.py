"""Consumers of the transition log skip failing transitions; each transition has its effect once."""

import asyncio
from datetime import UTC, datetime
from time import monotonic

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from app.domain.consumers import Consumer
from app.services.consumers import ConsumerRunner, Consumers
from app.store.heartbeats import HEARTBEAT_TIMEOUT_SECONDS
from tests.engine.conftest import has_logged, wait_until
from tests.loyalty_client import NOW, LoyaltyClient
from tests.services.recording_consumer import (
    RecordingConsumer,
    create_runner,
    enter_customers,
    fetch_status,
    handle_nothing,
    running_consumers,
)


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
