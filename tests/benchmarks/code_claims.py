"""Codes that several processes claim at once from one pool of a million.

    python -m tests.benchmarks.code_claims [--codes N] [--processes N] [--seconds N]

Each claim is a transaction of its own, as of a consumer that handles a batch of transitions. The
benchmark asserts that no code goes to two processes and that none is skipped.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import SecretStr

from app.services import Services
from app.settings import Settings
from app.store import Store
from app.store.code_pools import claim_key
from tests.benchmarks.program import DATABASE, running_program

CODES = 1_000_000
PROCESSES = 4
SECONDS = 10.0
CLAIM_SIZES = (1, 50, 500)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--codes", type=int, default=CODES)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--claim", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.claim:
        url, pool, size = arguments.claim
        asyncio.run(_claim_for(url, pool, int(size), arguments.seconds))
        return
    with tempfile.TemporaryDirectory() as folder, running_program(Path(folder)) as running:
        asyncio.run(_report(running.mongodb_url, arguments))


async def _report(url: str, arguments: argparse.Namespace) -> None:
    settings = _settings(url)
    store = await Store.open(settings)
    try:
        services = Services(store, settings)
        started_at = time.perf_counter()
        wire = {"name": "benchmark", "generate": {"count": arguments.codes}}
        pool = (await services.code_pools.create(wire, services.now().at)).id
        while (await services.code_pools.all())[0].generating_count:
            await services.code_pools.generate(pool)
        seconds = time.perf_counter() - started_at
        print(f"{'generated, one process':32}{arguments.codes / seconds:>12,.0f} codes/s")
        for process_count in (1, arguments.processes):
            for size in CLAIM_SIZES:
                await _measure(services, pool, url, size, process_count, arguments.seconds)
    finally:
        await store.close()


async def _measure(
    services: Services, pool: str, url: str, size: int, process_count: int, seconds: float
) -> None:
    (before,) = await services.code_pools.all()
    processes = [
        subprocess.Popen(  # noqa: ASYNC220
            [
                *(sys.executable, "-m", "tests.benchmarks.code_claims"),
                *("--seconds", str(seconds), "--claim", url, pool, str(size)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(process_count)
    ]
    outputs = await asyncio.gather(
        *(asyncio.to_thread(process.communicate) for process in processes)
    )
    lines = [line.split() for output, _ in outputs for line in output.splitlines()]
    latencies = [float(seconds) for _, seconds in lines]
    codes = [code for codes, _ in lines for code in codes.split(",")]
    (after,) = await services.code_pools.all()
    assert len(set(codes)) == len(codes) == after.claimed_count - before.claimed_count
    median, p99 = statistics.median(latencies), statistics.quantiles(latencies, n=100)[98]
    print(
        f"{process_count} processes, {size:>3} codes a claim   "
        f"{len(codes) / seconds:>12,.0f} codes/s{len(lines) / seconds:>10,.0f} claims/s"
        f"{median * 1e3:>8.1f} ms, p99 {p99 * 1e3:>6.1f} ms"
    )


async def _claim_for(url: str, pool: str, size: int, seconds: float) -> None:
    """Claims for `seconds`; prints the codes of each claim and the seconds that it took."""
    store = await Store.open(_settings(url))
    ends_at = time.perf_counter() + seconds
    lines = []
    while (started_at := time.perf_counter()) < ends_at:
        codes = await store.transaction(
            lambda transaction: store.code_pools.claim(pool, size, transaction),
            keys=[claim_key(pool)],
        )
        if not codes:
            break
        lines.append(f"{','.join(codes)} {time.perf_counter() - started_at}")
    await store.close()
    print("\n".join(lines))


def _settings(url: str) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(url),
        database=DATABASE,
    )


if __name__ == "__main__":
    main()
