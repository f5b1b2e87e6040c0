"""Subscriptions: how soon a change is heard of, by one, by a thousand, and what that costs.

    python -m tests.benchmarks.subscriptions [--only NAME] [--seconds N]

mongod, Valkey, one worker, one process of the API, who writes and who listens: all on this machine.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.program import Program, program
from tests.benchmarks.subscriptions.shop import Api, api, rest
from tests.benchmarks.subscriptions.traffic import (
    Sent,
    acknowledged,
    change,
    listening,
    stalled,
    watching,
)

SECONDS = 30
LISTENERS = 1_000
_LAST_ONES_SECONDS, _MINUTE = 2, 60


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=[*_PARTS], action="append")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long each part writes")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        program(Path(folder)) as running,
        running.process("-m", "app", "worker"),
        api(running) as shop,
    ):
        shop.make_customers()
        for name in given.only or _PARTS:
            print(f"\n{name}", flush=True)
            _PARTS[name](running, shop, given.seconds)


def one(running: Program, shop: Api, seconds: int) -> None:
    """One subscriber, 200 changes a second; then a bare change stream in its place."""
    keys = ["one"]
    segments = shop.make_segments(keys)
    rest(running)
    with listening(shop.address, [segments]) as heard:
        sent = change(running.mongodb_url, keys, 200, seconds)
        time.sleep(_LAST_ONES_SECONDS)
        found = heard()
        ours, since_known = found.delays(sent), found.delays(sent, acknowledged)
    with watching(running.mongodb_url) as heard:
        sent = change(running.mongodb_url, ["bare"], 200, seconds)
        time.sleep(_LAST_ONES_SECONDS)
        bare = heard().delays(sent)
    assert len(ours) == len(bare) == len(sent)
    _say("a subscriber", ours)
    _say("the same, from when the write was acknowledged", since_known)
    _say("a bare change stream", bare)
    print(f"  ratio of the medians {_at(ours, 0.5) / _at(bare, 0.5):.1f}")


def crowd(running: Program, shop: Api, seconds: int) -> None:
    """A thousand subscribers, 100 transitions a second, each wanted by ten of them."""
    keys = [f"crowd{number}" for number in range(LISTENERS // 10)]
    segments = shop.make_segments(keys)
    rest(running)
    before = shop.mebibytes()
    with listening(shop.address, [[segment] for segment in segments * 10]) as heard:
        quiet, cpu, sizes = shop.mebibytes(), shop.seconds_of_cpu(), []
        sent: Sent = {}
        for _ in range(3):
            sent |= change(running.mongodb_url, keys, 100, seconds / 3, len(sent))
            sizes.append(shop.mebibytes())
        time.sleep(_LAST_ONES_SECONDS)
        cpu = shop.seconds_of_cpu() - cpu
        delays = heard().delays(sent)
    assert len(delays) == 10 * len(sent), (len(delays), len(sent))
    _say("a thousand subscribers", delays)
    print(
        f"  the API: {before:.0f} MiB, with subscribers {quiet:.0f} MiB, then"
        f" {', '.join(f'{size:.0f}' for size in sizes)}; {1e6 * cpu / len(delays):.0f} µs of CPU"
        " a delivery"
    )


def elsewhere(running: Program, shop: Api, seconds: int) -> None:
    """What the reader of the log costs with one subscriber, and with a thousand more who wait for
    other segments."""
    segments = shop.make_segments(["elsewhere", *(f"silent{number}" for number in range(100))])
    rest(running)
    costs = []
    for others in (0, LISTENERS):
        silent = [[segments[1 + number % 100]] for number in range(others)]
        with listening(shop.address, [segments[:1], *silent]):
            cpu = shop.seconds_of_cpu()
            sent = change(running.mongodb_url, ["elsewhere"], 200, seconds)
            time.sleep(_LAST_ONES_SECONDS)
            costs.append((shop.seconds_of_cpu() - cpu) / len(sent))
            print(f"  {others:,} others: {1e6 * costs[-1]:.0f} µs of CPU a transition", flush=True)
    print(f"  ratio {costs[1] / costs[0]:.2f}")


def hanging(running: Program, shop: Api, seconds: int) -> None:
    """What one costs who takes nothing for a minute, and whether another one notices."""
    keys = ["hanging"]
    segments = shop.make_segments(keys)
    rest(running)
    with listening(shop.address, [segments]) as heard:
        before = shop.mebibytes()
        with stalled(shop.address, [segments]):
            sizes, sent = [shop.mebibytes()], Sent()
            for _ in range(6):
                sent |= change(running.mongodb_url, keys, 200, _MINUTE / 6, len(sent))
                sizes.append(shop.mebibytes())
        delays = heard().delays(sent)
    _say("who reads", delays)
    print(f"  the API: {before:.0f} MiB, then {', '.join(f'{size:.0f}' for size in sizes)}")


_PARTS = {"one": one, "crowd": crowd, "elsewhere": elsewhere, "hanging": hanging}


def _say(who: str, delays: Sequence[float]) -> None:
    print(
        f"  {who}: {len(delays):,} heard after p50 {_at(delays, 0.5):.1f} ms, p99"
        f" {_at(delays, 0.99):.1f} ms, at worst {delays[-1]:.0f} ms",
        flush=True,
    )


def _at(delays: Sequence[float], share: float) -> float:
    return delays[int(share * (len(delays) - 1))]


if __name__ == "__main__":
    main()
