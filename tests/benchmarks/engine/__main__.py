"""The engine: does it keep up, how soon does time tell, what does an activation cost.

    python -m tests.benchmarks.engine [--customers N] [--data DIR] [--only NAME] [--segments N]

One worker beside mongod and who writes, all on this machine. The shop is built once.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean

from bson import ObjectId

from tests.benchmarks.engine import crowd
from tests.benchmarks.engine.probe import FILTER, Probe
from tests.benchmarks.engine.shop import Shop
from tests.benchmarks.million.build import shop
from tests.benchmarks.million.question import attribute

CUSTOMERS, SEGMENTS = 1_000_000, 1_000
MINUTE, CHANGES, _FLIPPED = 60, 1_000_000, 100_000
_STEP_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the shop")
    parser.add_argument("--only", choices=[*_PARTS], action="append")
    parser.add_argument("--segments", type=int, default=SEGMENTS)
    given = parser.parse_args()
    folder = Path(tempfile.gettempdir()) / f"segments-benchmark-engine-{given.customers}"
    with shop(given.data or folder, given.customers) as url:
        for name in given.only or _PARTS:
            opened = Shop(url)
            opened.begin_anew()
            print(f"\n{name}", flush=True)
            _PARTS[name](opened, given.segments)


def live(shop: Shop, segments: int) -> None:
    """Keeps up with a bulk writer for a minute at least, and a million changes; in the same
    memory."""
    dice = Random(1)
    shop.activate([crowd.segment(dice) for _ in range(segments)])
    with shop.worker() as worker:
        print(
            f"  {segments:,} activated: all customers passed after {shop.wait():.0f} s", flush=True
        )
        with shop.writer() as written:
            while not written.value:
                time.sleep(0.1)
            began, before, told = time.monotonic(), written.value, shop.transitions()
            seconds, changes = 0.0, 0
            while seconds < MINUTE or changes < CHANGES:
                time.sleep(_STEP_SECONDS)
                seconds = time.monotonic() - began
                changes, log = written.value - before, shop.transitions() - told
                print(
                    f"  after {seconds:3.0f} s: {changes / seconds:,.0f} changes/s written, lag"
                    f" {shop.lag():.2f} s, {log / seconds:,.0f} transitions/s, worker"
                    f" {worker.memory_info().rss / 2**20:.0f} MiB",
                    flush=True,
                )
        print(f"  the writer stopped; at rest after {shop.wait():.2f} s")


def activation(shop: Shop, segments: int) -> None:
    """One segment more over all customers, while others go on."""
    dice = Random(1)
    shop.activate([FILTER, *(crowd.segment(dice) for _ in range(segments))])
    with shop.worker():
        shop.wait()
        with Probe(shop) as probe:
            time.sleep(2)
            shop.activate([attribute("metadata.vip", "IS", True)])
            print(f"  all customers passed after {shop.wait():.1f} s", flush=True)
        print(f"  {probe}")


def due(shop: Shop, segments: int) -> None:
    """Exits by time: one by one, ten thousand in a second, all customers at one instant."""
    recent = attribute("metadata.seenAt", "WITHIN_LAST", "PT1H")
    shop.activate([FILTER, recent])
    customers = shop.database.customers
    keys = [row["_id"] for row in customers.find({}, {"_id": 1})]
    with shop.worker():
        shop.wait()
        for number in (1, 10_000, len(keys)):
            some = {"_id": {"$lt": keys[number]}} if number < len(keys) else {}
            ahead = timedelta(seconds=5 + number // 5_000)
            instant = shop.now() + ahead - timedelta(hours=1)
            seen = {"$set": {"metadata.seenAt": instant}}
            entered = customers.update_many(some, seen).modified_count
            shop.wait()
            leaves = instant + timedelta(hours=1, milliseconds=1)
            print(f"  {entered:,} are in; all leave in {leaves - shop.now()}", flush=True)
            before = shop.transitions()
            with Probe(shop) as probe:
                while shop.now() < leaves:
                    time.sleep(0.005)
                first, last = _seconds_until_told(shop, leaves, before, 1, entered)
            print(
                f"  {entered:,} at one instant: the first after {first:.2f} s, all after"
                f" {last:.2f} s, {entered / last:,.0f}/s; {probe}",
                flush=True,
            )


def workers(shop: Shop, segments: int) -> None:
    """Two workers, and four, against one: transitions a second from as many changes at once."""
    dice = Random(1)
    rates: defaultdict[int, list[float]] = defaultdict(list)
    flag = attribute("metadata.flag", "IS", True)
    some = {"_id": {"$lt": shop.key(_FLIPPED)}}
    # An earlier run has left them in.
    shop.database.customers.update_many(some, {"$set": {"metadata.flag": False}})
    shop.activate([flag, *(crowd.segment(dice) for _ in range(segments))])
    for turn, number in enumerate((1, 2, 4, 4, 2, 1)):
        gone = shop.holders()
        with ExitStack() as opened:
            for _ in range(number):
                opened.enter_context(shop.worker())
            shop.wait_until_shared(number, gone)
            before, began = shop.transitions(), time.monotonic()
            flipped = {"$set": {"metadata.flag": turn % 2 == 0}, "$inc": {"version": 1}}
            changed = shop.database.customers.update_many(some, flipped).modified_count
            shop.wait()
            seconds, told = time.monotonic() - began, shop.transitions() - before
        rates[number].append(told / seconds)
        print(
            f"  {number} at work: {changed:,} changes, {told:,} transitions,"
            f" {told / seconds:,.0f}/s",
            flush=True,
        )
    for number in (2, 4):
        print(f"  {number} against one: {mean(rates[number]) / mean(rates[1]):.2f}")


def _seconds_until_told(shop: Shop, at: datetime, after: int, *numbers: int) -> list[float]:
    """How long until the log, from after a place, tells of so many who left at the instant."""
    began, seconds = time.monotonic(), []
    told, end = 0, ObjectId(f"{after:024x}")
    for number in numbers:
        while told < number:
            new = shop.database.transitions.find({"_id": {"$gt": end}}, {"cause": 1, "at": 1})
            for row in new.sort("_id", 1):
                told += row["cause"] == "TIME" and row["at"] == at
                end = row["_id"]
            time.sleep(0.02)
        seconds.append(time.monotonic() - began)
    return seconds


_PARTS = {"live": live, "activation": activation, "due": due, "workers": workers}

if __name__ == "__main__":
    main()
