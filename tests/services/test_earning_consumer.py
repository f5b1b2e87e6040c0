"""Each transition that a rule covers gives points once, whichever process is killed."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import pytest_asyncio

from app.domain.consumers import Consumer
from app.services.consumers import ConsumerRunner
from app.services.earning_consumer import EarningConsumer
from app.store import DatabaseError
from tests.api import Api
from tests.forked_program import fork_server
from tests.local.conftest import wait_until
from tests.loyalty_client import LoyaltyClient
from tests.patience import PATIENCE_SECONDS
from tests.services.ledger_model import LedgerModel, loyalty_runner, run_consumer_until_killed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loyalty_client(api: Api) -> LoyaltyClient:
    return LoyaltyClient(api)


def create_runner(api: Api, max_batch: int = 8) -> ConsumerRunner:
    return loyalty_runner(api.services.store, max_batch)


async def drain(runner: ConsumerRunner) -> None:
    while await runner.run_once():
        pass


async def drain_despite_errors(api: Api, runner: ConsumerRunner) -> None:
    """Runs the consumer to the end of the log, and again after each error."""
    store = api.services.store
    while await store.checkpoints.get(Consumer.LOYALTY) < await store.transitions.last_sequence():
        with suppress(DatabaseError):
            await runner.run_once()


@pytest.mark.parametrize("seed", range(4))
async def test_the_ledger_equals_the_model(
    api: Api, loyalty_client: LoyaltyClient, seed: int
) -> None:
    earners = await LedgerModel.create(loyalty_client, seed)
    chance = random.Random(seed)
    for turn in range(12):
        await earners.change_random_rule()
        await earners.append_random_transitions(chance.randint(0, 12))
        await earners.change_random_rule()
        await earners.upsert_customer(chance.choice(list(earners.spent)))
        if turn % 5 == 4:
            await earners.delete_customer(chance.choice(list(earners.spent)))
        await drain(create_runner(api))
        earners.apply_log()
        earners.assert_ledger()
        await earners.adjust_random_points()
    assert sum(map(len, earners.ledger.values())) > 10


async def test_workers_side_by_side_give_points_once(
    api: Api, loyalty_client: LoyaltyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each worker believes that the other is dead.
    monkeypatch.setattr("app.store.heartbeats.HEARTBEAT_TIMEOUT_SECONDS", 0)
    earners = await LedgerModel.create(loyalty_client, 10)
    for _ in range(8):
        await earners.add_rule()

    async def others_write() -> None:
        for number in range(30):
            who = list(earners.spent)[number % 5]
            await api.upsert(who, name=f"name {number}")

    for _ in range(3):
        await earners.append_random_transitions(100)
        workers = (drain_despite_errors(api, create_runner(api, largest)) for largest in (8, 5))
        await asyncio.gather(*workers, others_write())
        earners.apply_log()
        earners.assert_ledger()


async def test_a_worker_may_be_killed_at_any_command(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    earners = await LedgerModel.create(loyalty_client, 20)
    for _ in range(8):
        await earners.add_rule()
    await earners.append_random_transitions(160)
    chance, ended = random.Random(20), []
    while 0 not in ended:
        # As if the next worker started this much later.
        api.database.heartbeats.delete_many({})
        # A worker finishes a batch within two dozen commands.
        worker = fork_server.Process(
            target=run_consumer_until_killed, args=(api.settings, chance.randint(1, 40))
        )
        worker.start()
        await asyncio.to_thread(worker.join)
        ended.append(worker.exitcode)
    assert set(ended[:-1]) == {-signal.SIGKILL}
    assert len(ended) > 8
    earners.apply_log()
    earners.assert_ledger()


async def test_one_that_is_stopped_in_the_middle_lets_the_next_go_on(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    earners, chance = await LedgerModel.create(loyalty_client, 30), random.Random(30)
    for _ in range(8):
        await earners.add_rule()
    stopped = 0
    while stopped < 12:
        await earners.append_random_transitions(20)
        task = asyncio.create_task(create_runner(api).run_once())
        await asyncio.wait([task], timeout=chance.uniform(0, 0.04))
        stopped += task.cancel()
        await asyncio.wait([task])
    async with asyncio.timeout(PATIENCE_SECONDS):
        await drain(create_runner(api))
    earners.apply_log()
    earners.assert_ledger()


async def test_a_rule_counts_by_the_customer_as_they_are_when_the_row_is_made(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("changing", metadata={"spent": 10})
    segment = await loyalty_client.create_segment("changing")
    await loyalty_client.create_rule(
        await loyalty_client.create_program("changing"), segment, ("metadata.spent", 10, 1)
    )
    await loyalty_client.append_entered(segment, "changing")
    await api.upsert("changing", metadata={"spent": 70})
    await loyalty_client.run_consumers()
    assert await loyalty_client.fetch_points("changing") == 7


async def test_a_rule_that_has_ended_still_rewards_what_was_before(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("early")
    segment = await loyalty_client.create_segment("early")
    rule = await loyalty_client.create_rule(await loyalty_client.create_program("early"), segment)
    await loyalty_client.append_entered(segment, "early")
    await loyalty_client.delete_rule(rule)
    await loyalty_client.append_entered(segment, "early")
    await loyalty_client.run_consumers()
    (entry,) = await loyalty_client.fetch_ledger("early")
    assert entry["rule"] is None


async def test_the_ledger_is_in_order_whatever_clocks_say(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    segment = await create_earning_segment(loyalty_client, "clocks")
    for ahead in (0, 3, 3, -3):
        await loyalty_client.append_entered(segment, "clocks", "clocks")
        now = datetime.now(UTC) + timedelta(hours=ahead)
        await drain(create_runner_with_clock(api, fixed_clock(now)))
    balances = [entry["balance"] for entry in await loyalty_client.fetch_ledger("clocks")]
    assert balances == list(range(80, 0, -10))


async def test_it_is_notified(
    api: Api, loyalty_client: LoyaltyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.consumers.runner._POLL_SECONDS", 3600)
    segment = await create_earning_segment(loyalty_client, "woken")
    wake = asyncio.Event()
    async with running_consumer(create_runner(api), wake):
        for number in range(1, 4):
            await loyalty_client.append_entered(segment, "woken")
            wake.set()
            await asyncio.to_thread(wait_until, partial(has_points, api, "woken", 10 * number))


async def test_it_polls(api: Api, loyalty_client: LoyaltyClient) -> None:
    segment = await create_earning_segment(loyalty_client, "polled")
    async with running_consumer(create_runner(api), asyncio.Event()):
        await loyalty_client.append_entered(segment, "polled")
        await asyncio.to_thread(wait_until, lambda: read_points(api, "polled") == 10)


async def create_earning_segment(loyalty_client: LoyaltyClient, name: str) -> str:
    """Creates a segment with a rule that gives ten points; the customer of the same name exists."""
    await loyalty_client.api.upsert(name)
    segment = await loyalty_client.create_segment(name)
    await loyalty_client.create_rule(await loyalty_client.create_program(name), segment, 10)
    return segment


def create_runner_with_clock(api: Api, clock: Callable[[], datetime]) -> ConsumerRunner:
    store = api.services.store
    return ConsumerRunner(store, Consumer.LOYALTY, EarningConsumer(store, clock).handle)


def fixed_clock(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def has_points(api: Api, source_id: str, expected_points: int) -> bool:
    return read_points(api, source_id) == expected_points


def read_points(api: Api, source_id: str) -> int:
    return int((api.read_customer_document(source_id).get("loyalty") or {}).get("points", 0))


@asynccontextmanager
async def running_consumer(runner: ConsumerRunner, wake: asyncio.Event) -> AsyncIterator[None]:
    task = asyncio.create_task(runner.run(wake))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
