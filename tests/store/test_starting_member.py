"""Transactions and reads on a member of a replica set that has just started.

Until the member has the configuration of its set it supports no sessions, and the driver refuses to
send operations. The store sends them again once the member is ready.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, PyMongoError

from app.local.mongod import Mongod
from app.store.connection import connect
from app.store.failures import is_outage
from app.store.reads import is_starting_member_error, retry_read
from app.store.transactions import Transaction, Transactions
from tests.local_processes import mongod_settings

OPERATION_SECONDS = 60.0


@pytest.fixture
def starting_mongod(tmp_path: Path) -> Iterator[Mongod]:
    """A mongod that responds, and has no configuration of its replica set yet."""
    mongod = Mongod(tmp_path, mongod_settings())
    mongod.start()
    try:
        with MongoClient[dict[str, Any]](_url(mongod), serverSelectionTimeoutMS=300) as client:
            mongod.wait_until(lambda: _answers(client))
        yield mongod
    finally:
        mongod.stop()


def _url(mongod: Mongod) -> str:
    return f"mongodb://{quote(str(mongod.socket.path), safe='')}/?directConnection=true"


def _answers(client: MongoClient[dict[str, Any]]) -> bool:
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    return True


async def _initiate_after_refusal(mongod: Mongod, refused: asyncio.Event) -> None:
    await refused.wait()
    await asyncio.to_thread(mongod.wait_until_ready)


async def _both(first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(first)
        group.create_task(second)


async def test_a_transaction_runs_again_until_the_member_has_its_set(
    starting_mongod: Mongod,
) -> None:
    client = connect(_url(starting_mongod))
    visits = client.shop.visits
    refused = asyncio.Event()
    refusals: list[ConfigurationError] = []

    async def track(transaction: Transaction) -> None:
        try:
            await visits.insert_one({"customer": "ann"}, session=transaction)
        except ConfigurationError as error:
            refusals.append(error)
            refused.set()
            raise

    transactions = Transactions(client, OPERATION_SECONDS)
    await _both(transactions.run(track), _initiate_after_refusal(starting_mongod, refused))

    assert await visits.count_documents({}) == 1
    assert all(is_starting_member_error(error) and is_outage(error) for error in refusals)
    client.close()


async def test_a_read_runs_again_until_the_member_has_its_set(starting_mongod: Mongod) -> None:
    client = connect(_url(starting_mongod))
    refused = asyncio.Event()

    async def read() -> int:
        async with await client.start_session() as session:
            try:
                return await client.shop.visits.count_documents({}, session=session)
            except ConfigurationError:
                refused.set()
                raise

    counts: list[int] = []

    async def count() -> None:
        counts.append(await retry_read(read))

    await _both(count(), _initiate_after_refusal(starting_mongod, refused))
    assert counts == [0]
    client.close()
