"""What the substring index costs an import of customers, in rows per second.

python -m tests.benchmarks.import_customers
"""

import asyncio
import csv
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import uvloop
from pydantic import SecretStr
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.services import Services
from app.services.imports import FileImport, ImportOptions, RejectFile
from app.settings import Settings
from app.store import Store
from tests.benchmarks.search import customer_documents
from tests.local_processes import running_process

CUSTOMERS = 40_000
ROUNDS = 3
DATABASE = "imported"
COLUMNS = ("sourceId", "name", "email", "phone")


def write_customers(path: Path, count: int) -> None:
    """Writes a CSV file of customers."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for document in islice(customer_documents(count), count):
            writer.writerow([document[column] for column in COLUMNS])


async def import_customers(path: Path, settings: Settings) -> int:
    """Imports the file into an empty database. Returns the rows per second."""
    store = await Store.open(settings)
    import_ = FileImport(Services(store, settings), "customers", RejectFile(path), ImportOptions())
    started_at = time.perf_counter()
    with path.open("rb") as stream:
        await import_.run(path.name, stream, lambda: None)
    seconds = time.perf_counter() - started_at
    await store.close()
    assert import_.report.accepted_count == CUSTOMERS
    return round(CUSTOMERS / seconds)


def measure_rates(path: Path, url: str) -> dict[bool, list[int]]:
    """Returns the rows per second of each round, with the index and without."""
    rates: dict[bool, list[int]] = {True: [], False: []}
    with (
        MongoClient[dict[str, Any]](url) as client,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        for _ in range(ROUNDS):
            for has_index, index_rates in rates.items():
                settings = Settings(
                    _env_file=None,  # type: ignore[call-arg]
                    mongodb_url=SecretStr(url),
                    database=DATABASE,
                    substring_index=has_index,
                )
                index_rates.append(runner.run(import_customers(path, settings)))
                sizes = client[DATABASE].command("collStats", "customers")
                print(
                    f"index {'on' if has_index else 'off':4}{index_rates[-1]:8,} rows/s;"
                    f" a document has {sizes['avgObjSize']} bytes"
                )
                client.drop_database(DATABASE)
    return rates


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "customers.csv"
        write_customers(path, CUSTOMERS)
        with running_process(Mongod(folder, Settings(_env_file=None))) as mongod:  # type: ignore[call-arg]
            rates = measure_rates(path, mongod.url)
    with_index, without_index = (statistics.median(rates[key]) for key in (True, False))
    print(
        f"{CUSTOMERS:,} customers: {with_index:,} rows/s with the index, {without_index:,} without"
    )
    print(f"ratio {with_index / without_index:.2f}")


if __name__ == "__main__":
    main()
