"""The backfill of the search fields, which the sweeper runs in a worker."""

import pytest
from pymongo import IndexModel

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import search_backfill
from tests.api import Api, Json, running_api
from tests.engine.conftest import ShopWithEngine, wait_until

NAMED_ADA: Json = {"attribute": {"path": "name", "operator": "STARTS_WITH", "value": "Ada"}}
CUSTOMERS = 25


async def count_found(api: Api, search: str) -> int:
    found = await api.fetch("query($s: String) { customers(search: $s) { totalCount } }", s=search)
    return int(found["totalCount"])


@pytest.mark.asyncio
async def test_a_worker_adds_the_fields_without_a_new_version_or_a_transition(
    shop_without_engine: ShopWithEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_backfill, "MAX_CUSTOMERS_PER_BATCH", 10)
    shop, api = shop_without_engine, shop_without_engine.api
    rows = [{"sourceId": f"c{n}", "name": f"Ada Żółć{n}"} for n in range(CUSTOMERS)]
    await api.bulk_upsert("customersUpsert", rows)
    segment = await shop.create_active_segment("Adas", NAMED_ADA)
    shop.start_engine()
    await shop.wait_until_processed()
    await shop.stop_engine()
    before = api.dump()
    older = {"$unset": {"searchWords": "", "searchTokens": ""}, "$set": {"searchKeys": ["x"]}}
    api.database.customers.update_many({}, older)
    assert await count_found(api, "zolc") == 0
    # These lack only n-grams, as customers of the previous version do.
    for customer in before["customers"][::3]:
        api.database.customers.replace_one({"_id": customer["_id"]}, customer)
    without_ngrams = {"_id": {"$in": [customer["_id"] for customer in before["customers"][::3]]}}
    api.database.customers.update_many(without_ngrams, {"$unset": {"searchKeys": ""}})

    async def is_complete() -> bool:
        incomplete = {"$or": [{"searchTokens": None}, {"searchKeys": {"$in": [None, "x"]}}]}
        return api.database.customers.count_documents(incomplete) == 0

    shop.start_engine()
    await wait_until(is_complete)
    await shop.wait_until_processed()

    assert await count_found(api, "zolc") == CUSTOMERS
    after = api.dump()
    for collection in ("customers", "membershipStates", "transitions"):
        assert after[collection] == before[collection]
    assert await shop.list_transitions(segment) == []
    # A later change is a transition all the same.
    await api.upsert("c3", name="Bob")
    await shop.wait_until_processed()
    assert await shop.list_transitions(segment) == [("LEFT", "LIVE", "c3")]
    assert await count_found(api, "zolc") == CUSTOMERS - 1


@pytest.mark.asyncio
async def test_the_index_of_an_earlier_version_is_dropped(mongod: Mongod, valkey: Valkey) -> None:
    async with running_api(mongod, valkey) as api:
        customers = api.database.customers
        customers.create_indexes([IndexModel("searchKeys")])
        await api.services.store.prepare()
        names = set(customers.index_information())
    assert "searchKeys_1" not in names
    assert {"searchWords_1__id_1", "searchTokens_1__id_1"} <= names
