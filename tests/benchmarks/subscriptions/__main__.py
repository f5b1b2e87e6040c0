"""Subscriptions: how soon a change is heard of, by one, by a thousand, and what that costs.

    python -m tests.benchmarks.subscriptions [--only NAME] [--seconds N]

mongod, Valkey, one worker, one process of the API, who writes and who listens: all on this machine.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.program import Program, running_program
from tests.benchmarks.subscriptions.api_process import (
    ApiProcess,
    running_api_process,
    wait_until_backfilled,
)
from tests.benchmarks.subscriptions.traffic import (
    Writes,
    acknowledged,
    open_change_stream,
    open_stalled_subscribers,
    open_subscribers,
    write_changes,
)

SECONDS = 30
SUBSCRIBERS = 1_000
_DRAIN_SECONDS, _STALL_SECONDS = 2, 60


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=[*_BENCHMARKS], action="append")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long each part writes")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as stores,
        stores.process("-m", "app", "worker"),
        running_api_process(stores) as api_process,
    ):
        api_process.create_customers()
        for name in arguments.only or _BENCHMARKS:
            print(f"\n{name}", flush=True)
            _BENCHMARKS[name](stores, api_process, arguments.seconds)


def single_subscriber(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """One subscriber, 200 changes a second; then a bare change stream in its place."""
    keys = ["one"]
    segments = api_process.create_active_segments(keys)
    wait_until_backfilled(stores)
    with open_subscribers(api_process.address, [segments]) as read_received:
        writes = write_changes(stores.mongodb_url, keys, 200, seconds)
        time.sleep(_DRAIN_SECONDS)
        received = read_received()
        subscription_delays, delays_from_acknowledgement = (
            received.delays_milliseconds(writes),
            received.delays_milliseconds(writes, acknowledged),
        )
    with open_change_stream(stores.mongodb_url) as read_received:
        writes = write_changes(stores.mongodb_url, ["bare"], 200, seconds)
        time.sleep(_DRAIN_SECONDS)
        change_stream_delays = read_received().delays_milliseconds(writes)
    assert len(subscription_delays) == len(change_stream_delays) == len(writes)
    _print_delays("a subscriber", subscription_delays)
    _print_delays("the same, from when the write was acknowledged", delays_from_acknowledgement)
    _print_delays("a bare change stream", change_stream_delays)
    print(
        f"  ratio of the medians {_percentile(subscription_delays, 0.5) / _percentile(change_stream_delays, 0.5):.1f}"
    )


def many_subscribers(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """A thousand subscribers, 100 transitions a second, each wanted by ten of them."""
    keys = [f"crowd{number}" for number in range(SUBSCRIBERS // 10)]
    segments = api_process.create_active_segments(keys)
    wait_until_backfilled(stores)
    mebibytes_before = api_process.memory_mebibytes()
    with open_subscribers(
        api_process.address, [[segment] for segment in segments * 10]
    ) as read_received:
        mebibytes_idle, cpu_seconds, sizes = (
            api_process.memory_mebibytes(),
            api_process.cpu_seconds(),
            [],
        )
        writes: Writes = {}
        for _ in range(3):
            writes |= write_changes(stores.mongodb_url, keys, 100, seconds / 3, len(writes))
            sizes.append(api_process.memory_mebibytes())
        time.sleep(_DRAIN_SECONDS)
        cpu_seconds = api_process.cpu_seconds() - cpu_seconds
        delays = read_received().delays_milliseconds(writes)
    assert len(delays) == 10 * len(writes), (len(delays), len(writes))
    _print_delays("a thousand subscribers", delays)
    print(
        f"  the API: {mebibytes_before:.0f} MiB, with subscribers {mebibytes_idle:.0f} MiB, then"
        f" {', '.join(f'{size:.0f}' for size in sizes)}; {1e6 * cpu_seconds / len(delays):.0f} µs of CPU"
        " a delivery"
    )


def unrelated_subscribers(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """What the reader of the log costs with one subscriber, and with a thousand more who wait for
    other segments."""
    segments = api_process.create_active_segments(
        ["elsewhere", *(f"silent{number}" for number in range(100))]
    )
    wait_until_backfilled(stores)
    costs = []
    for unrelated_subscribers_count in (0, SUBSCRIBERS):
        silent = [[segments[1 + number % 100]] for number in range(unrelated_subscribers_count)]
        with open_subscribers(api_process.address, [segments[:1], *silent]):
            cpu_seconds = api_process.cpu_seconds()
            writes = write_changes(stores.mongodb_url, ["elsewhere"], 200, seconds)
            time.sleep(_DRAIN_SECONDS)
            costs.append((api_process.cpu_seconds() - cpu_seconds) / len(writes))
            print(
                f"  {unrelated_subscribers_count:,} others: {1e6 * costs[-1]:.0f} µs of CPU a transition",
                flush=True,
            )
    print(f"  ratio {costs[1] / costs[0]:.2f}")


def stalled_subscriber(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """What one costs who takes nothing for a minute, and whether another one notices."""
    keys = ["hanging"]
    segments = api_process.create_active_segments(keys)
    wait_until_backfilled(stores)
    with open_subscribers(api_process.address, [segments]) as read_received:
        mebibytes_before = api_process.memory_mebibytes()
        with open_stalled_subscribers(api_process.address, [segments]):
            sizes, writes = [api_process.memory_mebibytes()], Writes()
            for _ in range(6):
                writes |= write_changes(
                    stores.mongodb_url, keys, 200, _STALL_SECONDS / 6, len(writes)
                )
                sizes.append(api_process.memory_mebibytes())
        delays = read_received().delays_milliseconds(writes)
    _print_delays("who reads", delays)
    print(
        f"  the API: {mebibytes_before:.0f} MiB, then {', '.join(f'{size:.0f}' for size in sizes)}"
    )


_BENCHMARKS = {
    "one": single_subscriber,
    "crowd": many_subscribers,
    "elsewhere": unrelated_subscribers,
    "hanging": stalled_subscriber,
}


def _print_delays(label: str, delays: Sequence[float]) -> None:
    print(
        f"  {label}: {len(delays):,} heard after p50 {_percentile(delays, 0.5):.1f} ms, p99"
        f" {_percentile(delays, 0.99):.1f} ms, at worst {delays[-1]:.0f} ms",
        flush=True,
    )


def _percentile(delays: Sequence[float], fraction: float) -> float:
    return delays[int(fraction * (len(delays) - 1))]


if __name__ == "__main__":
    main()
