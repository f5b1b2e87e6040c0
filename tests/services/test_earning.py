"""Points are given once for each transition that a rule covers, whoever is killed meanwhile."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context

import pytest
import pytest_asyncio

from app.domain.consumers import Consumer
from app.services.consumers import ConsumerRunner
from app.services.earning import Earning
from app.store import DatabaseError
from tests.api import Api
from tests.club import Club
from tests.local.conftest import until
from tests.services.earners import Earners, earn_until_killed, earner

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(api: Api) -> Club:
    return Club(api)


def loyalty(api: Api, max_batch: int = 8) -> ConsumerRunner:
    return earner(api.services.store, max_batch)


async def drain(runner: ConsumerRunner) -> None:
    while await runner.run_once():
        pass


async def struggle(api: Api, runner: ConsumerRunner) -> None:
    """Until nothing is left, whatever others do to its transactions."""
    store = api.services.store
    while await store.checkpoints.get(Consumer.LOYALTY) < await store.transitions.end():
        with suppress(DatabaseError):
            await runner.run_once()


@pytest.mark.parametrize("seed", range(4))
async def test_the_ledger_is_what_the_log_and_the_rules_say(
    api: Api, club: Club, seed: int
) -> None:
    earners = await Earners.make(club, seed)
    chance = random.Random(seed)
    for turn in range(12):
        await earners.change_rules()
        await earners.cross(chance.randint(0, 12))
        await earners.change_rules()
        await earners.spend(chance.choice(list(earners.spent)))
        if turn % 5 == 4:
            await earners.delete(chance.choice(list(earners.spent)))
        await drain(loyalty(api))
        earners.earn()
        earners.check()
    assert sum(map(len, earners.ledger.values())) > 10


async def test_workers_side_by_side_give_points_once(
    api: Api, club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each takes the other for dead.
    monkeypatch.setattr("app.store.presence.PRESENCE_SECONDS", 0)
    earners = await Earners.make(club, 10)
    for _ in range(8):
        await earners.add_rule()

    async def others_write() -> None:
        for number in range(30):
            who = list(earners.spent)[number % 5]
            await api.upsert(who, name=f"name {number}")

    for _ in range(3):
        await earners.cross(100)
        workers = (struggle(api, loyalty(api, largest)) for largest in (8, 5))
        await asyncio.gather(*workers, others_write())
        earners.earn()
        earners.check()


async def test_a_worker_may_be_killed_at_any_word(api: Api, club: Club) -> None:
    earners = await Earners.make(club, 20)
    for _ in range(8):
        await earners.add_rule()
    await earners.cross(160)
    processes = get_context("forkserver")
    processes.set_forkserver_preload(["tests.services.earners"])
    chance, ended = random.Random(20), []
    while 0 not in ended:
        # As if it came so much later than the one that was killed before it.
        api.database.presences.delete_many({})
        # A worker is through with a batch within two dozen commands.
        worker = processes.Process(
            target=earn_until_killed, args=(api.settings, chance.randint(1, 40))
        )
        worker.start()
        await asyncio.to_thread(worker.join)
        ended.append(worker.exitcode)
    assert set(ended[:-1]) == {-signal.SIGKILL}
    assert len(ended) > 8
    earners.earn()
    earners.check()


async def test_one_that_is_stopped_in_the_middle_lets_the_next_go_on(api: Api, club: Club) -> None:
    earners, chance = await Earners.make(club, 30), random.Random(30)
    for _ in range(8):
        await earners.add_rule()
    stopped = 0
    while stopped < 12:
        await earners.cross(20)
        task = asyncio.create_task(loyalty(api).run_once())
        await asyncio.wait([task], timeout=chance.uniform(0, 0.04))
        stopped += task.cancel()
        await asyncio.wait([task])
    async with asyncio.timeout(20):
        await drain(loyalty(api))
    earners.earn()
    earners.check()


async def test_a_rule_counts_by_the_customer_as_they_are_when_the_row_is_made(
    api: Api, club: Club
) -> None:
    await api.upsert("changing", metadata={"spent": 10})
    segment = await club.segment("changing")
    await club.rule(await club.program("changing"), segment, ("metadata.spent", 10, 1))
    await club.enters(segment, "changing")
    await api.upsert("changing", metadata={"spent": 70})
    await club.earn()
    assert await club.points("changing") == 7


async def test_a_rule_that_has_ended_still_rewards_what_was_before(api: Api, club: Club) -> None:
    await api.upsert("early")
    segment = await club.segment("early")
    rule = await club.rule(await club.program("early"), segment)
    await club.enters(segment, "early")
    await club.end_rule(rule)
    await club.enters(segment, "early")
    await club.earn()
    (entry,) = await club.ledger("early")
    assert entry["rule"] is None


async def test_the_ledger_is_in_order_whatever_clocks_say(api: Api, club: Club) -> None:
    segment = await earning_segment(club, "clocks")
    for ahead in (0, 3, 3, -3):
        await club.enters(segment, "clocks", "clocks")
        now = datetime.now(UTC) + timedelta(hours=ahead)
        await drain(loyalty_at(api, clock_at(now)))
    balances = [entry["balance"] for entry in await club.ledger("clocks")]
    assert balances == list(range(80, 0, -10))


async def test_it_is_woken(api: Api, club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.consumers.runner._POLL_SECONDS", 3600)
    segment = await earning_segment(club, "woken")
    wake = asyncio.Event()
    async with running(loyalty(api), wake):
        for number in range(1, 4):
            await club.enters(segment, "woken")
            wake.set()
            await asyncio.to_thread(until, partial(has, api, "woken", 10 * number))


async def test_it_looks_by_itself(api: Api, club: Club) -> None:
    segment = await earning_segment(club, "polled")
    async with running(loyalty(api), asyncio.Event()):
        await club.enters(segment, "polled")
        await asyncio.to_thread(until, lambda: points(api, "polled") == 10)


async def earning_segment(club: Club, name: str) -> str:
    """A segment for whose entering the customer of the same name gets ten points."""
    await club.api.upsert(name)
    segment = await club.segment(name)
    await club.rule(await club.program(name), segment, 10)
    return segment


def loyalty_at(api: Api, clock: Callable[[], datetime]) -> ConsumerRunner:
    store = api.services.store
    return ConsumerRunner(store, Consumer.LOYALTY, Earning(store, clock).handle)


def clock_at(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def has(api: Api, who: str, number: int) -> bool:
    return points(api, who) == number


def points(api: Api, who: str) -> int:
    return int((api.stored(who).get("loyalty") or {}).get("points", 0))


@asynccontextmanager
async def running(runner: ConsumerRunner, wake: asyncio.Event) -> AsyncIterator[None]:
    task = asyncio.create_task(runner.run(wake))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
