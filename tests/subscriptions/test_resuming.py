"""Front ends that are cut off again and again, in every way that there is, miss nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from app.local.mongod import Mongod
from app.local.ours import Api, Worker
from app.local.process import Process
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import running
from tests.engine.conftest import Shop, until
from tests.ports import LOOPBACK, free_port
from tests.subscriptions.front_end import FrontEnd, front_end
from tests.subscriptions.relay import Relay, relayed
from tests.subscriptions.test_subscriptions import VIP

SOCKETS = ("graphql-ws", "urql over graphql-ws")
STREAMS = ("graphql-sse", "urql over graphql-sse", "urql alone")
CUSTOMERS, TURNS = 1_000, 10
CUTS, TERMINATIONS = 20, (3, 5, 9, 11)
RESTARTS = {7: signal.SIGKILL, 14: signal.SIGTERM}
STEP = CUSTOMERS * TURNS // CUTS


class Program:
    """The API and a worker, as people run them."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        assert settings.mongodb_url
        assert settings.redis_url
        environment = {
            "MONGODB_URL": settings.mongodb_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "SEGMENTS_DATABASE": settings.database,
        }
        port = free_port()
        self.address = f"{LOOPBACK}:{port}"
        self._api = Api(folder, LOOPBACK, port, environment)
        self._worker = Worker(folder, environment)

    async def start(self) -> None:
        self._api.start()
        self._worker.start()
        await asyncio.to_thread(self._api.ready)

    async def restart_the_api(self, killer: signal.Signals) -> None:
        assert self._api.pid
        os.kill(self._api.pid, killer)
        await asyncio.to_thread(self._api.stop)
        self._api.start()
        await asyncio.to_thread(self._api.ready)

    async def stop(self) -> None:
        parts: list[Process] = [self._api, self._worker]
        for part in parts:
            await asyncio.to_thread(part.stop)


@pytest.fixture
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey) as api:
        yield Shop(api)


@asynccontextmanager
async def program(folder: Path, settings: Settings) -> AsyncIterator[Program]:
    program = Program(folder, settings)
    try:
        await program.start()
        yield program
    finally:
        await program.stop()


async def flip(shop: Shop) -> None:
    """All customers in and out of the segment, again and again."""
    for turn in range(TURNS):
        vip = {"vip": turn % 2 == 0}
        rows = [{"sourceId": f"c{n}", "metadata": vip} for n in range(CUSTOMERS)]
        assert (await shop.api.many("customersUpsert", rows))["accepted"] == CUSTOMERS


async def cut_off(relay: Relay, program: Program, front_ends: dict[str, FrontEnd]) -> None:
    """All of them, wherever they are, each time that the first of them has come a step further."""

    async def come(steps: float) -> None:
        async def so_far() -> bool:
            furthest = max(len(each.heard["all"]) - 1 for each in front_ends.values())
            return relay.lines >= len(front_ends) and furthest >= steps * STEP

        await until(so_far)

    for number in range(CUTS):
        await come(number)
        if number in RESTARTS:
            await program.restart_the_api(RESTARTS[number])
        else:
            relay.cut()
        if number in TERMINATIONS:
            await come(number + 0.5)
            for way in SOCKETS:
                await front_ends[way].terminate()


async def test_who_is_cut_off_twenty_times_is_told_each_once_and_in_order(
    shop: Shop, clients: Path, tmp_path: Path
) -> None:
    segment = await shop.active("VIPs", VIP)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(program(tmp_path, shop.api.settings))
        relay = await stack.enter_async_context(relayed(api.address))
        front_ends = {
            way: await stack.enter_async_context(front_end(clients, way, relay.address))
            for way in (*SOCKETS, *STREAMS)
        }
        for each in front_ends.values():
            await each.follow("all", segment)
            await each.hears("all")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(flip(shop))
            tasks.create_task(cut_off(relay, api, front_ends))
        for each in front_ends.values():
            await each.hears("all", 1 + CUSTOMERS * TURNS)

    log = [
        (int(str(row["_id"]), 16), row["type"], row["customerSourceId"])
        for row in shop.api.database.transitions.find().sort("_id")
    ]
    assert len(log) == CUSTOMERS * TURNS
    for way, each in front_ends.items():
        told = each.told("all")
        assert [(t["sequence"], t["type"], t["customerSourceId"]) for t in told] == log, way
