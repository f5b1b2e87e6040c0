"""No list asks the database once per row: the number of commands does not grow with the rows."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.schema import schema
from tests.api import Api, Documents, Json, running_api
from tests.schema.lists.schema_lists import SchemaField, SchemaLists
from tests.schema.lists.shop import build_shop

in_one_loop = pytest.mark.asyncio(loop_scope="module")

FEW_ROWS = 2
MANY_ROWS = 50
# Objects of several kinds ask a few turns of the event loop apart, and then read twice.
MAX_MORE_COMMANDS = 2
MAX_ATTEMPTS = 3
PROFILE_BYTES = 64 * 1024 * 1024

LISTS = SchemaLists(schema._schema)


class Shop(NamedTuple):
    api: Api
    variables: Json


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shops(mongod: Mongod, valkey: Valkey) -> AsyncIterator[tuple[Shop, Shop]]:
    """A shop with few rows in each list, and one with many."""
    async with AsyncExitStack() as exit_stack:
        shops = []
        for rows in (FEW_ROWS, MANY_ROWS):
            api = await exit_stack.enter_async_context(
                running_api(mongod, valkey, webhook_allow_private=True, max_operation_cost=10**9)
            )
            shops.append(Shop(api, await build_shop(api, rows)))
        yield shops[0], shops[1]


@in_one_loop
@pytest.mark.parametrize("list_", LISTS.lists, ids=str)
async def test_commands_do_not_grow_with_rows(shops: tuple[Shop, Shop], list_: SchemaField) -> None:
    few_rows, many_rows = shops
    growing = {}
    for name, query in LISTS.queries(list_):
        few, many = Counter[str](), Counter[str]()
        # Each attempt may meet the program's own polling, or fill one of its caches.
        for _ in range(MAX_ATTEMPTS):
            few = await count_commands(few_rows, query)
            many = await count_commands(many_rows, query)
            if (many - few).total() <= MAX_MORE_COMMANDS:
                break
        else:
            growing[name] = many - few

    assert growing == {}


async def count_commands(shop: Shop, query: str) -> Counter[str]:
    """Runs the query; returns how often it ran each command on each collection.

    Queries of all customers are counted by filter, since each filter needs a query of its own.
    """
    database = shop.api.database
    start_profile(database)
    response = await shop.api.execute(query, **shop.variables)
    database.command("profile", 0)
    assert "errors" not in response, (query, response["errors"])
    return Counter(
        f"{row['op']} {row['ns'].partition('.')[2]}"
        for row in database["system.profile"].find({"appName": "customer-segments"})
        if "maxTimeMS" not in row["command"]
    )


def start_profile(database: Documents) -> None:
    database.command("profile", 0)
    database["system.profile"].drop()
    database.create_collection("system.profile", capped=True, size=PROFILE_BYTES)
    database.command("profile", 2)
