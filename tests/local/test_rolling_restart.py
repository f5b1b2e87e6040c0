"""Two API processes and two workers are restarted one after the other while clients write: no
request is lost, and no transition and no delivery either."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

import httpx

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import running_api
from tests.deliveries.distribution_client import DistributionClient
from tests.deliveries.receiver import running_receiver
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.environment import store_environment
from tests.local.conftest import ProgramProcess, RunProgram
from tests.ports import free_port

CLIENTS = 3
PAUSE_SECONDS = 0.05
"""Between the requests of a client, so that the processes can start on two cores."""
MIN_REQUESTS = 5
"""Of each client, between two restarts."""
IS_VIP = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
UPSERT = (
    "mutation($id: String!, $vip: Boolean!) { customerUpsert(input:"
    " {sourceId: $id, metadata: {vip: $vip}}) { customer { id } userErrors { code } } }"
)


@dataclass
class WritingClient:
    """Moves a customer into the segment and out of it again, and sends each request to the next
    server. If one fails, it retries once."""

    name: str
    addresses: list[str]
    written: int = 0
    retried: Counter[str] = field(default_factory=Counter)

    async def run(self, stopping: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=30) as http:
            for turn in count():
                if stopping.is_set():
                    return
                try:
                    await self._write(http, turn)
                except (httpx.TransportError, httpx.HTTPStatusError) as error:
                    self.retried[type(error).__name__] += 1
                    await self._write(http, turn + 1)
                self.written += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def _write(self, http: httpx.AsyncClient, turn: int) -> None:
        variables = {"id": self.name, "vip": self.written % 2 == 0}
        url = f"http://{self.addresses[turn % len(self.addresses)]}/graphql"
        response = await http.post(url, json={"query": UPSERT, "variables": variables})
        response.raise_for_status()
        payload = response.json()["data"]["customerUpsert"]
        assert payload["userErrors"] == []


async def test_a_rolling_restart_loses_nothing(
    mongod: Mongod, valkey: Valkey, run_program: RunProgram
) -> None:
    async with (
        running_receiver() as receiver,
        running_api(mongod, valkey, webhook_allow_private=True) as api,
    ):
        programs = DistributionClient(api)
        segment = await programs.create_segment("VIPs", filter=IS_VIP)
        await programs.create(segment, receiver.url())
        environment = {
            **store_environment(api.settings),
            "SEGMENTS_WEBHOOK_ALLOW_PRIVATE": "true",
        }
        ports = [free_port(), free_port()]

        def start_api(port: int) -> ProgramProcess:
            return run_program("api", "--port", str(port), **environment)

        def start_worker() -> ProgramProcess:
            return run_program("worker", **environment)

        servers = [start_api(port) for port in ports]
        workers = [start_worker() for _ in ports]
        addresses = [f"127.0.0.1:{port}" for port in ports]
        for address in addresses:
            await wait_until_ready(address)
        await ShopWithEngine(api).wait_until_processed()
        clients = [WritingClient(f"customer {n}", addresses) for n in range(CLIENTS)]
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.run(stopping))
            for number, port in enumerate(ports):
                await wait_for_requests(clients)
                await asyncio.gather(stop(servers[number]), stop(workers[number]))
                # The first have been replaced when the last stop: these need no replacement here.
                if number + 1 < len(ports):
                    servers[number], workers[number] = start_api(port), start_worker()
                    await wait_until_ready(addresses[number])
            await wait_for_requests(clients)
            stopping.set()

        # The listener was closed: nothing else makes a client retry.
        assert sum((client.retried for client in clients), Counter()).keys() <= {"ConnectError"}
        written = sum(client.written for client in clients)
        entered = sum((client.written + 1) // 2 for client in clients)

        async def are_all_delivered() -> bool:
            delivered = api.database.deliveries.count_documents({"status": "DELIVERED"})
            return bool(delivered >= entered)

        await wait_until(are_all_delivered, 60)
        # The last ones of the clients leave, which delivers nothing.
        await ShopWithEngine(api).wait_until_processed()
        assert api.database.transitions.count_documents({}) == written
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == entered


async def wait_until_ready(address: str) -> None:
    async with httpx.AsyncClient() as http:

        async def is_ready() -> bool:
            try:
                return (await http.get(f"http://{address}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await wait_until(is_ready, 60)


async def wait_for_requests(clients: list[WritingClient]) -> None:
    before = [client.written for client in clients]

    async def have_written() -> bool:
        return all(
            client.written >= written + MIN_REQUESTS
            for client, written in zip(clients, before, strict=True)
        )

    await wait_until(have_written, 60)


async def stop(program: ProgramProcess) -> None:
    program.process.terminate()
    assert await asyncio.to_thread(program.wait_for_exit, 30) == 0
