"""Definitions change while there are many customers, and they go on changing."""

import asyncio
import random
import threading
from datetime import UTC, datetime

import pytest
from bson import ObjectId

from tests.api import Documents
from tests.engine.conftest import Json, Shop
from tests.engine.model.history import history
from tests.engine.model.judge import log_of
from tests.engine.model.replay import Replay, differences
from tests.engine.test_transitions import at_least, is_true

pytestmark = pytest.mark.asyncio(loop_scope="module")

# More than are brought at once.
_CUSTOMERS = 9_000


def _customer(number: int) -> Json:
    now = datetime.now(UTC)
    facts = {"vip": number % 3 == 0, "level": number % 10}
    row = {"_id": ObjectId(), "sourceId": f"c{number}", "metadata": facts}
    return {**row, "createdAt": now, "updatedAt": now, "version": 1}


def _go_on(
    database: Documents, chance: random.Random, keys: list[ObjectId], over: threading.Event
) -> None:
    number = _CUSTOMERS
    # At a pace that leaves the engine time for its own.
    while not over.wait(0.003):
        change = {"metadata.vip": chance.random() < 0.5, "metadata.level": chance.randrange(10)}
        somebody = {"_id": chance.choice(keys)}
        match chance.randrange(6):
            case 0:
                database.customers.delete_one(somebody)
            case 1:
                number += 1
                keys.append(database.customers.insert_one(_customer(number)).inserted_id)
            case _:
                database.customers.update_one(somebody, {"$set": change})


async def test_each_change_during_a_pass_is_told_and_none_of_what_was_before(shop: Shop) -> None:
    database, chance = shop.api.database, random.Random(1)
    since = database.client.admin.command("hello")["operationTime"]
    keys = database.customers.insert_many(map(_customer, range(_CUSTOMERS))).inserted_ids
    inner = await shop.segment("Inner", at_least("level", 8))
    over = threading.Event()
    going_on = asyncio.create_task(asyncio.to_thread(_go_on, database, chance, keys, over))
    recent = {"attribute": {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT2S"}}
    for number, filter_ in enumerate([is_true("vip"), {"segment": {"id": inner}}, recent]):
        await shop.active(f"Segment {number}", filter_)
        await asyncio.sleep(0.3)
    await shop.edit(inner, filter=at_least("level", 5))
    await shop.settled()
    await shop.edit(inner, filter=at_least("level", 7))
    await shop.settled()
    over.set()
    await going_on
    client = database.client
    hello = client.admin.command("hello", codec_options=client.codec_options)
    await shop.settled()
    replay = Replay(shop.api.services.calendar)
    replay.play(history(database, since, hello["operationTime"]))
    replay.pass_time(hello["localTime"])

    found = log_of(database, hello["localTime"])
    assert {told.cause for each in found.values() for told in each} >= {
        "LIVE",
        "TIME",
        "DEFINITION",
    }
    assert differences(replay.told, found) == []
