"""One run: everything happens, with trouble; then the log is held against the truth."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo import MongoClient
from structlog.testing import capture_logs

from app.store.stream import place_of
from tests.engine.conftest import until
from tests.engine.model.answers import Answers, WatchedApi
from tests.engine.model.crowds import Sizes
from tests.engine.model.judge import problems_of
from tests.engine.model.life import Life
from tests.engine.model.world import World, world

Json = dict[str, Any]

# So many steps are under way at a time.
_HANDS = 3
_CALM_SECONDS = 3.0
_ENGINES = ("partitions", "steps", "workers", "marks", "activeFilters", "leases")


@dataclass(frozen=True)
class Plan:
    """What is to happen. `settle_seconds`: how long the engine may take to catch up in the end."""

    seed: int = 0
    kills: int = 20
    elections: int = 0
    workers: int = 1
    members: int = 1
    sizes: Sizes = field(default_factory=Sizes)
    settle_seconds: float = 180


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    kills: Counter[str]
    elections: Counter[str]
    terms: int
    steps: int
    # Steps that did not come to their end, by why.
    cut_off: Counter[str]
    answers: Answers
    causes: Counter[str]
    problems: list[str]
    # How long each part took.
    seconds: dict[str, float]

    def __str__(self) -> str:
        answers, codes = self.answers, Counter(self.answers.codes)
        codes["INTERNAL"] += 0
        lines = {
            "kills": _counted(self.kills),
            "elections": f"{_counted(self.elections)}; {self.terms} new terms",
            "steps": f"{self.steps}, of which {self.cut_off.total()} were cut off",
            "answers": f"{answers.number}, the slowest in {answers.slowest_seconds:.1f} s;"
            f" errors: {_counted(codes)}",
            "transitions": _counted(self.causes),
            "problems": str(len(self.problems)),
            "INTERNAL": str(answers.internal.total()),
            "seconds": ", ".join(f"{part} {took:.0f}" for part, took in self.seconds.items()),
        }
        return "\n".join(f"{name + ':':13}{told}" for name, told in lines.items())


def _counted(each: Counter[str]) -> str:
    told = ", ".join(f"{number} {name}" for name, number in sorted(each.items()))
    return f"{each.total()} ({told})" if told else "0"


async def run(folder: Path, plan: Plan) -> Outcome:
    """Lets it happen, and judges it."""
    with capture_logs() as log:
        return await _run(folder, plan, Answers(log))


async def _run(folder: Path, plan: Plan, answers: Answers) -> Outcome:
    chance = random.Random(plan.seed)
    clock = _Clock()
    async with world(folder, plan.workers, plan.members) as shop_world:
        api = WatchedApi(**vars(shop_world.api), answers=answers)
        assert api.settings.mongodb_url
        url = api.settings.mongodb_url.get_secret_value()
        with MongoClient[Json](url, tz_aware=True) as client:
            since = client.admin.command("hello")["operationTime"]
            term = await asyncio.to_thread(shop_world.term)
            life = Life(api, client, chance, plan.sizes)
            await life.begin()
            clock.ends("start")
            over = asyncio.Event()
            cut_off: Counter[str] = Counter()
            hands = [asyncio.create_task(_live(life, over, cut_off)) for _ in range(_HANDS)]
            try:
                await _trouble(shop_world, plan, chance)
            finally:
                over.set()
                steps = sum(await asyncio.gather(*hands))
            clock.ends("trouble")
            now, end = await asyncio.to_thread(_end, client)
            problems = await _settle(shop_world, now, end, plan.settle_seconds)
            clock.ends("settling")
            await shop_world.stop_the_workers()
            term = await asyncio.to_thread(shop_world.term) - term
            if not problems:
                calendar, calls = api.services.calendar, answers.calls
                problems = problems_of(api.database, calendar, calls, since, end, now)
            clock.ends("judging")
            log = api.database.transitions.find({}, {"cause": 1})
            causes = Counter(row["cause"] for row in log)
    return Outcome(
        shop_world.kills,
        shop_world.elections,
        term,
        steps,
        cut_off,
        answers,
        causes,
        problems,
        clock.seconds,
    )


class _Clock:
    """How long the parts of a run took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def ends(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[part], self._last = now - self._last, now


async def _trouble(shop_world: World, plan: Plan, chance: random.Random) -> None:
    await asyncio.sleep(_CALM_SECONDS)
    kinds = ["kill"] * plan.kills + ["election"] * plan.elections
    chance.shuffle(kinds)
    for kind in kinds:
        await asyncio.sleep(chance.random() * 0.9)
        await shop_world.see_to_the_workers()
        if kind == "kill":
            await shop_world.kill_something(chance)
        else:
            await shop_world.elect_another(chance)


async def _live(life: Life, over: asyncio.Event, cut_off: Counter[str]) -> int:
    """Until it is over; says how much was done, and writes down why some of it failed."""
    steps = 0
    while not over.is_set():
        steps += 1
        try:
            await life.step()
        except Exception as error:  # noqa: BLE001 - what the trouble cut off
            cut_off[f"{type(error).__name__}: {str(error)[:100]}"] += 1
        await asyncio.sleep(0.005)
    return steps


def _end(client: MongoClient[Json]) -> tuple[datetime, Timestamp]:
    """The instant by MongoDB's clock, and the last time in its oplog."""
    hello = client.admin.command("hello", codec_options=client.codec_options)
    return hello["localTime"], hello["operationTime"]


async def _settle(shop_world: World, now: datetime, end: Timestamp, seconds: float) -> list[str]:
    """Returns when the engine has come past all that is committed, and due, by now; a problem where
    it does not."""
    database = shop_world.api.database
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
        await until(is_past, seconds)
    except TimeoutError:
        where = {name: list(database[name].find().limit(2)) for name in _ENGINES}
        due = list(database.states.find({"wakesAt": {"$lte": now}}).limit(20))
        late = f"not settled by {now} at {place} within {seconds:g} s"
        complaints = f"the workers complain: {shop_world.warnings()}"
        return [late, complaints, f"due: {due}", *(f"{name}: {of}" for name, of in where.items())]
    return []
