"""Exports of a million members against a PyMongo cursor with the csv module, in rows per second.

python -m tests.benchmarks.exports

Also shows how much the memory of the worker grows, and compares all rows with those of the cursor.
"""

import argparse
import asyncio
import csv
import hashlib
import io
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import psutil
import uvloop
from bson import ObjectId
from pydantic import SecretStr
from pymongo import MongoClient

from app.domain.exports import ExportFormat, ExportStatus
from app.filters import canonical
from app.job_queue import ArqQueue, connect
from app.services import Services
from app.settings import Settings
from app.store import Store
from tests.api import ALL_CUSTOMERS_FILTER, Json
from tests.benchmarks.program import DATABASE, Program, running_program
from tests.benchmarks.repeated import repeated

MIN_RATE_RATIO = 0.7
MAX_GROWTH_MIB = 64
FIELDS_BY_COUNT = {
    3: ("sourceId", "name", "email"),
    12: (
        *("sourceId", "name", "email", "phone", "birthdate", "createdAt", "address.city"),
        *("address.country", "metadata.plan", "metadata.number"),
        *("orders.totalCount", "orders.totalAmount"),
    ),
}
_CUSTOMERS_PER_INSERT = 10_000
_SAMPLE_SECONDS = 0.05
_POLL_SECONDS = 0.02


def insert_customers(client: MongoClient[Json], count: int) -> None:
    first_day = datetime(1960, 1, 1, tzinfo=UTC)
    now = datetime.now(UTC).replace(microsecond=0)
    for start in range(0, count, _CUSTOMERS_PER_INSERT):
        client[DATABASE].customers.insert_many(
            {
                "_id": ObjectId(),
                "sourceId": f"customer-{n:08}",
                "name": f"Ann O'Hara the {n}th, née Łoś",
                "email": f"ann.{n}@example.com",
                "phone": f"0048{n:09}",
                "birthdate": first_day + timedelta(days=n % 20_000),
                "address": {"city": f"City {n % 997}", "country": "PL"},
                "metadata": {"plan": ("free", "gold")[n % 2], "number": n, "note": "x" * 60},
                "orders": {"totalCount": n % 50, "totalAmount": n % 50 * 1999},
                "createdAt": now,
                "updatedAt": now,
                "version": 1,
            }
            for n in range(start, min(start + _CUSTOMERS_PER_INSERT, count))
        )


def read_with_pymongo(url: str, fields: Sequence[str]) -> int:
    """Writes the rows as a script would, with values as they are; returns their number."""
    readers: list[Callable[[Json], Any]] = [_reader(field.split(".")) for field in fields]
    count = 0
    with MongoClient[Json](url) as client, tempfile.TemporaryFile("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        for customer in client[DATABASE].customers.find({}, dict.fromkeys(fields, 1)):
            writer.writerow([read(customer) for read in readers])
            count += 1
    return count


def _reader(keys: Sequence[str]) -> Callable[[Json], Any]:
    if len(keys) == 1:
        (key,) = keys
        return lambda customer: customer.get(key)
    first, second = keys
    return lambda customer: customer.get(first, {}).get(second)


def expected_digest(url: str, fields: Sequence[str]) -> str:
    """Returns the digest of what the file must be, by another way of reading the customers."""
    digest = hashlib.sha256()
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    with MongoClient[Json](url, tz_aware=True) as client:
        writer.writerow(fields)
        for customer in client[DATABASE].customers.find().sort("_id", 1):
            values = [
                reduce(lambda value, key: value[key], field.split("."), customer)
                for field in fields
            ]
            writer.writerow(
                [_to_text(field, value) for field, value in zip(fields, values, strict=True)]
            )
            digest.update(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
    return digest.hexdigest()


def _to_text(field: str, value: Any) -> Any:
    if field == "birthdate":
        return f"{value:%Y-%m-%d}"
    return f"{value:%Y-%m-%dT%H:%M:%S}.000Z" if isinstance(value, datetime) else value


@contextmanager
def peak_memory(process: psutil.Process) -> Iterator[Callable[[], float]]:
    """Samples the resident memory; yields a function that returns its growth in MiB."""
    start = peak = process.memory_info().rss

    def sample() -> None:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)

    with repeated(sample, _SAMPLE_SECONDS):
        yield lambda: (peak - start) / 2**20


class Exporter:
    """Starts exports that a worker process writes, and waits for them."""

    segment_id: str
    """The segment of all customers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def prepare(self) -> None:
        """Creates the segment, and lets the worker load its code and MongoDB its cache."""
        definition = {"filter": canonical(ALL_CUSTOMERS_FILTER)}
        wire = {"name": "everyone", "definition": definition}
        segment = await self._services.segments.create(wire, self._services.now())
        self.segment_id = segment.id
        await self.export(["id"])

    async def export(self, fields: Sequence[str]) -> tuple[str, int, float]:
        """Returns the id, the rows, and the seconds from the request to the end."""
        started = time.perf_counter()
        exports = self._services.exports
        export = await exports.create(
            self.segment_id, fields, ExportFormat.CSV, self._services.now()
        )
        while True:
            current = await exports.get(export.id)
            assert current is not None
            if current.status.has_ended:
                break
            await asyncio.sleep(_POLL_SECONDS)
        assert current.status is ExportStatus.DONE, current
        return export.id, current.rows_done, time.perf_counter() - started

    async def digest(self, export_id: str) -> str:
        file = await self._services.store.export_files.open(export_id)
        assert file is not None
        digest = hashlib.sha256()
        async for data in file.read(0, file.length):
            digest.update(data)
        return digest.hexdigest()


@asynccontextmanager
async def open_exporter(program: Program) -> AsyncIterator[Exporter]:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(program.mongodb_url),
        redis_url=SecretStr(program.redis_url),
        database=DATABASE,
    )
    store = await Store.open(settings)
    redis = connect(program.redis_url)
    exporter = Exporter(Services(store, settings, ArqQueue(redis)))
    await exporter.prepare()
    yield exporter
    await redis.aclose()
    await store.close()


async def _run(program: Program, worker: psutil.Process, rounds: int) -> None:
    async with open_exporter(program) as exporter:
        await _compare(exporter, program, worker, rounds)


async def _compare(
    exporter: Exporter, program: Program, worker: psutil.Process, rounds: int
) -> None:
    for count, fields in FIELDS_BY_COUNT.items():
        ratios, growths = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            rows = await asyncio.to_thread(read_with_pymongo, program.mongodb_url, fields)
            cursor_rate = rows / (time.perf_counter() - started)
            with peak_memory(worker) as growth_mib:
                export_id, exported_rows, seconds = await exporter.export(fields)
                growths.append(growth_mib())
            assert exported_rows == rows
            ratios.append(exported_rows / seconds / cursor_rate)
            print(
                f"{count:3} columns: cursor {cursor_rate:8,.0f} rows/s,"
                f" export {exported_rows / seconds:8,.0f} rows/s, ratio {ratios[-1]:.2f},"
                f" memory +{growths[-1]:.0f} MiB",
                flush=True,
            )
        expected = await asyncio.to_thread(expected_digest, program.mongodb_url, fields)
        assert await exporter.digest(export_id) == expected, "the rows differ"
        print(
            f"{count:3} columns: median ratio {statistics.median(ratios):.2f}, at least"
            f" {MIN_RATE_RATIO}; memory at most +{max(growths):.0f} MiB, the goal is less than"
            f" {MAX_GROWTH_MIB}; all rows are equal",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as program,
        program.process("-m", "app", "worker", "--only", "jobs") as worker,
    ):
        with MongoClient[Json](program.mongodb_url) as client:
            insert_customers(client, arguments.customers)
        uvloop.run(_run(program, worker, arguments.rounds))


if __name__ == "__main__":
    main()
