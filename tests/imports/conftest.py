"""Imports into a database of the test's own: in this process, and by the command."""

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
from app.services.imports import DryRunStore, FileImport, RejectFile
from app.settings import Settings
from app.store import Store

Json = dict[str, Any]


@dataclass
class ImportResult:
    """The result of the import of a file."""

    accepted_count: int
    rejected_count: int
    rejects: list[Json]

    @property
    def rejected_lines(self) -> list[int]:
        return [reject["line"] for reject in self.rejects]


class ImportShop:
    """Imports files, and reads what is stored."""

    def __init__(self, services: Services, settings: Settings, folder: Path, database: Any) -> None:
        self.services = services
        self.database = database
        self._settings = settings
        self._rejects_file = folder / "rejected.ndjson"

    async def import_file(
        self, entity: str, content: str | bytes, name: str = "-", *, dry_run: bool = False
    ) -> ImportResult:
        services = self.services
        if dry_run:
            services = Services(await DryRunStore.open(self._settings), self._settings)
        rejects = RejectFile(self._rejects_file)
        import_ = FileImport(services, entity, rejects)
        stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
        try:
            await import_.run(name, stream, lambda: None)
        finally:
            rejects.close()
            if dry_run:
                await services.store.close()
        return ImportResult(
            import_.accepted_count, import_.rejected_count, read_rejects(self._rejects_file)
        )

    def read_customer_document(self, source_id: str) -> Json:
        document: Json = self.database.customers.find_one({"sourceId": source_id})
        return document

    def dump(self) -> Json:
        """Returns all documents. Two dumps are equal only if nothing was written in between."""
        names = ("customers", "orders", "events", "eventNames")
        return {name: list(self.database[name].find().sort("_id", 1)) for name in names}


def read_rejects(path: Path) -> list[Json]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest_asyncio.fixture
async def shop(
    settings: Settings, mongo_client: MongoClient[Any], tmp_path: Path
) -> AsyncIterator[ImportShop]:
    store = await Store.open(settings)
    yield ImportShop(Services(store, settings), settings, tmp_path, mongo_client[settings.database])
    await store.close()


Command = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    assert settings.mongodb_url
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SEGMENTS_", "REDIS"))
    }
    return {
        **inherited,
        "MONGODB_URL": settings.mongodb_url.get_secret_value(),
        "SEGMENTS_DATABASE": settings.database,
    }


@pytest.fixture
def run_import(environment: dict[str, str], tmp_path: Path) -> Command:
    """run_import("orders", "a.csv") runs `segments import orders a.csv` in the test's folder."""

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
