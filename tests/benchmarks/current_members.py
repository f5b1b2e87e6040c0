"""A distribution with includeCurrentMembers: a million members, some of whom change meanwhile.

    python -m tests.benchmarks.current_members [--customers N] [--data DIR] [--changes N]

One worker makes the deliveries, while a writer lets customers leave and return. The benchmark
asserts that each member has exactly one delivery, and each later entrance another. It also shows
the memory of the worker, and the latency of the transitions of another segment. The receiver never
answers, so that almost nothing is sent. The shop is that of the `engine` benchmark.
"""

import argparse
import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import psutil
from bson import ObjectId
from pymongo import UpdateOne

from app.domain.consumers import Consumer
from app.services import Services
from app.store import Store
from tests.benchmarks.engine.benchmark_shop import (
    BenchmarkShop,
    Json,
    add_shop_arguments,
    running_benchmark_shop,
)
from tests.benchmarks.engine.latency_probe import PROBE_FILTER, LatencyProbe
from tests.benchmarks.million.build import program_settings
from tests.benchmarks.million.filter_case import attribute
from tests.benchmarks.repeated import repeated

CHANGES_PER_SECOND = 200
MAX_LATENCY_SECONDS = 1.0
# Everybody is a member without this flag.
MEMBER_FILTER: Json = {"none": [attribute("metadata.flag", "IS", True)]}
_CHANGES_PER_WRITE = 20
_SAMPLE_SECONDS = 0.25
_POLL_SECONDS = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_shop_arguments(parser)
    parser.add_argument(
        "--changes", type=int, default=CHANGES_PER_SECOND, help="customers per second that change"
    )
    arguments = parser.parse_args()
    os.environ["SEGMENTS_WEBHOOK_ALLOW_PRIVATE"] = "true"
    with (
        socket.create_server(("127.0.0.1", 0)) as silent_receiver,
        running_benchmark_shop(arguments) as url,
    ):
        port = silent_receiver.getsockname()[1]
        _measure(BenchmarkShop(url), f"http://127.0.0.1:{port}/", arguments.changes)


def _measure(shop: BenchmarkShop, receiver_url: str, changes_per_second: int) -> None:
    shop.reset()
    has_flag = {"metadata.flag": {"$exists": True}}
    shop.database.customers.update_many(has_flag, {"$unset": {"metadata.flag": ""}})
    shop.create_active_segments([PROBE_FILTER, MEMBER_FILTER])
    (segment,) = shop.database.segments.find().sort("_id", -1).limit(1)
    member_keys = [row["_id"] for row in shop.database.customers.find({}, {"_id": 1})]
    with shop.worker() as worker:
        print(f"the engine found the members in {shop.wait_until_processed():.0f} s", flush=True)
        with (
            _changing(shop, member_keys, changes_per_second) as changed,
            LatencyProbe(shop) as probe,
            _sampled_memory(worker) as memory_mib,
        ):
            asyncio.run(_create_distribution(shop.url, segment["_id"], receiver_url))
            started_at = time.monotonic()
            while not _is_backfilled(shop):
                time.sleep(_POLL_SECONDS)
            seconds = time.monotonic() - started_at
        shop.wait_until_processed()
        while not _has_consumed(shop):
            time.sleep(_POLL_SECONDS)
    half = len(memory_mib) // 2
    print(
        f"{len(member_keys):,} members in {seconds:.0f} s, {len(member_keys) / seconds:,.0f}/s,"
        f" while {len(changed):,} customers changed\n"
        f"worker: at most {max(memory_mib[:half]):.0f} MiB in the first half,"
        f" {max(memory_mib[half:]):.0f} MiB in the second\n{probe}"
    )
    _check_deliveries(shop, segment["_id"])
    print(f"the goal is a transition of another segment within {MAX_LATENCY_SECONDS:.0f} s")


async def _create_distribution(url: str, segment_key: ObjectId, receiver_url: str) -> None:
    store = await Store.open(program_settings(url))
    services = Services(store, program_settings(url))
    wire = {
        "name": "welcome",
        "segmentId": f"seg_{segment_key}",
        "channel": {"webhook": {"url": receiver_url}},
        "includeCurrentMembers": True,
    }
    await services.distributions.create(wire, services.now().at)
    await store.close()


@contextmanager
def _changing(
    shop: BenchmarkShop, keys: list[ObjectId], changes_per_second: int
) -> Iterator[list[ObjectId]]:
    """Lets random customers leave or return while the context is open; yields those of all
    changes."""
    rng, changed = Random(1), list[ObjectId]()
    flip = [{"$set": {"metadata.flag": {"$ne": ["$metadata.flag", True]}}}]
    raise_version = [{"$set": {"version": {"$add": ["$version", 1]}}}]

    def change() -> None:
        chosen = rng.sample(keys, _CHANGES_PER_WRITE)
        shop.database.customers.bulk_write(
            [UpdateOne({"_id": key}, flip + raise_version) for key in chosen], ordered=False
        )
        changed.extend(chosen)

    with repeated(change, _CHANGES_PER_WRITE / changes_per_second):
        yield changed


@contextmanager
def _sampled_memory(process: psutil.Process) -> Iterator[list[float]]:
    """Yields the memory of the process in MiB, sampled while the context is open."""
    samples: list[float] = []
    with repeated(lambda: samples.append(process.memory_info().rss / 2**20), _SAMPLE_SECONDS):
        yield samples


def _is_backfilled(shop: BenchmarkShop) -> bool:
    unfinished = {"memberBackfill.through": None}
    return not shop.database.distributions.count_documents(unfinished)


def _has_consumed(shop: BenchmarkShop) -> bool:
    checkpoint = shop.database.checkpoints.find_one({"_id": Consumer.DELIVERIES.value})
    return checkpoint is not None and checkpoint["sequence"] == shop.transition_count()


def _check_deliveries(shop: BenchmarkShop, segment_key: ObjectId) -> None:
    """Asserts that each customer who was a member at the creation has one delivery for that, and
    one more for each entrance since."""
    database = shop.database
    (distribution,) = database.distributions.find()
    created_after = ObjectId(f"{distribution['liveIntervals'][0]['after']:024x}")
    after_creation = {"segmentId": segment_key, "_id": {"$gt": created_after}}
    first_types = database.transitions.aggregate(
        [
            {"$match": after_creation},
            {"$sort": {"_id": 1}},
            {"$group": {"_id": "$customerId", "type": {"$first": "$type"}}},
        ],
        allowDiskUse=True,
    )
    first_type_by_customer = {row["_id"]: row["type"] for row in first_types}
    members = {
        row["_id"]
        for row in database.customers.find({}, {"metadata.flag": 1})
        if row["metadata"].get("flag") is not True
    }
    expected = {
        key
        for key in members | first_type_by_customer.keys()
        if first_type_by_customer.get(key, "LEFT") == "LEFT"
    }
    made = [
        row["customerId"]
        for row in database.deliveries.find({"transitionId": None}, {"customerId": 1})
    ]
    assert len(made) == len(expected)
    assert set(made) == expected
    entered = {
        row["_id"] for row in database.transitions.find({**after_creation, "type": "ENTERED"}, {})
    }
    sent = [
        row["transitionId"]
        for row in database.deliveries.find({"transitionId": {"$ne": None}}, {"transitionId": 1})
    ]
    assert len(sent) == len(entered)
    assert set(sent) == entered
    print(f"each of {len(made):,} members has one delivery, and each of {len(sent):,} entrances")


if __name__ == "__main__":
    main()
