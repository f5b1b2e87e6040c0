"""Imports into a real database of the test's own: inside this process, and as people run it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pymongo import MongoClient

from app.services import Services
from app.services.imports import Import, Rehearsal, Rejects
from app.settings import Settings
from app.store import Store

Json = dict[str, Any]


@dataclass
class Outcome:
    """What became of a file."""

    accepted: int
    refused: int
    rejects: list[Json]

    @property
    def lines(self) -> list[int]:
        return [reject["line"] for reject in self.rejects]


class Shop:
    """What is stored, and files on their way in."""

    def __init__(self, services: Services, settings: Settings, folder: Path, stored: Any) -> None:
        self.services = services
        self.stored = stored
        self._settings = settings
        self._rejected = folder / "rejected.ndjson"

    async def load(
        self, noun: str, content: str | bytes, name: str = "-", *, dry_run: bool = False
    ) -> Outcome:
        services = self.services
        if dry_run:
            services = Services(await Rehearsal.open(self._settings), self._settings)
        rejects = Rejects(self._rejected)
        job = Import(services, noun, rejects)
        stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
        try:
            await job.run(name, stream, lambda: None)
        finally:
            rejects.close()
            if dry_run:
                await services.store.close()
        return Outcome(job.accepted, job.refused, rejected(self._rejected))

    def customer(self, source_id: str) -> Json:
        found: Json = self.stored.customers.find_one({"sourceId": source_id})
        return found

    def everything(self) -> Json:
        """All documents; two of them are equal only where nothing was written between."""
        names = ("customers", "orders", "events", "eventNames")
        return {name: list(self.stored[name].find().sort("_id", 1)) for name in names}


def rejected(path: Path) -> list[Json]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest_asyncio.fixture
async def shop(
    settings: Settings, mongo_client: MongoClient[Any], tmp_path: Path
) -> AsyncIterator[Shop]:
    store = await Store.open(settings)
    yield Shop(Services(store, settings), settings, tmp_path, mongo_client[settings.database])
    await store.close()


Command = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    assert settings.mongodb_url
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEGMENTS_", "REDIS"))}
    return {
        **kept,
        "MONGODB_URL": settings.mongodb_url.get_secret_value(),
        "SEGMENTS_DATABASE": settings.database,
    }


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> Command:
    """command("orders", "a.csv") runs `segments import orders a.csv` in the test's folder."""

    def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "app", "import", *arguments],
            cwd=tmp_path,
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run
