"""How long memberships take while all customers are exported, against an idle worker.

    python -m tests.benchmarks.export_load

A client in a process of its own asks one after the other. MongoDB, the API, the worker and the
client share the machine.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import httpx
import uvloop
from pymongo import MongoClient

from tests.api import Json
from tests.benchmarks.child_process import running_child
from tests.benchmarks.exports import FIELDS_BY_COUNT, Exporter, insert_customers, open_exporter
from tests.benchmarks.membership import MEMBERSHIP_QUERY
from tests.benchmarks.program import Program, running_program

MAX_P99_MS = 20
_IDLE_SECONDS = 10.0
_PAUSE_SECONDS = 0.01


def _ask_until_closed(address: str, segment_id: str, customers: int, client: Connection) -> None:
    """Asks one membership after the other. For anything that it receives, sends the latencies since
    the last time."""
    random, latencies = Random(1), list[float]()
    with httpx.Client(base_url=f"http://{address}") as http:
        while True:
            if client.poll():
                client.recv()
                client.send(latencies)
                latencies = []
            ref = {"sourceId": f"customer-{random.randrange(customers):08}"}
            started = time.perf_counter()
            variables = {"customer": ref, "segments": [segment_id]}
            response = http.post(
                "/graphql", json={"query": MEMBERSHIP_QUERY, "variables": variables}
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
        arguments = address, exporter.segment_id, customers
        with running_child(_ask_until_closed, *arguments) as client:
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
