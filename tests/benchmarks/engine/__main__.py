"""The engine with a million customers: lag under load, timers, activation, several workers.

    python -m tests.benchmarks.engine [--customers N] [--data DIR] [--only NAME] [--segments N]

mongod, the workers and the writer run on this machine. The shop is built once; later runs reuse it.
--only takes `live`, `activation`, `due` or `workers`.
"""

import argparse
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import datetime, timedelta
from random import Random
from statistics import mean

from bson import ObjectId

from tests.benchmarks.engine import random_filters
from tests.benchmarks.engine.benchmark_shop import (
    BenchmarkShop,
    add_shop_arguments,
    running_benchmark_shop,
)
from tests.benchmarks.engine.latency_probe import PROBE_FILTER, LatencyProbe
from tests.benchmarks.million.filter_case import attribute

SEGMENTS = 1_000
MIN_LIVE_SECONDS = 60
MIN_LIVE_CHANGES = 1_000_000
_FLIPPED_CUSTOMERS = 100_000
_REPORT_INTERVAL_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_shop_arguments(parser)
    parser.add_argument("--only", choices=[*_BENCHMARKS], action="append")
    parser.add_argument("--segments", type=int, default=SEGMENTS)
    arguments = parser.parse_args()
    with running_benchmark_shop(arguments) as url:
        for name in arguments.only or _BENCHMARKS:
            benchmark_shop = BenchmarkShop(url)
            benchmark_shop.reset()
            print(f"\n{name}", flush=True)
            _BENCHMARKS[name](benchmark_shop, arguments.segments)


def live(shop: BenchmarkShop, segments: int) -> None:
    """Lag and memory of a worker beside a bulk writer; at least a minute and a million changes."""
    rng = Random(1)
    shop.create_active_segments([random_filters.random_filter(rng) for _ in range(segments)])
    with shop.worker() as worker:
        backfill_seconds = shop.wait_until_processed()
        print(f"  {segments:,} activated: backfilled after {backfill_seconds:.0f} s", flush=True)
        with shop.writer() as written:
            while not written.value:
                time.sleep(0.1)
            started_at = time.monotonic()
            changes_before = written.value
            transitions_before = shop.transition_count()
            seconds = 0.0
            changes = 0
            while seconds < MIN_LIVE_SECONDS or changes < MIN_LIVE_CHANGES:
                time.sleep(_REPORT_INTERVAL_SECONDS)
                seconds = time.monotonic() - started_at
                changes = written.value - changes_before
                transitions = shop.transition_count() - transitions_before
                print(
                    f"  after {seconds:3.0f} s: {changes / seconds:,.0f} changes/s written, lag"
                    f" {shop.lag_seconds():.2f} s, {transitions / seconds:,.0f} transitions/s,"
                    f" worker {worker.memory_info().rss / 2**20:.0f} MiB",
                    flush=True,
                )
        print(f"  the writer stopped; processed after {shop.wait_until_processed():.2f} s")


def activation(shop: BenchmarkShop, segments: int) -> None:
    """The activation of one more segment, while transitions of other segments go on."""
    rng = Random(1)
    shop.create_active_segments(
        [PROBE_FILTER, *(random_filters.random_filter(rng) for _ in range(segments))]
    )
    with shop.worker():
        shop.wait_until_processed()
        with LatencyProbe(shop) as probe:
            time.sleep(2)
            shop.create_active_segments([attribute("metadata.vip", "IS", True)])
            print(f"  backfilled after {shop.wait_until_processed():.1f} s", flush=True)
        print(f"  {probe}")


def due_timers(shop: BenchmarkShop, segments: int) -> None:
    """Exits by time alone: one customer, 10,000 and all customers at one instant."""
    recent = attribute("metadata.seenAt", "WITHIN_LAST", "PT1H")
    shop.create_active_segments([PROBE_FILTER, recent])
    customers = shop.database.customers
    keys = [row["_id"] for row in customers.find({}, {"_id": 1})]
    with shop.worker():
        shop.wait_until_processed()
        for number in (1, 10_000, len(keys)):
            selection = {"_id": {"$lt": keys[number]}} if number < len(keys) else {}
            delay = timedelta(seconds=5 + number // 5_000)
            instant = shop.now() + delay - timedelta(hours=1)
            update = {"$set": {"metadata.seenAt": instant}}
            entered = customers.update_many(selection, update).modified_count
            shop.wait_until_processed()
            exits_at = instant + timedelta(hours=1, milliseconds=1)
            print(f"  {entered:,} are in; all leave in {exits_at - shop.now()}", flush=True)
            transitions_before = shop.transition_count()
            with LatencyProbe(shop) as probe:
                while shop.now() < exits_at:
                    time.sleep(0.005)
                first, last = _seconds_until_logged(shop, exits_at, transitions_before, 1, entered)
            print(
                f"  {entered:,} at one instant: the first after {first:.2f} s, all after"
                f" {last:.2f} s, {entered / last:,.0f}/s; {probe}",
                flush=True,
            )


def workers(shop: BenchmarkShop, segments: int) -> None:
    """Transitions per second of two and of four workers, against one worker."""
    rng = Random(1)
    rates: defaultdict[int, list[float]] = defaultdict(list)
    flag = attribute("metadata.flag", "IS", True)
    selection = {"_id": {"$lt": shop.customer_id_at(_FLIPPED_CUSTOMERS)}}
    # An earlier run may have left the flag set.
    shop.database.customers.update_many(selection, {"$set": {"metadata.flag": False}})
    shop.create_active_segments(
        [flag, *(random_filters.random_filter(rng) for _ in range(segments))]
    )
    for round_index, number in enumerate((1, 2, 4, 4, 2, 1)):
        previous_owners = shop.lease_owners()
        with ExitStack() as exit_stack:
            for _ in range(number):
                exit_stack.enter_context(shop.worker())
            shop.wait_until_balanced(number, previous_owners)
            transitions_before, started_at = shop.transition_count(), time.monotonic()
            update = {"$set": {"metadata.flag": round_index % 2 == 0}, "$inc": {"version": 1}}
            changed = shop.database.customers.update_many(selection, update).modified_count
            shop.wait_until_processed()
            seconds = time.monotonic() - started_at
            transitions = shop.transition_count() - transitions_before
        rates[number].append(transitions / seconds)
        print(
            f"  {number} workers: {changed:,} changes, {transitions:,} transitions,"
            f" {transitions / seconds:,.0f}/s",
            flush=True,
        )
    for number in (2, 4):
        print(f"  {number} workers against one: {mean(rates[number]) / mean(rates[1]):.2f}")


def _seconds_until_logged(
    shop: BenchmarkShop, exits_at: datetime, after_sequence: int, *transition_counts: int
) -> list[float]:
    """Returns the seconds after the instant at which the log holds each of these numbers of exits.

    Counts the transitions after a sequence number.
    """
    started_at, seconds = time.monotonic(), []
    logged, last_id = 0, ObjectId(f"{after_sequence:024x}")
    for number in transition_counts:
        while logged < number:
            new = shop.database.transitions.find({"_id": {"$gt": last_id}}, {"cause": 1, "at": 1})
            for row in new.sort("_id", 1):
                logged += row["cause"] == "TIME" and row["at"] == exits_at
                last_id = row["_id"]
            time.sleep(0.02)
        seconds.append(time.monotonic() - started_at)
    return seconds


_BENCHMARKS = {"live": live, "activation": activation, "due": due_timers, "workers": workers}

if __name__ == "__main__":
    main()
