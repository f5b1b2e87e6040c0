"""Builds the shop in a folder with a mongod of its own, once; later runs find it there."""

import asyncio
import multiprocessing
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

# Another number for another shape of the data: a folder with an older one is built anew.
DATA_VERSION = 2
DATABASE = "shop"
_ROWS_PER_BATCH = 2_000

Client = MongoClient[dict[str, Any]]

_DEFINITIONS = {
    "renewsAt": ("DATETIME", False),
    "tags": ("STRING", True),
    "plan": ("STRING", False),
}


def program_settings(url: str) -> Settings:
    """What the program runs with; a developer's .env is not the benchmark's."""
    return Settings(_env_file=None, mongodb_url=SecretStr(url), database=DATABASE)  # type: ignore[call-arg]


@contextmanager
def running_shop(folder: Path, customers: int) -> Iterator[str]:
    """The address of a running mongod with a shop of so many customers."""
    mongod = Mongod(folder, Settings(_env_file=None, oplog_mib=990))  # type: ignore[call-arg]
    mongod.start()
    try:
        mongod.wait_until_ready()
        if not _is_built(mongod.url, customers):
            _build(mongod.url, customers)
        yield mongod.url
    finally:
        # With so much in its cache it takes a while to write it all down.
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
        # Indexes are faster made of rows that are there.
        asyncio.run(_create_indexes(url))
        print(f"  indexes after {time.monotonic() - started_at:.0f} s", flush=True)
        _check_customers(client, customers)
        seconds = round(time.monotonic() - started_at)
        client[DATABASE]["built"].insert_one({**_build_marker(customers), "seconds": seconds})
    print(f"  built in {seconds} s", flush=True)


def _write_rows(url: str, customers: int) -> None:
    """All rows, by two processes; each of them makes up what everybody did for itself."""
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
    """That the program would have taken the rows as they are."""
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
    """Events and orders, in the order of time and not of customers: as they come in life."""
    events, orders = _IntegerTable("IIII"), _IntegerTable("IIIIII")
    times, order_times = array("q"), array("q")
    statuses = ("PAID", "FULFILLED", "CREATED", "CANCELED")
    names = sorted(set(EVENT_NAMES))
    for activity in generate_activities(customers):
        for e in activity.events:
            times.append(e.milliseconds_ago)
            events.add(activity.number, names.index(e.name), e.random_bits, e.customer_version)
        for o in activity.orders:
            order_times.append(o.milliseconds_ago)
            status = statuses.index(o.status)
            orders.add(
                activity.number, status, o.amount, o.random_bits, o.is_revised, o.customer_version
            )

    def all_events() -> Iterator[documents.Row]:
        for number, index in enumerate(_indexes_oldest_first(times)):
            customer, name, luck, since = events.row(index)
            yield documents.event_document(
                number, customer, Event(times[index], names[name], luck, since)
            )

    def all_orders() -> Iterator[documents.Row]:
        for number, index in enumerate(_indexes_oldest_first(order_times)):
            customer, status, amount, luck, revised, since = orders.row(index)
            at, status_name = order_times[index], statuses[status]
            order = Order(at, status_name, amount, luck, bool(revised), since)
            yield from documents.order_revisions(number, customer, order)

    with Client(url) as client:
        database = client[DATABASE]
        _insert(database["events"].insert_many, all_events())
        _insert(database["orders"].insert_many, all_orders())
        database["eventNames"].insert_many({"_id": name} for name in names)


def _indexes_oldest_first(times: "array[int]") -> list[int]:
    return sorted(range(len(times)), key=times.__getitem__, reverse=True)


class _IntegerTable:
    """Rows of numbers, in little memory."""

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
