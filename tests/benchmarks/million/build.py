"""Builds the shop in a folder with a mongod of its own, once; later runs reuse it."""

import asyncio
import multiprocessing
import tempfile
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from pydantic import SecretStr
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.settings import Settings
from app.store import Store
from app.store.collections import COLLECTIONS
from tests.benchmarks.million import documents
from tests.benchmarks.million.activities import EVENT_NAMES, Event, Order, generate_activities
from tests.local_processes import mongod_settings

# Increase it when the shape of the data changes: the shop of an older version is built anew.
DATA_VERSION = 4
DATABASE = "shop"
CUSTOMERS = 1_000_000
_ROWS_PER_BATCH = 2_000

Client = MongoClient[dict[str, Any]]

_DEFINITIONS = {
    "renewsAt": ("DATETIME", False),
    "tags": ("STRING", True),
    "plan": ("STRING", False),
}


def default_folder(customers: int) -> Path:
    """Returns the default folder of a shop with this many customers."""
    return Path(tempfile.gettempdir()) / f"segments-benchmark-{customers}"


def program_settings(url: str) -> Settings:
    """Returns the settings of the program; ignores the .env file of a developer."""
    return Settings(_env_file=None, mongodb_url=SecretStr(url), database=DATABASE)  # type: ignore[call-arg]


@contextmanager
def running_shop(folder: Path, customers: int) -> Iterator[str]:
    """Yields the URL of a running mongod with a shop of this many customers."""
    mongod = Mongod(folder, mongod_settings())
    mongod.start()
    try:
        mongod.wait_until_ready()
        if not _is_built(mongod.url, customers):
            _build(mongod.url, customers)
        yield mongod.url
    finally:
        # mongod writes its cache to disk first, which takes a while.
        mongod.stop(timeout_seconds=120)


def _build_marker(customers: int) -> dict[str, Any]:
    return {"_id": "shop", "shape": DATA_VERSION, "customers": customers}


def _is_built(url: str, customers: int) -> bool:
    with Client(url) as client:
        return client[DATABASE]["built"].find_one(_build_marker(customers)) is not None


def _build(url: str, customers: int) -> None:
    print(f"Building {customers:,} customers; this is done once", flush=True)
    started_at = time.monotonic()
    with Client(url) as client:
        client.drop_database(DATABASE)
        _write_rows(url, customers)
        print(f"  rows after {time.monotonic() - started_at:.0f} s", flush=True)
        # Building an index over existing rows is faster than updating it with each row.
        asyncio.run(_create_indexes(url))
        print(f"  indexes after {time.monotonic() - started_at:.0f} s", flush=True)
        _check_customers(client, customers)
        seconds = round(time.monotonic() - started_at)
        client[DATABASE]["built"].insert_one({**_build_marker(customers), "seconds": seconds})
    print(f"  built in {seconds} s", flush=True)


def _write_rows(url: str, customers: int) -> None:
    """Writes all rows in two processes; each generates all activities."""
    context = multiprocessing.get_context("spawn")
    arguments = (url, customers)
    processes = [
        context.Process(target=target, args=arguments)
        for target in (_write_customers, _write_events_and_orders)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            raise SystemExit(f"A writer ended with {process.exitcode}.")


async def _create_indexes(url: str) -> None:
    await (await Store.open(program_settings(url))).close()


def _check_customers(client: Client, customers: int) -> None:
    """Asserts that the rows pass the validation of the program's collection."""
    database = client[DATABASE]
    (validator,) = (c.options["validator"] for c in COLLECTIONS if c.name == "customers")
    assert database["customers"].find_one({"$nor": [validator]}) is None
    assert database["customers"].count_documents({}) == customers


def _write_customers(url: str, customers: int) -> None:
    rng = Random("customers")
    with Client(url) as client:
        database = client[DATABASE]
        _insert(
            database["customers"].insert_many,
            (
                documents.customer_document(activity, rng)
                for activity in generate_activities(customers)
            ),
        )
        database["metadataDefinitions"].insert_many(
            {
                "_id": key,
                "type": type_,
                "isArray": is_array,
                "required": False,
                "allowedValues": None,
                "label": None,
                "state": "READY",
                "problem": None,
                "previous": None,
            }
            for key, (type_, is_array) in _DEFINITIONS.items()
        )


def _write_events_and_orders(url: str, customers: int) -> None:
    """Writes events and orders in the order of time, as a shop receives them."""
    events, orders = _IntegerTable("IIII"), _IntegerTable("IIIIII")
    times, order_times = array("q"), array("q")
    statuses = ("PAID", "FULFILLED", "CREATED", "CANCELED")
    names = sorted(set(EVENT_NAMES))
    for activity in generate_activities(customers):
        for event in activity.events:
            times.append(event.milliseconds_ago)
            name_index = names.index(event.name)
            events.add(activity.number, name_index, event.random_bits, event.customer_version)
        for order in activity.orders:
            order_times.append(order.milliseconds_ago)
            orders.add(
                activity.number,
                statuses.index(order.status),
                order.amount,
                order.random_bits,
                order.is_revised,
                order.customer_version,
            )

    def all_events() -> Iterator[documents.Row]:
        for number, index in enumerate(_indexes_oldest_first(times)):
            customer, name_index, random_bits, version = events.row(index)
            yield documents.event_document(
                number, customer, Event(times[index], names[name_index], random_bits, version)
            )

    def all_orders() -> Iterator[documents.Row]:
        for number, index in enumerate(_indexes_oldest_first(order_times)):
            customer, status, amount, random_bits, is_revised, version = orders.row(index)
            at, status_name = order_times[index], statuses[status]
            order = Order(at, status_name, amount, random_bits, bool(is_revised), version)
            yield from documents.order_revisions(number, customer, order)

    with Client(url) as client:
        database = client[DATABASE]
        _insert(database["events"].insert_many, all_events())
        _insert(database["orders"].insert_many, all_orders())
        database["eventNames"].insert_many({"_id": name} for name in names)


def _indexes_oldest_first(times: "array[int]") -> list[int]:
    return sorted(range(len(times)), key=times.__getitem__, reverse=True)


class _IntegerTable:
    """Rows of integers, stored in compact columns."""

    def __init__(self, types: str) -> None:
        self._columns = [array(type_) for type_ in types]

    def add(self, *values: int) -> None:
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def row(self, index: int) -> list[int]:
        return [column[index] for column in self._columns]


def _insert(insert: Callable[..., Any], documents: Iterable[documents.Row]) -> None:
    remaining = iter(documents)
    while batch := list(islice(remaining, _ROWS_PER_BATCH)):
        insert(batch, ordered=False)
