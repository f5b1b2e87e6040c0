"""The collections and indexes after the store has opened."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import WriteError

from app.errors import SetupError
from app.settings import Settings
from app.store import Store
from tests.patience import PATIENCE_SECONDS


async def test_many_processes_may_open_a_new_store_at_once(settings: Settings) -> None:
    stores = await asyncio.gather(*(Store.open(settings) for _ in range(8)))

    for store in stores:
        await store.ping()
        await store.close()


async def test_many_processes_may_update_the_indexes_at_once(
    settings: Settings, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    """They build missing indexes over existing documents, and drop a retired one."""
    await (await Store.open(settings)).close()
    orders, customers = (mongo_client[settings.database][name] for name in ("orders", "customers"))
    orders.insert_many(
        [{"sourceId": f"order-{number}", "current": True} for number in range(5_000)]
    )
    created_indexes = orders.index_information()
    orders.drop_indexes()
    customers.create_index("searchKeys")

    stores = await asyncio.gather(*(Store.open(settings) for _ in range(4)))

    for store in stores:
        await store.close()
    assert orders.index_information() == created_indexes
    assert "searchKeys_1" not in customers.index_information()


async def test_indexes_of_another_version_are_replaced(
    settings: Settings, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    await (await Store.open(settings)).close()
    keys, codes = (mongo_client[settings.database][name] for name in ("apiKeys", "deliveries"))
    codes.insert_many([{"code": f"code-{number}"} for number in range(5_000)])
    expected = [keys.index_information(), codes.index_information()]
    keys.drop_indexes()
    keys.create_index("expiresAt", expireAfterSeconds=1)
    codes.drop_indexes()
    codes.create_index([("code", 1), ("at", -1)], partialFilterExpression={"status": "SENT"})

    stores = await asyncio.gather(*(Store.open(settings) for _ in range(4)))

    for store in stores:
        await store.close()
    assert [keys.index_information(), codes.index_information()] == expected


async def test_a_unique_index_of_another_version_is_kept(
    settings: Settings, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    await (await Store.open(settings)).close()
    customers = mongo_client[settings.database]["customers"]
    customers.drop_index("sourceId_1")
    customers.create_index("sourceId", unique=True, sparse=True)
    indexes = customers.index_information()

    with pytest.raises(SetupError, match="sourceId_1"):
        await Store.open(settings)
    assert customers.index_information() == indexes
    customers.drop_index("sourceId_1")


@pytest.mark.parametrize(
    "field",
    [
        {"name": ["Ann"]},
        {"address": {"city": ["Ulm"]}},
        {"orders": {"lastOrderAt": [datetime(2026, 1, 1, tzinfo=UTC)]}},
        {"loyalty": {"points": [1]}},
        {"events": {"purchase": {"count": [1]}}},
    ],
    ids=str,
)
async def test_no_array_lies_at_a_standard_path(
    settings: Settings, mongo_client: MongoClient[dict[str, Any]], field: dict[str, Any]
) -> None:
    store = await Store.open(settings)
    await store.close()
    now = datetime(2026, 3, 29, tzinfo=UTC)
    plain = {"sourceId": "ann", "createdAt": now, "updatedAt": now, "version": 1}
    customers = mongo_client[settings.database].customers
    with pytest.raises(WriteError, match="failed validation"):
        customers.insert_one({**plain, **field})
    customers.insert_one({**plain, "metadata": {"tags": ["a"]}, "events": {"purchase": {}}})


async def test_opening_does_not_wait_for_open_transactions(
    settings: Settings, mongo_client: MongoClient[dict[str, object]]
) -> None:
    """The open transaction of a killed process lasts for a minute."""
    await (await Store.open(settings)).close()
    customers = mongo_client[settings.database]["customers"]
    with mongo_client.start_session() as session, session.start_transaction():
        customers.find_one({}, session=session)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await (await Store.open(settings)).close()
