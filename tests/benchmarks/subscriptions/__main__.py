"""Subscriptions: latency and cost of transitions, with one and with a thousand subscribers.

    python -m tests.benchmarks.subscriptions [--only NAME] [--seconds N]

mongod, Valkey, a worker, a process of the API, the writer and the subscribers run on this machine.
--only takes `one`, `crowd`, `elsewhere` or `hanging`.
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
    acknowledged_at,
    open_change_stream,
    open_stalled_subscribers,
    open_subscribers,
    write_changes,
)

SECONDS = 30
SUBSCRIBERS = 1_000
_DRAIN_SECONDS = 2
_STALL_SECONDS = 60


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
    """One subscriber and 200 changes a second; then a change stream as the baseline."""
    keys = ["one"]
    segments = api_process.create_active_segments(keys)
    wait_until_backfilled(stores)
    with open_subscribers(api_process.address, [segments]) as read_received:
        writes = write_changes(stores.mongodb_url, keys, 200, seconds)
        time.sleep(_DRAIN_SECONDS)
        received = read_received()
        subscription_delays = received.delays_milliseconds(writes)
        delays_from_acknowledgement = received.delays_milliseconds(writes, acknowledged_at)
    with open_change_stream(stores.mongodb_url) as read_received:
        writes = write_changes(stores.mongodb_url, ["bare"], 200, seconds)
        time.sleep(_DRAIN_SECONDS)
        change_stream_delays = read_received().delays_milliseconds(writes)
    assert len(subscription_delays) == len(change_stream_delays) == len(writes)
    _print_delays("a subscriber", subscription_delays)
    _print_delays("the same, from when the write was acknowledged", delays_from_acknowledgement)
    _print_delays("a bare change stream", change_stream_delays)
    ratio = _percentile(subscription_delays, 0.5) / _percentile(change_stream_delays, 0.5)
    print(f"  ratio of the medians {ratio:.1f}")


def many_subscribers(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """A thousand subscribers and 100 transitions a second; each transition goes to ten of them."""
    keys = [f"crowd{number}" for number in range(SUBSCRIBERS // 10)]
    segments = api_process.create_active_segments(keys)
    wait_until_backfilled(stores)
    mebibytes_before = api_process.memory_mebibytes()
    with open_subscribers(
        api_process.address, [[segment] for segment in segments * 10]
    ) as read_received:
        mebibytes_idle = api_process.memory_mebibytes()
        cpu_seconds_before = api_process.cpu_seconds()
        mebibytes_after_writes = []
        writes: Writes = {}
        for _ in range(3):
            writes |= write_changes(stores.mongodb_url, keys, 100, seconds / 3, len(writes))
            mebibytes_after_writes.append(api_process.memory_mebibytes())
        time.sleep(_DRAIN_SECONDS)
        cpu_seconds = api_process.cpu_seconds() - cpu_seconds_before
        delays = read_received().delays_milliseconds(writes)
    assert len(delays) == 10 * len(writes), (len(delays), len(writes))
    _print_delays("a thousand subscribers", delays)
    print(
        f"  the API: {mebibytes_before:.0f} MiB, with subscribers {mebibytes_idle:.0f} MiB, then"
        f" {_format_mebibytes(mebibytes_after_writes)} MiB;"
        f" {1e6 * cpu_seconds / len(delays):.0f} µs of CPU per delivery"
    )


def unrelated_subscribers(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """CPU that the API spends on a transition: with one subscriber, and with a thousand more that
    subscribe to other segments."""
    segments = api_process.create_active_segments(
        ["elsewhere", *(f"silent{number}" for number in range(100))]
    )
    wait_until_backfilled(stores)
    cpu_seconds_per_transition = []
    for unrelated_count in (0, SUBSCRIBERS):
        unrelated = [[segments[1 + number % 100]] for number in range(unrelated_count)]
        with open_subscribers(api_process.address, [segments[:1], *unrelated]):
            cpu_seconds_before = api_process.cpu_seconds()
            writes = write_changes(stores.mongodb_url, ["elsewhere"], 200, seconds)
            time.sleep(_DRAIN_SECONDS)
            cpu_seconds = (api_process.cpu_seconds() - cpu_seconds_before) / len(writes)
            cpu_seconds_per_transition.append(cpu_seconds)
            print(
                f"  {unrelated_count:,} unrelated subscribers:"
                f" {1e6 * cpu_seconds:.0f} µs of CPU per transition",
                flush=True,
            )
    print(f"  ratio {cpu_seconds_per_transition[1] / cpu_seconds_per_transition[0]:.2f}")


def stalled_subscriber(stores: Program, api_process: ApiProcess, seconds: int) -> None:
    """Memory for a subscriber that reads nothing for a minute, and the latency of another."""
    keys = ["hanging"]
    segments = api_process.create_active_segments(keys)
    wait_until_backfilled(stores)
    with open_subscribers(api_process.address, [segments]) as read_received:
        mebibytes_before = api_process.memory_mebibytes()
        with open_stalled_subscribers(api_process.address, [segments]):
            mebibytes = [api_process.memory_mebibytes()]
            writes: Writes = {}
            for _ in range(6):
                writes |= write_changes(
                    stores.mongodb_url, keys, 200, _STALL_SECONDS / 6, len(writes)
                )
                mebibytes.append(api_process.memory_mebibytes())
        delays = read_received().delays_milliseconds(writes)
    _print_delays("the other subscriber", delays)
    print(f"  the API: {mebibytes_before:.0f} MiB, then {_format_mebibytes(mebibytes)} MiB")


_BENCHMARKS = {
    "one": single_subscriber,
    "crowd": many_subscribers,
    "elsewhere": unrelated_subscribers,
    "hanging": stalled_subscriber,
}


def _print_delays(label: str, delays: Sequence[float]) -> None:
    print(
        f"  {label}: {len(delays):,} received after p50 {_percentile(delays, 0.5):.1f} ms, p99"
        f" {_percentile(delays, 0.99):.1f} ms, at worst {delays[-1]:.0f} ms",
        flush=True,
    )


def _format_mebibytes(sizes: Sequence[float]) -> str:
    return ", ".join(f"{size:.0f}" for size in sizes)


def _percentile(delays: Sequence[float], fraction: float) -> float:
    return delays[int(fraction * (len(delays) - 1))]


if __name__ == "__main__":
    main()
