"""A subscriber receives the transitions of its filter once and in order, from any position of a
growing log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import pytest
import pytest_asyncio
import structlog
from redis.asyncio import Redis

from app.domain.inputs import CustomerRef
from app.domain.transitions import Transition
from app.errors import BadRequest, InputError, SlowConsumer
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.log_notifications import LogNotifications
from app.services import transition_feed
from tests.api import Api, running_api
from tests.engine.conftest import has_logged, wait_until
from tests.local_processes import running_process
from tests.loyalty_client import LoyaltyClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS = [f"customer {number}" for number in range(5)]


@dataclass
class TransitionLogShop:
    """A shop without an engine: the tests append to the log themselves."""

    loyalty_client: LoyaltyClient
    segments: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return self.loyalty_client.api

    async def append_random_transitions(self, rng: Random, number: int) -> None:
        """Appends this many transitions in batches."""
        while number > 0:
            batch_size = rng.randint(1, 40)
            await self.loyalty_client.append_entered(
                rng.choice(self.segments), *rng.choices(CUSTOMERS, k=batch_size)
            )
            number -= batch_size

    async def list_transitions(self, after: int, **filters: Any) -> list[Transition]:
        return await self.api.services.store.transitions.read_after(after, 1_000_000, **filters)

    async def end_of_log(self) -> int:
        return await self.api.services.transitions.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[TransitionLogShop]:
    async with running_api(mongod, valkey) as api:
        shop = TransitionLogShop(LoyaltyClient(api))
        program = await shop.loyalty_client.create_program("Club")
        for name in ("red", "green", "blue"):
            shop.segments.append(await shop.loyalty_client.create_segment(name))
            await shop.loyalty_client.create_rule(program, shop.segments[-1], name=name)
        shop.customers = [await api.upsert(source_id) for source_id in CUSTOMERS]
        yield shop


@asynccontextmanager
async def subscriber(
    shop: TransitionLogShop, *subscription_arguments: Any, pause_rng: Random | None = None
) -> AsyncIterator[list[Transition]]:
    """Collects what a subscriber receives; it may pause now and then."""
    received: list[Transition] = []

    async def receive_transitions() -> None:
        async with aclosing(
            shop.api.services.transitions.subscribe(*subscription_arguments)
        ) as batches:
            async for batch in batches:
                for transition in batch:
                    received.append(transition)
                    if pause_rng and pause_rng.random() < 0.02:
                        await asyncio.sleep(pause_rng.random() * 0.05)

    task = asyncio.create_task(receive_transitions())
    try:
        yield received
    finally:
        task.cancel()
        # It may have failed before.
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("seed", range(4))
async def test_each_subscriber_receives_its_part_of_a_growing_log(
    shop: TransitionLogShop, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some subscribe while the log grows, some read it from the start, some are slow."""
    monkeypatch.setattr(transition_feed, "_BATCH_SIZE", 25)
    monkeypatch.setattr("app.services.transitions._BATCH_SIZE", 30)
    rng = Random(seed)
    began = await shop.end_of_log()
    await shop.append_random_transitions(rng, 300)
    growing = asyncio.create_task(shop.append_random_transitions(rng, 1_500))

    async def follow(rng: Random) -> None:
        await asyncio.sleep(rng.random() * 0.5)
        after = rng.randint(began, await shop.end_of_log())
        segments = rng.choice([None, shop.segments[:1], shop.segments[1:]])
        who = rng.choice([None, shop.customers[0]])
        ref = None if who is None else CustomerRef.by_id(who)
        async with subscriber(shop, after, segments, ref, pause_rng=rng) as received:
            await growing
            wanted = await shop.list_transitions(after, segment_ids=segments, customer_id=who)
            await wait_until(partial(has_received, received, len(wanted)))
        assert received == wanted

    await asyncio.gather(*(follow(Random(seed + number)) for number in range(25)))


async def test_without_a_cursor_a_subscriber_gets_what_follows(shop: TransitionLogShop) -> None:
    await shop.loyalty_client.append_entered(shop.segments[0], "customer 0")
    end = await shop.end_of_log()
    async with subscriber(shop, None) as received:
        await wait_until(lambda: has_subscribers(shop))
        await shop.loyalty_client.append_entered(shop.segments[0], "customer 1")

        await wait_until(lambda: has_received(received, 1))

    assert received == await shop.list_transitions(end)


async def test_a_slow_consumer_is_closed_and_the_others_are_not(
    shop: TransitionLogShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transition_feed, "MAX_PENDING_TRANSITIONS", 10)
    end = await shop.end_of_log()
    async with aclosing(shop.api.services.transitions.subscribe(None)) as slow:
        first = asyncio.ensure_future(anext(slow))
        await wait_until(lambda: has_subscribers(shop))
        await shop.loyalty_client.append_entered(shop.segments[0], "customer 0")
        (taken,) = await first
        async with subscriber(shop, None) as received:
            await wait_until(lambda: has_subscribers(shop, 2))
            for number in range(20):
                await shop.loyalty_client.append_entered(shop.segments[0], CUSTOMERS[number % 5])
                shop.api.services.transition_feed.wake_event.set()
                await wait_until(partial(has_received, received, number + 1))

        with pytest.raises(SlowConsumer) as cut_off:
            await anext(slow)

    assert taken.sequence == cut_off.value.last_sequence == end + 1
    async with subscriber(shop, cut_off.value.last_sequence) as missed:
        await wait_until(lambda: has_received(missed, 20))
    assert missed == received


async def test_invalid_arguments_are_rejected(shop: TransitionLogShop) -> None:
    since = shop.api.services.transitions.subscribe
    unknown = f"seg_{'0' * 24}"
    for wanted, error in (
        ((None, [shop.segments[0], unknown], None), InputError),
        ((None, None, CustomerRef.by_id(f"cus_{'0' * 24}")), InputError),
        ((await shop.end_of_log() + 1, None, None), BadRequest),
    ):
        with pytest.raises(error):
            await anext(since(*wanted))


async def test_a_page_and_the_end_of_the_log_are_of_one_instant(
    shop: TransitionLogShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, log = await shop.end_of_log(), shop.api.services.store.transitions
    await shop.append_random_transitions(Random(1), 30)
    after, pages = log.read_after, 0

    async def growing(*arguments: Any, transaction: Any = None, **wanted: Any) -> list[Transition]:
        nonlocal pages
        page = await after(*arguments, transaction=transaction, **wanted)
        # The feed reads the log without a session, and needs no end.
        pages += transaction is not None
        if transaction is not None and pages <= 3:
            await shop.loyalty_client.append_entered(shop.segments[0], "customer 0")
        return page

    monkeypatch.setattr(log, "read_after", growing)
    async with subscriber(shop, began) as received:
        await wait_until(lambda: has_subscribers(shop))
        await shop.loyalty_client.append_entered(shop.segments[0], "customer 1")
        shop.api.services.transition_feed.wake_event.set()
        await wait_until(lambda: is_last_customer(received, "customer 1"))
    monkeypatch.undo()

    assert received == await shop.list_transitions(began)


async def test_a_cursor_that_a_new_primary_does_not_know_yet_is_accepted(
    shop: TransitionLogShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = shop.api.services.store.transitions
    await shop.loyalty_client.append_entered(shop.segments[0], "customer 0")
    last, end = await shop.end_of_log(), log.last_sequence

    async def late(transaction: Any = None) -> int:
        return last - 1 if transaction is None else await end(transaction)

    monkeypatch.setattr(log, "last_sequence", late)
    async with subscriber(shop, last) as received:
        await wait_until(lambda: has_subscribers(shop))
        await shop.loyalty_client.append_entered(shop.segments[0], "customer 1")
        shop.api.services.transition_feed.wake_event.set()
        await wait_until(lambda: is_last_customer(received, "customer 1"))

    assert [transition.sequence for transition in received] == [last + 1]


async def test_notifications_arrive_again_once_valkey_is_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_process(Valkey(tmp_path_factory.mktemp("valkey"))) as valkey:
        await assert_notified_after_restart(valkey)


async def assert_notified_after_restart(valkey: Valkey) -> None:
    log_grown, is_notified = asyncio.Event(), asyncio.Event()
    async with (
        Redis.from_url(valkey.url) as publisher_redis,
        Redis.from_url(valkey.url) as subscriber_redis,
    ):
        tasks = [
            asyncio.create_task(LogNotifications(publisher_redis, "shop").publish(log_grown)),
            asyncio.create_task(
                LogNotifications(subscriber_redis, "shop").subscribe(is_notified.set)
            ),
        ]

        async def is_received() -> bool:
            log_grown.set()
            return is_notified.is_set()

        await wait_until(is_received)
        with structlog.testing.capture_logs() as logs:
            valkey.stop()
            await wait_until(lambda: has_logged(logs, "can't receive log notifications; retrying"))
            valkey.start()
            valkey.wait_until_ready()
            is_notified.clear()
            await wait_until(is_received)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def has_received(received: list[Transition], number: int) -> bool:
    return len(received) >= number


async def has_subscribers(shop: TransitionLogShop, number: int = 1) -> bool:
    return shop.api.services.transition_feed.subscriber_count >= number


async def is_last_customer(received: list[Transition], customer: str) -> bool:
    return bool(received) and received[-1].details.customer_source_id == customer
