"""Webhooks that one worker sends to a receiver on loopback, beside a bare httpx loop.

    python -m tests.benchmarks.webhooks [--deliveries N] [--rounds N] [--bad-endpoints N]

Both send the same number of requests of the same size, 16 at a time, to the same receiver, which is
a process of its own. The worker claims the deliveries, signs them, and records the answers in
MongoDB. With --bad-endpoints it sends them once more, while as many distributions send to URLs of
the same host and port that never answer.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from pydantic import SecretStr

from app.domain.deliveries import DeliveryStatus
from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from app.services import Services
from app.services.deliveries.endpoints import MAX_CONCURRENT_ATTEMPTS_PER_HOST
from app.settings import Settings
from app.store import Store, Transaction
from tests.benchmarks.program import DATABASE, Program, running_program

DELIVERIES = 5_000
ROUNDS = 3
_MAX_BULK_ROWS = 1_000
_BAD_PATH = "/bad"
_FOREVER_SECONDS = 1e6
_POLL_SECONDS = 0.02
_LONG_POLL_SECONDS = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--bad-endpoints", type=int, default=0)
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
    url = f"http://127.0.0.1:{int(receiver.stdout.readline())}"
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(running.mongodb_url),
        database=DATABASE,
        webhook_allow_private=True,
    )
    store = await Store.open(settings)
    worker_rates, bare_rates, count = [], [], arguments.deliveries
    try:
        services = Services(store, settings)
        segment = await _create_customers(services, count)
        for round_ in range(arguments.rounds):
            id_, size = await _make_deliveries(services, segment, [f"{url}/"], count, round_)
            worker_rates.append(await _measure_worker(services, running, id_, count))
            bare = _start("--post", url, str(size), "--deliveries", str(count))
            output, _ = await asyncio.to_thread(bare.communicate)
            bare_rates.append(float(output))
            print(
                f"round {round_}: worker {worker_rates[-1]:,.0f}/s, bare httpx loop"
                f" {bare_rates[-1]:,.0f}/s, ratio {worker_rates[-1] / bare_rates[-1]:.2f},"
                f" {size:,} bytes each"
            )
            if arguments.bad_endpoints:
                bad_urls = [f"{url}{_BAD_PATH}/{index}" for index in range(arguments.bad_endpoints)]
                urls = [*bad_urls, f"{url}/"]
                id_, _ = await _make_deliveries(services, segment, urls, count, round_)
                rate = await _measure_worker(services, running, id_, count)
                print(
                    f"round {round_}: worker {rate:,.0f}/s beside {len(bad_urls)} bad endpoints,"
                    f" ratio {rate / worker_rates[-1]:.2f}"
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
    services: Services, segment_id: str, urls: Sequence[str], count: int, round_: int
) -> tuple[str, int]:
    """Makes a delivery for each customer to each URL. Returns the id of the distribution to the
    last URL, and the size of a body in bytes."""
    store, now = services.store, services.now().at
    # The distributions of the round before make nothing more.
    for item in await services.distributions.all():
        await services.distributions.delete(item.distribution.id)
    for url in urls:
        channel = {"webhook": {"url": url}}
        wire = {"name": f"round {round_}", "segmentId": segment_id, "channel": channel}
        created = await services.distributions.create(wire, now)
    id_ = created.distribution.id
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
    print(f"round {round_}: deliveries made at {len(urls) * count / seconds:,.0f}/s")
    claimed = await store.delivery_queue.claim(id_, [], 1, "size", "size", 0, services.now().at)
    content = claimed[0].content
    return id_, len(getattr(content, "body", b""))


async def _measure_worker(services: Services, running: Program, id_: str, count: int) -> float:
    """Returns the deliveries of the distribution per second of one worker, from the first to the
    last."""
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
    """Answers every POST with 204, but never one to a bad path."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                if _BAD_PATH.encode() in head.split(b" ", 2)[1]:
                    await asyncio.sleep(_FOREVER_SECONDS)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    main()
