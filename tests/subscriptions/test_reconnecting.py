"""Front ends whose connections are cut again and again receive every transition."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from app.local.mongod import Mongod
from app.local.own_programs import ApiProcess, WorkerProcess
from app.local.process import ChildProcess
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import running_api
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.environment import store_environment
from tests.ports import LOOPBACK, free_port
from tests.subscriptions.front_end_client import FrontEndClient, running_front_end
from tests.subscriptions.tcp_proxy import TcpProxy, running_proxy
from tests.subscriptions.test_subscriptions import VIP_FILTER

SOCKETS = ("graphql-ws", "urql over graphql-ws")
STREAMS = ("graphql-sse", "urql over graphql-sse", "urql alone")
CUSTOMERS = 1_000
ROUNDS = 10
CONNECTION_CUTS = 20
TERMINATE_AFTER_CUTS = (3, 5, 9, 11)
RESTART_SIGNALS = {7: signal.SIGKILL, 14: signal.SIGTERM}
TRANSITIONS_BETWEEN_CUTS = CUSTOMERS * ROUNDS // CONNECTION_CUTS


class ProgramProcesses:
    """An API process and a worker process."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        environment = store_environment(settings)
        port = free_port()
        self.address = f"{LOOPBACK}:{port}"
        self._api = ApiProcess(folder, LOOPBACK, port, environment)
        self._worker = WorkerProcess(folder, environment)

    async def start(self) -> None:
        self._api.start()
        self._worker.start()
        await asyncio.to_thread(self._api.wait_until_ready)

    async def restart_api(self, signal_number: signal.Signals) -> None:
        assert self._api.pid
        os.kill(self._api.pid, signal_number)
        await asyncio.to_thread(self._api.stop)
        self._api.start()
        await asyncio.to_thread(self._api.wait_until_ready)

    async def stop(self) -> None:
        processes: list[ChildProcess] = [self._api, self._worker]
        for process in processes:
            await asyncio.to_thread(process.stop)


@pytest.fixture
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ShopWithEngine]:
    async with running_api(mongod, valkey) as api:
        yield ShopWithEngine(api)


@asynccontextmanager
async def running_program(folder: Path, settings: Settings) -> AsyncIterator[ProgramProcesses]:
    program = ProgramProcesses(folder, settings)
    try:
        await program.start()
        yield program
    finally:
        await program.stop()


async def toggle_all_customers(shop: ShopWithEngine) -> None:
    """Makes all customers enter and leave the segment, several times."""
    for round_number in range(ROUNDS):
        vip = {"vip": round_number % 2 == 0}
        rows = [{"sourceId": f"c{n}", "metadata": vip} for n in range(CUSTOMERS)]
        assert (await shop.api.bulk_upsert("customersUpsert", rows))["accepted"] == CUSTOMERS


async def disconnect_repeatedly(
    proxy: TcpProxy, program: ProgramProcesses, front_ends: dict[str, FrontEndClient]
) -> None:
    """Cuts all connections each time that the fastest front end has received another batch."""

    async def wait_for_progress(cuts: float) -> None:
        async def has_progressed() -> bool:
            furthest = max(
                len(front_end_client.messages["all"]) - 1
                for front_end_client in front_ends.values()
            )
            return (
                proxy.connection_count >= len(front_ends)
                and furthest >= cuts * TRANSITIONS_BETWEEN_CUTS
            )

        await wait_until(has_progressed)

    for number in range(CONNECTION_CUTS):
        await wait_for_progress(number)
        if number in RESTART_SIGNALS:
            await program.restart_api(RESTART_SIGNALS[number])
        else:
            proxy.abort_connections()
        if number in TERMINATE_AFTER_CUTS:
            await wait_for_progress(number + 0.5)
            for transport in SOCKETS:
                await front_ends[transport].drop_connection()


async def test_a_client_cut_off_twenty_times_receives_each_transition_once_in_order(
    shop: ShopWithEngine, clients: Path, tmp_path: Path
) -> None:
    segment = await shop.create_active_segment("VIPs", VIP_FILTER)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(running_program(tmp_path, shop.api.settings))
        relay = await stack.enter_async_context(running_proxy(api.address))
        front_ends = {
            transport: await stack.enter_async_context(
                running_front_end(clients, transport, relay.address)
            )
            for transport in (*SOCKETS, *STREAMS)
        }
        for front_end in front_ends.values():
            await front_end.follow_segment("all", segment)
            await front_end.wait_for_messages("all")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(toggle_all_customers(shop))
            tasks.create_task(disconnect_repeatedly(relay, api, front_ends))
        for front_end in front_ends.values():
            await front_end.wait_for_messages("all", 1 + CUSTOMERS * ROUNDS)

    log = [
        (int(str(row["_id"]), 16), row["type"], row["customerSourceId"])
        for row in shop.api.database.transitions.find().sort("_id")
    ]
    assert len(log) == CUSTOMERS * ROUNDS
    for transport, front_end in front_ends.items():
        received = [
            (row["sequence"], row["type"], row["customerSourceId"])
            for row in front_end.list_results("all")
        ]
        assert received == log, transport
