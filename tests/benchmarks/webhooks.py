"""Webhooks that one worker sends to a receiver on loopback, beside a bare httpx loop.

    python -m tests.benchmarks.webhooks [--deliveries N] [--rounds N]

Both send the same number of requests of the same size, 16 at a time, to the same receiver, which is
a process of its own. The worker claims the deliveries, signs them, and records the answers in
MongoDB.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from pydantic import SecretStr

from app.domain.deliveries import DeliveryStatus
from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from app.services import Services
from app.services.deliveries.sender import MAX_CONCURRENT_ATTEMPTS_PER_HOST
from app.settings import Settings
from app.store import Store, Transaction
from tests.benchmarks.program import DATABASE, Program, running_program

DELIVERIES = 5_000
ROUNDS = 3
_MAX_BULK_ROWS = 1_000
_POLL_SECONDS = 0.02
_LONG_POLL_SECONDS = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--post", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.receive:
        asyncio.run(_receive())
    elif arguments.post:
        url, size = arguments.post
        asyncio.run(_post(url, int(size), arguments.deliveries))
    else:
        os.environ["SEGMENTS_WEBHOOK_ALLOW_PRIVATE"] = "true"
        with tempfile.TemporaryDirectory() as folder, running_program(Path(folder)) as running:
            asyncio.run(_report(running, arguments))


async def _report(running: Program, arguments: argparse.Namespace) -> None:
    receiver = _start("--receive")
    assert receiver.stdout is not None
    url = f"http://127.0.0.1:{int(receiver.stdout.readline())}/"
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(running.mongodb_url),
        database=DATABASE,
        webhook_allow_private=True,
    )
    store = await Store.open(settings)
    worker_rates, bare_rates = [], []
    try:
        services = Services(store, settings)
        segment = await _create_customers(services, arguments.deliveries)
        for round_ in range(arguments.rounds):
            size = await _make_deliveries(services, segment, url, arguments.deliveries, round_)
            worker_rates.append(await _measure_worker(services, running, arguments.deliveries))
            bare = _start("--post", url, str(size), "--deliveries", str(arguments.deliveries))
            output, _ = await asyncio.to_thread(bare.communicate)
            bare_rates.append(float(output))
            print(
                f"round {round_}: worker {worker_rates[-1]:,.0f}/s, bare httpx loop"
                f" {bare_rates[-1]:,.0f}/s, ratio {worker_rates[-1] / bare_rates[-1]:.2f},"
                f" {size:,} bytes each"
            )
    finally:
        receiver.kill()
        receiver.wait()
        await store.close()


def _start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.webhooks", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _create_customers(services: Services, count: int) -> str:
    now = services.now()
    for start in range(0, count, _MAX_BULK_ROWS):
        rows = [
            {"sourceId": f"c{index}", "name": f"Customer {index}", "metadata": {"vip": True}}
            for index in range(start, min(start + _MAX_BULK_ROWS, count))
        ]
        await services.customers.upsert_many(rows, now.at)
    definition = {"attribute": {"path": "sourceId", "operator": "HAS_VALUE"}}
    segment = await services.segments.create(
        {"name": "all", "definition": {"filter": definition}}, now
    )
    return segment.id


async def _make_deliveries(
    services: Services, segment_id: str, url: str, count: int, round_: int
) -> int:
    """Makes a delivery for each customer; returns the size of a body in bytes."""
    store, now = services.store, services.now().at
    # The distribution of the round before makes nothing more.
    for item in await services.distributions.all():
        await services.distributions.delete(item.distribution.id)
    channel = {"webhook": {"url": url}}
    wire = {"name": f"round {round_}", "segmentId": segment_id, "channel": channel}
    await services.distributions.create(wire, now)
    customers = await store.customers.sample(count)
    pending_transitions = [
        PendingTransition(
            TransitionType.ENTERED,
            TransitionCause.LIVE,
            segment_id,
            "all",
            customer.id,
            customer.source_id,
            now,
        )
        for customer in customers
    ]

    async def append(transaction: Transaction) -> None:
        await store.transitions.append(pending_transitions, transaction)

    await store.transaction(append)
    started_at = time.perf_counter()
    await services.consumers.drain()
    seconds = time.perf_counter() - started_at
    print(f"round {round_}: deliveries made at {count / seconds:,.0f}/s")
    claimed = await store.delivery_queue.claim(
        (await services.distributions.all())[0].distribution.id, [], 1, "size", 0, services.now().at
    )
    content = claimed[0].content
    return len(getattr(content, "body", b""))


async def _measure_worker(services: Services, running: Program, count: int) -> float:
    """Returns the deliveries per second of one worker, from the first to the last."""
    (distribution,) = await services.distributions.all()
    id_ = distribution.distribution.id
    with running.process("-m", "app", "worker", "--only", "consumers"):
        started_at, before = 0.0, 0
        while True:
            counts = (await services.deliveries.count_by_status([id_]))[id_]
            delivered = counts[DeliveryStatus.DELIVERED]
            if delivered and not started_at:
                started_at, before = time.perf_counter(), delivered
            if delivered == count:
                return (count - before) / (time.perf_counter() - started_at)
            await asyncio.sleep(_LONG_POLL_SECONDS if started_at else _POLL_SECONDS)


async def _post(url: str, size: int, count: int) -> None:
    """Posts as fast as a bare client can; prints the requests per second."""
    body, remaining = b"x" * size, count
    headers = {"Content-Type": "application/json"}

    async with httpx.AsyncClient() as client:

        async def post_repeatedly() -> None:
            nonlocal remaining
            while remaining > 0:
                remaining -= 1
                response = await client.post(url, content=body, headers=headers)
                assert response.is_success

        started_at = time.perf_counter()
        await asyncio.gather(*(post_repeatedly() for _ in range(MAX_CONCURRENT_ATTEMPTS_PER_HOST)))
        print(count / (time.perf_counter() - started_at))


async def _receive() -> None:
    """Answers every POST with 204."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    main()
