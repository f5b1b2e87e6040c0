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
from tests.benchmarks.million import rows
from tests.benchmarks.million.shop import NAMES, Event, Order, activities

# Another number for another shape of the data: a folder with an older one is built anew.
SHAPE = 1
DATABASE = "shop"
_BATCH = 2_000

Client = MongoClient[dict[str, Any]]

_DEFINITIONS = {
    "renewsAt": ("DATETIME", False),
    "tags": ("STRING", True),
    "plan": ("STRING", False),
}


def settings(url: str) -> Settings:
    """What the program runs with; a developer's .env is not the benchmark's."""
    return Settings(_env_file=None, mongodb_url=SecretStr(url), database=DATABASE)  # type: ignore[call-arg]


@contextmanager
def shop(folder: Path, customers: int) -> Iterator[str]:
    """The address of a running mongod with a shop of so many customers."""
    mongod = Mongod(folder, Settings(_env_file=None, oplog_mib=990))  # type: ignore[call-arg]
    mongod.start()
    try:
        mongod.ready()
        if not _is_there(mongod.url, customers):
            _build(mongod.url, customers)
        yield mongod.url
    finally:
        # With so much in its cache it takes a while to write it all down.
        mongod.stop(seconds=120)


def _wanted(customers: int) -> dict[str, Any]:
    return {"_id": "shop", "shape": SHAPE, "customers": customers}


def _is_there(url: str, customers: int) -> bool:
    with Client(url) as client:
        return client[DATABASE]["built"].find_one(_wanted(customers)) is not None


def _build(url: str, customers: int) -> None:
    print(f"Building {customers:,} customers; this is done once", flush=True)
    began = time.monotonic()
    with Client(url) as client:
        client.drop_database(DATABASE)
        _write(url, customers)
        print(f"  rows after {time.monotonic() - began:.0f} s", flush=True)
        # Indexes are faster made of rows that are there.
        asyncio.run(_prepare(url))
        print(f"  indexes after {time.monotonic() - began:.0f} s", flush=True)
        _check(client, customers)
        seconds = round(time.monotonic() - began)
        client[DATABASE]["built"].insert_one({**_wanted(customers), "seconds": seconds})
    print(f"  built in {seconds} s", flush=True)


def _write(url: str, customers: int) -> None:
    """All rows, by two processes; each of them makes up what everybody did for itself."""
    context = multiprocessing.get_context("spawn")
    arguments = (url, customers)
    writers = [context.Process(target=work, args=arguments) for work in (_customers, _done)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        if writer.exitcode:
            raise SystemExit(f"A writer ended with {writer.exitcode}.")


async def _prepare(url: str) -> None:
    await (await Store.open(settings(url))).close()


def _check(client: Client, customers: int) -> None:
    """That the program would have taken the rows as they are."""
    database = client[DATABASE]
    (rules,) = (c.options["validator"] for c in COLLECTIONS if c.name == "customers")
    assert database["customers"].find_one({"$nor": [rules]}) is None
    assert database["customers"].count_documents({}) == customers


def _customers(url: str, customers: int) -> None:
    dice = Random("customers")
    with Client(url) as client:
        database = client[DATABASE]
        _insert(
            database["customers"].insert_many,
            (rows.customer(activity, dice) for activity in activities(customers)),
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


def _done(url: str, customers: int) -> None:
    """Events and orders, in the order of time and not of customers: as they come in life."""
    events, orders = _Table("IIII"), _Table("IIIIII")
    times, order_times = array("q"), array("q")
    statuses = ("PAID", "FULFILLED", "CREATED", "CANCELED")
    names = sorted(set(NAMES))
    for activity in activities(customers):
        for e in activity.events:
            times.append(e.at)
            events.add(activity.number, names.index(e.name), e.luck, e.since)
        for o in activity.orders:
            order_times.append(o.at)
            status = statuses.index(o.status)
            orders.add(activity.number, status, o.amount, o.luck, o.revised, o.since)

    def all_events() -> Iterator[rows.Row]:
        for number, place in enumerate(_latest_last(times)):
            customer, name, luck, since = events.row(place)
            yield rows.event(number, customer, Event(times[place], names[name], luck, since))

    def all_orders() -> Iterator[rows.Row]:
        for number, place in enumerate(_latest_last(order_times)):
            customer, status, amount, luck, revised, since = orders.row(place)
            at, known = order_times[place], statuses[status]
            done = Order(at, known, amount, luck, bool(revised), since)
            yield from rows.order(number, customer, done)

    with Client(url) as client:
        database = client[DATABASE]
        _insert(database["events"].insert_many, all_events())
        _insert(database["orders"].insert_many, all_orders())
        database["eventNames"].insert_many({"_id": name} for name in names)


def _latest_last(times: "array[int]") -> list[int]:
    return sorted(range(len(times)), key=times.__getitem__, reverse=True)


class _Table:
    """Rows of numbers, in little memory."""

    def __init__(self, types: str) -> None:
        self._columns = [array(type_) for type_ in types]

    def add(self, *values: int) -> None:
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def row(self, place: int) -> list[int]:
        return [column[place] for column in self._columns]


def _insert(insert: Callable[..., Any], documents: Iterable[rows.Row]) -> None:
    remaining = iter(documents)
    while batch := list(islice(remaining, _BATCH)):
        insert(batch, ordered=False)
