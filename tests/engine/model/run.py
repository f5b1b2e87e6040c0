"""One run: everything happens, and is killed; then the log is held against the truth."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo import MongoClient

from app.store.stream import place_of
from tests.engine.conftest import Shop, until
from tests.engine.model.life import Life
from tests.engine.model.replay import Replay, differences, history, ledger_problems, log_of
from tests.engine.model.world import World, world

Json = dict[str, Any]


_ENGINES = ("partitions", "steps", "workers", "marks", "activeFilters", "leases")


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    kills: int
    steps: int
    failed: int
    transitions: int
    causes: Counter[str]
    problems: list[str]

    def __str__(self) -> str:
        causes = ", ".join(f"{number} {cause}" for cause, number in sorted(self.causes.items()))
        return (
            f"{self.kills} kills, {self.steps} steps of which {self.failed} were cut off;"
            f" {self.transitions} transitions ({causes}); {len(self.problems)} problems"
        )


async def run(folder: Path, seed: int, kills: int, workers: int) -> Outcome:
    chance = random.Random(seed)
    async with world(folder, workers) as shop_world:
        api = shop_world.api
        assert api.settings.mongodb_url
        url = api.settings.mongodb_url.get_secret_value()
        with MongoClient[Json](url, tz_aware=True) as client:
            since = client.admin.command("hello")["operationTime"]
            life = Life(Shop(api), client, chance)
            await life.begin()
            over = asyncio.Event()
            living = asyncio.create_task(_live(life, over))
            await asyncio.sleep(5)
            for _ in range(kills):
                await asyncio.sleep(chance.random() * 0.9)
                await shop_world.see_to_the_workers()
                await shop_world.kill_something(chance)
            over.set()
            steps, failed = await living
            now, end = await _settle(shop_world)
            await shop_world.stop_the_workers()
            problems = _judge(shop_world, since, end, now)
            log = api.database.transitions
            causes = Counter(row["cause"] for row in log.find({}, {"cause": 1}))
            number = log.count_documents({})
        return Outcome(shop_world.kills, steps, failed, number, causes, problems)


async def _live(life: Life, over: asyncio.Event) -> tuple[int, int]:
    """Until it is over; says how much was done, and how much of it failed."""
    steps = failed = 0
    while not over.is_set():
        steps += 1
        try:
            await life.step()
        except Exception:  # noqa: BLE001 - what the killer cut off
            failed += 1
        await asyncio.sleep(0.005)
    return steps, failed


async def _settle(shop_world: World) -> tuple[datetime, Timestamp]:
    """Returns when the engine has come past all that is committed, and due, by now."""
    database = shop_world.api.database
    client = database.client
    hello = client.admin.command("hello", codec_options=client.codec_options)
    end, now = hello["operationTime"], hello["localTime"]
    place = place_of(end)

    async def is_past() -> bool:
        await shop_world.see_to_the_workers()
        behind = {
            "$or": [{"place": {"$lt": place}}, {"target": {"$ne": None}}, {"at": {"$lte": now}}]
        }
        if database.partitions.count_documents(behind):
            return False
        base = min(database.partitions.distinct("base"))
        reader, log = database.checkpoints.find_one("loyalty"), database.fences.find_one("log")
        assert reader
        assert log
        return reader["sequence"] == log["sequence"] and not (
            database.steps.count_documents({"_id": {"$gt": base}})
            or database.states.count_documents({"wakesAt": {"$lte": now}})
        )

    try:
        await until(is_past, seconds=90)
    except TimeoutError:
        where = {name: list(database[name].find().limit(2)) for name in _ENGINES}
        due = list(database.states.find({"wakesAt": {"$lte": now}}).limit(20))
        raise AssertionError(f"by {now} at {place} still not settled: {where}, {due}") from None
    return now, end


def _judge(shop_world: World, since: Timestamp, end: Timestamp, now: datetime) -> list[str]:
    database = shop_world.api.database
    replay = Replay(shop_world.api.services.calendar)
    replay.play(history(database, since, end))
    replay.pass_time(now)
    problems = differences(replay.told, log_of(database, now)) + ledger_problems(database)
    sequences = [int(str(row["_id"]), 16) for row in database.transitions.find().sort("_id", 1)]
    if sequences != list(range(1, len(sequences) + 1)):
        problems.append("the sequence has gaps")
    counted = database.fences.find_one({"_id": "log"})
    if counted is None or counted["sequence"] != len(sequences):
        problems.append(f"the counter says {counted}, the log has {len(sequences)}")
    return problems
