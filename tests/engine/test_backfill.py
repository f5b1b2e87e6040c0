"""Definitions change while many customers exist, and keep changing."""

import asyncio
import random
import threading
from datetime import UTC, datetime

import pytest
from bson import ObjectId

from tests.api import Documents
from tests.engine.conftest import Json, ShopWithEngine
from tests.engine.model.checker import read_log
from tests.engine.model.commits import read_commits
from tests.engine.model.replay import Replay, find_differences
from tests.engine.test_transitions import at_least_filter, is_true_filter

pytestmark = pytest.mark.asyncio(loop_scope="module")

# More than one chunk.
CUSTOMERS = 9_000


def _customer(number: int) -> Json:
    now = datetime.now(UTC)
    metadata = {"vip": number % 3 == 0, "level": number % 10}
    row = {"_id": ObjectId(), "sourceId": f"c{number}", "metadata": metadata}
    return {**row, "createdAt": now, "updatedAt": now, "version": 1}


def change_customers(
    database: Documents, rng: random.Random, keys: list[ObjectId], stopped: threading.Event
) -> None:
    number = CUSTOMERS
    # Slow enough that the engine keeps up.
    while not stopped.wait(0.003):
        change = {"metadata.vip": rng.random() < 0.5, "metadata.level": rng.randrange(10)}
        customer_filter = {"_id": rng.choice(keys)}
        match rng.randrange(6):
            case 0:
                database.customers.delete_one(customer_filter)
            case 1:
                number += 1
                keys.append(database.customers.insert_one(_customer(number)).inserted_id)
            case _:
                database.customers.update_one(customer_filter, {"$set": change})


async def test_each_change_during_a_backfill_is_logged_and_none_before_it(
    shop: ShopWithEngine,
) -> None:
    database, chance = shop.api.database, random.Random(1)
    since = database.client.admin.command("hello")["operationTime"]
    keys = database.customers.insert_many(map(_customer, range(CUSTOMERS))).inserted_ids
    inner = await shop.create_segment("Inner", at_least_filter("level", 8))
    over = threading.Event()
    going_on = asyncio.create_task(
        asyncio.to_thread(change_customers, database, chance, keys, over)
    )
    recent = {"attribute": {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT2S"}}
    for number, filter_ in enumerate([is_true_filter("vip"), {"segment": {"id": inner}}, recent]):
        await shop.create_active_segment(f"Segment {number}", filter_)
        await asyncio.sleep(0.3)
    await shop.edit_segment(inner, filter=at_least_filter("level", 5))
    await shop.wait_until_processed()
    await shop.edit_segment(inner, filter=at_least_filter("level", 7))
    await shop.wait_until_processed()
    over.set()
    await going_on
    client = database.client
    hello = client.admin.command("hello", codec_options=client.codec_options)
    await shop.wait_until_processed()
    replay = Replay(shop.api.services.calendar)
    replay.apply_commits(read_commits(database, since, hello["operationTime"]))
    replay.advance_all(hello["localTime"])

    log = read_log(database, hello["localTime"])
    assert {row.cause for rows in log.values() for row in rows} >= {
        "LIVE",
        "TIME",
        "DEFINITION",
    }
    assert find_differences(replay.transitions, log) == []
