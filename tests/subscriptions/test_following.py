"""Who follows the log gets its part of it, each transition once and in order: while it grows, from
wherever one begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import pytest
import pytest_asyncio
import structlog
from redis.asyncio import Redis

from app.announcements import Announcements
from app.domain.inputs import CustomerRef
from app.domain.transitions import Transition
from app.errors import BadRequest, Refused, SlowConsumer
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import feed
from tests.api import Api, running
from tests.club import Club
from tests.engine.conftest import until
from tests.parts import standing

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS = [f"customer {number}" for number in range(5)]


@dataclass
class Shop:
    """A shop into whose log the tests write by themselves."""

    club: Club
    segments: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return self.club.api

    async def grow(self, dice: Random, number: int) -> None:
        """So many transitions, some at a time."""
        while number > 0:
            many = dice.randint(1, 40)
            await self.club.enters(dice.choice(self.segments), *dice.choices(CUSTOMERS, k=many))
            number -= many

    async def log(self, after: int, **wanted: Any) -> list[Transition]:
        return await self.api.services.store.transitions.after(after, 1_000_000, **wanted)

    async def end(self) -> int:
        return await self.api.services.transitions.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey) as api:
        shop = Shop(Club(api))
        program = await shop.club.program("Club")
        for name in ("red", "green", "blue"):
            shop.segments.append(await shop.club.segment(name))
            await shop.club.rule(program, shop.segments[-1], name=name)
        shop.customers = [await api.upsert(source_id) for source_id in CUSTOMERS]
        yield shop


@asynccontextmanager
async def following(
    shop: Shop, *wanted: Any, pauses: Random | None = None
) -> AsyncIterator[list[Transition]]:
    """What one who follows has got so far; who may pause now and then."""
    got: list[Transition] = []

    async def follow() -> None:
        async with aclosing(shop.api.services.transitions.since(*wanted)) as transitions:
            async for transition in transitions:
                got.append(transition)
                if pauses and pauses.random() < 0.02:
                    await asyncio.sleep(pauses.random() * 0.05)

    task = asyncio.create_task(follow())
    try:
        yield got
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("seed", range(4))
async def test_each_gets_its_part_of_a_growing_log(
    shop: Shop, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some come while the log grows, some want all that has been; some take their time."""
    monkeypatch.setattr(feed, "_STEP", 25)
    monkeypatch.setattr("app.services.transitions._STEP", 30)
    dice = Random(seed)
    began = await shop.end()
    await shop.grow(dice, 300)
    growing = asyncio.create_task(shop.grow(dice, 1_500))

    async def follow(dice: Random) -> None:
        await asyncio.sleep(dice.random() * 0.5)
        after = dice.randint(began, await shop.end())
        segments = dice.choice([None, shop.segments[:1], shop.segments[1:]])
        who = dice.choice([None, shop.customers[0]])
        ref = None if who is None else CustomerRef.by_id(who)
        async with following(shop, after, segments, ref, pauses=dice) as got:
            await growing
            wanted = await shop.log(after, segment_ids=segments, customer_id=who)
            await until(partial(_has, got, len(wanted)))
        assert got == wanted

    await asyncio.gather(*(follow(Random(seed + number)) for number in range(25)))


async def test_without_a_cursor_one_hears_what_comes(shop: Shop) -> None:
    await shop.club.enters(shop.segments[0], "customer 0")
    end = await shop.end()
    async with following(shop, None) as got:
        await until(lambda: _follows(shop))
        await shop.club.enters(shop.segments[0], "customer 1")

        await until(lambda: _has(got, 1))

    assert got == await shop.log(end)


async def test_who_is_too_slow_is_cut_off_and_the_others_are_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_WAITING", 10)
    end = await shop.end()
    async with aclosing(shop.api.services.transitions.since(None)) as slow:
        first = asyncio.ensure_future(anext(slow))
        await until(lambda: _follows(shop))
        await shop.club.enters(shop.segments[0], "customer 0")
        taken = await first
        async with following(shop, None) as got:
            await until(lambda: _follows(shop, 2))
            for number in range(20):
                await shop.club.enters(shop.segments[0], CUSTOMERS[number % 5])
                shop.api.services.feed.wake.set()
                await until(partial(_has, got, number + 1))

        with pytest.raises(SlowConsumer) as cut_off:
            await anext(slow)

    assert taken.sequence == cut_off.value.last == end + 1
    async with following(shop, cut_off.value.last) as missed:
        await until(lambda: _has(missed, 20))
    assert missed == got


async def test_what_makes_no_sense_is_refused(shop: Shop) -> None:
    since = shop.api.services.transitions.since
    unknown = f"seg_{'0' * 24}"
    for wanted, error in (
        ((None, [shop.segments[0], unknown], None), Refused),
        ((None, None, CustomerRef.by_id(f"cus_{'0' * 24}")), Refused),
        ((await shop.end() + 1, None, None), BadRequest),
    ):
        with pytest.raises(error):
            await anext(since(*wanted))


async def test_a_page_and_the_end_of_the_log_are_of_one_instant(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, log = await shop.end(), shop.api.services.store.transitions
    await shop.grow(Random(1), 30)
    after, pages = log.after, 0

    async def growing(*arguments: Any, transaction: Any = None, **wanted: Any) -> list[Transition]:
        nonlocal pages
        page = await after(*arguments, transaction=transaction, **wanted)
        # The feed reads the log without a session, and needs no end.
        pages += transaction is not None
        if transaction is not None and pages <= 3:
            await shop.club.enters(shop.segments[0], "customer 0")
        return page

    monkeypatch.setattr(log, "after", growing)
    async with following(shop, began) as got:
        await until(lambda: _follows(shop))
        await shop.club.enters(shop.segments[0], "customer 1")
        shop.api.services.feed.wake.set()
        await until(lambda: _ends_with(got, "customer 1"))
    monkeypatch.undo()

    assert got == await shop.log(began)


async def test_a_cursor_that_a_new_primary_does_not_know_yet_is_taken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = shop.api.services.store.transitions
    await shop.club.enters(shop.segments[0], "customer 0")
    last, end = await shop.end(), log.end

    async def late(transaction: Any = None) -> int:
        return last - 1 if transaction is None else await end(transaction)

    monkeypatch.setattr(log, "end", late)
    async with following(shop, last) as got:
        await until(lambda: _follows(shop))
        await shop.club.enters(shop.segments[0], "customer 1")
        shop.api.services.feed.wake.set()
        await until(lambda: _ends_with(got, "customer 1"))

    assert [each.sequence for each in got] == [last + 1]


async def test_announcements_are_heard_again_once_valkey_is_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with standing(Valkey(tmp_path_factory.mktemp("valkey"))) as valkey:
        await _announce(valkey)


async def _announce(valkey: Valkey) -> None:
    grown, heard = asyncio.Event(), asyncio.Event()
    async with Redis.from_url(valkey.url) as telling, Redis.from_url(valkey.url) as hearing:
        tasks = [
            asyncio.create_task(Announcements(telling, "shop").tell(grown)),
            asyncio.create_task(Announcements(hearing, "shop").hear(heard.set)),
        ]

        async def is_heard() -> bool:
            grown.set()
            return heard.is_set()

        await until(is_heard)
        with structlog.testing.capture_logs() as logs:
            valkey.stop()
            await until(lambda: _says(logs, "no announcements"))
            valkey.start()
            valkey.ready()
            heard.clear()
            await until(is_heard)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _says(logs: list[Any], event: str) -> bool:
    return any(each["event"] == event for each in logs)


async def _has(got: list[Transition], number: int) -> bool:
    return len(got) >= number


async def _follows(shop: Shop, number: int = 1) -> bool:
    return shop.api.services.feed.followers >= number


async def _ends_with(got: list[Transition], customer: str) -> bool:
    return bool(got) and got[-1].crossing.customer_source_id == customer
