"""How long memberships take while all customers are exported, against an idle worker.

    python -m tests.benchmarks.export_load

A client in a process of its own asks one after the other. MongoDB, the API, the worker and the
client share the machine.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import httpx
import uvloop
from pymongo import MongoClient

from tests.api import Json
from tests.benchmarks.exports import FIELDS_BY_COUNT, Exporter, insert_customers, open_exporter
from tests.benchmarks.program import Program, running_program

MAX_P99_MS = 20
_IDLE_SECONDS = 10.0
_PAUSE_SECONDS = 0.01
_QUERY = """
query($ref: CustomerRef!, $ids: [ID!]!) {
  segmentMembership(customer: $ref, segmentIds: $ids) { isMember }
}
"""


@contextmanager
def asking(address: str, segment_id: str, customers: int) -> Iterator[Connection]:
    """Runs the client. It sends the latencies since the last time for anything that is sent."""
    own_end, client_end = multiprocessing.Pipe()
    client = multiprocessing.get_context("spawn").Process(
        target=_ask_until_closed, args=(address, segment_id, customers, client_end), daemon=True
    )
    client.start()
    try:
        yield own_end
    finally:
        client.terminate()
        client.join()


def _ask_until_closed(address: str, segment_id: str, customers: int, client: Connection) -> None:
    random, latencies = Random(1), list[float]()
    with httpx.Client(base_url=f"http://{address}") as http:
        while True:
            if client.poll():
                client.recv()
                client.send(latencies)
                latencies = []
            ref = {"sourceId": f"customer-{random.randrange(customers):08}"}
            started = time.perf_counter()
            response = http.post(
                "/graphql",
                json={"query": _QUERY, "variables": {"ref": ref, "ids": [segment_id]}},
            )
            latencies.append(time.perf_counter() - started)
            assert "errors" not in response.json(), response.text
            time.sleep(_PAUSE_SECONDS)


def _take_latencies(client: Connection) -> list[float]:
    client.send(None)
    latencies: list[float] = client.recv()
    return latencies


def _report(title: str, latencies: list[float]) -> None:
    quantiles = statistics.quantiles(latencies, n=100)
    print(
        f"{title}: {len(latencies):,} memberships, median {quantiles[49] * 1e3:.1f} ms,"
        f" p99 {quantiles[98] * 1e3:.1f} ms",
        flush=True,
    )


async def measure(program: Program, address: str, customers: int, rounds: int) -> None:
    async with open_exporter(program) as exporter:
        with asking(address, exporter.segment_id, customers) as client:
            await _compare(exporter, client, rounds)


async def _compare(exporter: Exporter, client: Connection, rounds: int) -> None:
    await asyncio.sleep(_IDLE_SECONDS)
    await asyncio.to_thread(_take_latencies, client)
    for _ in range(rounds):
        await asyncio.sleep(_IDLE_SECONDS)
        _report("idle", await asyncio.to_thread(_take_latencies, client))
        await exporter.export(FIELDS_BY_COUNT[3])
        _report(
            f"during an export (at most {MAX_P99_MS} ms)",
            await asyncio.to_thread(_take_latencies, client),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as program,
        program.process("-m", "app", "worker", "--only", "jobs"),
        program.server("-m", "app", "api") as (address, _),
    ):
        with MongoClient[Json](program.mongodb_url) as client:
            insert_customers(client, arguments.customers)
        uvloop.run(measure(program, address, arguments.customers, arguments.rounds))


if __name__ == "__main__":
    main()
