"""A shop of its own: mongod, Valkey, workers, each of which may be killed at any time."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.local.mongod import Mongod
from app.local.process import Process
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import Api, running


class Worker(Process):
    """`segments worker`, as people run it."""

    def __init__(self, folder: Path, number: int, settings: Settings) -> None:
        super().__init__(f"worker-{number}", folder)
        assert settings.mongodb_url
        assert settings.redis_url
        self._environment = {
            **os.environ,
            "MONGODB_URL": settings.mongodb_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "SEGMENTS_DATABASE": settings.database,
            "SEGMENTS_LOG_FORMAT": "json",
        }

    def start(self) -> None:
        self.run([sys.executable, "-m", "app", "worker"], self._environment)

    def ready(self) -> None:
        """It is at work when its first transitions show."""


class World:
    """The parts, and their killer."""

    def __init__(self, api: Api, mongod: Mongod, valkey: Valkey, workers: list[Worker]) -> None:
        self.api = api
        self.kills = 0
        self._parts = (mongod, valkey)
        self._workers = workers

    async def kill_something(self, chance: random.Random) -> None:
        """Kills a part outright, and starts it again a little later."""
        often: list[Mongod | Valkey | Worker] = [*self._workers] * 6
        part = chance.choice([*often, *self._parts])
        if part.pid is None:
            return
        os.kill(part.pid, signal.SIGKILL)
        await asyncio.to_thread(part.stop)
        self.kills += 1
        await asyncio.sleep(chance.random() / 2)
        part.start()
        await asyncio.to_thread(part.ready)

    async def stop_the_workers(self) -> None:
        """Time passes on, but nobody tells of it any more."""
        for worker in self._workers:
            await asyncio.to_thread(worker.stop)

    async def see_to_the_workers(self) -> None:
        """Starts again who has given up for want of MongoDB."""
        for worker in self._workers:
            if worker.status is not None:
                worker.stop()
                worker.start()


@asynccontextmanager
async def world(folder: Path, workers: int) -> AsyncIterator[World]:
    settings = Settings(_env_file=None, oplog_mib=990)  # type: ignore[call-arg]
    mongod, valkey = Mongod(folder / "mongod", settings), Valkey(folder / "valkey")
    parts: list[Process] = [mongod, valkey]
    mongod.start()
    valkey.start()
    try:
        await asyncio.to_thread(mongod.ready)
        await asyncio.to_thread(valkey.ready)
        async with running(mongod, valkey) as api:
            crew = [Worker(folder / f"worker-{n}", n, api.settings) for n in range(workers)]
            parts += crew
            for worker in crew:
                worker.start()
            yield World(api, mongod, valkey, crew)
    finally:
        for part in reversed(parts):
            part.stop()
