"""Imports into a database of the test's own: in this process, and by the command."""

import codecs
import csv
import io
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
import pytest_asyncio
from pymongo import MongoClient

from app.services import Services
from app.services.bulk_rows import RowChange
from app.services.imports import DryRunStore, FileImport, ImportOptions, RejectFile
from app.services.imports.report import ImportReport
from app.settings import Settings
from app.store import Store
from tests.forked_program import run_segments

Json = dict[str, Any]


@dataclass
class ImportResult:
    """The result of the import of a file."""

    report: ImportReport
    rejects: list[Json]

    @property
    def accepted_count(self) -> int:
        return self.report.accepted_count

    @property
    def rejected_count(self) -> int:
        return self.report.rejected_count

    @property
    def rejected_lines(self) -> list[int]:
        return [int(reject["line"]) for reject in self.rejects]

    @property
    def reasons(self) -> list[str]:
        return [reject["reason"] for reject in self.rejects]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """New, changed, unchanged and repeated rows."""
        counts = self.report.counts
        return (
            counts[RowChange.NEW],
            counts[RowChange.CHANGED],
            counts[RowChange.UNCHANGED],
            self.report.repeated_count,
        )

    @property
    def types(self) -> dict[str, str]:
        """The types by path, as the report shows them."""
        return {path: column.type for column in self.report.columns for path in column.paths}


class ImportShop:
    """Imports files, and reads what is stored."""

    def __init__(self, services: Services, settings: Settings, folder: Path, database: Any) -> None:
        self.services = services
        self.database = database
        self._settings = settings
        self._imported_path = folder / "imported"

    async def import_file(
        self,
        entity: str,
        content: str | bytes | IO[bytes],
        name: str = "-",
        options: ImportOptions | None = None,
        *,
        dry_run: bool = False,
    ) -> ImportResult:
        services = self.services
        if dry_run:
            services = Services(await DryRunStore.open(self._settings), self._settings)
        rejects = RejectFile(self._imported_path)
        import_ = FileImport(services, entity, rejects, options)
        data = content.encode() if isinstance(content, str) else content
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        try:
            await import_.run(name, stream, lambda: None)
        finally:
            rejects.close()
            if dry_run:
                await services.store.close()
        return ImportResult(import_.report, read_rejects(self._imported_path))

    def read_customer_document(self, source_id: str) -> Json:
        document: Json = self.database.customers.find_one({"sourceId": source_id})
        return document

    def dump(self) -> Json:
        """Returns all documents. Two dumps are equal only if nothing was written in between."""
        names = ("customers", "orders", "events", "eventNames")
        return {name: list(self.database[name].find().sort("_id", 1)) for name in names}


def read_rejects(imported_path: Path) -> list[Json]:
    """Returns the rows of the file of rejected rows beside an imported file."""
    ndjson_path = Path(f"{imported_path}.rejected.ndjson")
    csv_path = Path(f"{imported_path}.rejected.csv")
    if ndjson_path.exists():
        return [json.loads(line) for line in ndjson_path.read_text("utf-8").splitlines()]
    if not csv_path.exists():
        return []
    content = csv_path.read_bytes()
    encoding = "utf-16" if content.startswith(codecs.BOM_UTF16) else "utf-8"
    text = content.decode(encoding, "replace")
    delimiter = text.partition("line")[2][0]
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    # The last two columns, also of rows with too few or too many cells.
    return [
        dict(zip(header[:-2], row[:-2], strict=False)) | {"line": row[-2], "reason": row[-1]}
        for row in rows
    ]


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
        return run_segments(("import", *arguments), tmp_path, environment, stdin)

    return run
