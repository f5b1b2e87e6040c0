"""Filters on parts of names and emails use the substring index where it finds few customers, and
find the same customers without it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from app.filters.pipeline import Plan
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import query_planner
from app.services.query_planner import PlannedQuery, QueryPlanner
from app.store.collections import SUBSTRING_INDEX
from tests.api import Api, Json, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS = 60
EVERYBODY = {f"c{n}" for n in range(CUSTOMERS)}
INDEX_NAME = SUBSTRING_INDEX.document["name"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_customers(api: Api) -> None:
    rows = [
        {"sourceId": f"c{n}", "name": f"Name{n}", "email": f"n{n}.Nowak@Example.com"}
        for n in range(CUSTOMERS)
    ]
    await api.bulk_upsert("customersUpsert", rows)


@pytest.fixture(autouse=True)
def plan_few_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_planner, "_MAX_CUSTOMERS_WITHOUT_PLANNING", 0)


@pytest.fixture(autouse=True)
def delete_other_customers(api: Api) -> Iterator[None]:
    yield
    api.database.customers.delete_many({"sourceId": {"$nin": list(EVERYBODY)}})


async def plan_query(api: Api, condition: Json) -> PlannedQuery:
    """Plans a query for a condition, with new estimates."""
    tree = await api.services.definitions.parse_filter({"attribute": condition})
    return QueryPlanner(api.services.store).plan(tree, api.services.now())


def email(operator: str, value: str, *, ignore_case: bool = True) -> Json:
    return {"path": "email", "operator": operator, "value": value, "ignoreCase": ignore_case}


@pytest.mark.parametrize(
    ("condition", "plan", "expected"),
    [
        (email("CONTAINS", "N17.NOWAK"), Plan.SUBSTRING_SCAN, {"c17"}),
        (email("CONTAINS", "n17.Nowak", ignore_case=False), Plan.SUBSTRING_SCAN, {"c17"}),
        (email("CONTAINS", "n17.nowak", ignore_case=False), Plan.SUBSTRING_SCAN, set()),
        (email("ENDS_WITH", "17.nowak@example.com"), Plan.SUBSTRING_SCAN, {"c17"}),
        (email("IS", "N17.nowak@example.com"), Plan.SUBSTRING_SCAN, {"c17"}),
        # Each customer has this, or the text is too short.
        (email("ENDS_WITH", "@example.com"), Plan.INDEX_SCAN, EVERYBODY),
        (email("CONTAINS", "17"), Plan.INDEX_SCAN, {"c17"}),
        (email("NOT_CONTAINS", "n17.nowak"), Plan.INDEX_SCAN, EVERYBODY - {"c17"}),
    ],
    ids=str,
)
async def test_the_index_serves_rare_texts(
    api: Api, condition: Json, plan: Plan, expected: set[str]
) -> None:
    query = await plan_query(api, condition)
    pipeline = await query.planner.choose_pipeline(query)

    assert pipeline.plan is plan
    assert await query.needs_full_scan() is (plan is not Plan.SUBSTRING_SCAN)
    page = await query.page(None, CUSTOMERS)
    assert {customer.source_id for customer in page} == expected
    assert await query.count() == len(expected)


async def count_by_index(api: Api, text: str) -> int:
    """Counts the customers whose name contains a text, by the substring index."""
    condition = {"path": "name", "operator": "CONTAINS", "value": text}
    query = await plan_query(api, condition)
    pipeline = await query.planner.choose_pipeline(query)
    assert pipeline.plan is Plan.SUBSTRING_SCAN
    return await query.count()


async def test_a_change_of_the_name_changes_what_finds_the_customer(api: Api) -> None:
    await api.upsert("changed", name="Zuzanna Before")
    assert await count_by_index(api, "na Before") == 1
    await api.upsert("changed", name="Zuzanna After")
    assert [await count_by_index(api, text) for text in ("na Before", "na After")] == [0, 1]
    await api.upsert("changed", name=None)
    assert await count_by_index(api, "na After") == 0


@pytest.mark.parametrize(
    ("update", "text"),
    [
        # A customer of an earlier version; a name that it wrote; a name that another program wrote.
        ({"$unset": {"searchKeys": ""}}, "va Żółć"),
        ({"$set": {"name": "Ada Żółć"}, "$unset": {"searchKeys": ""}}, "da Żółć"),
        (
            {"$set": {"name": "Ada Żółć"}, "$unset": {"searchWords": "", "searchTokens": ""}},
            "da Żółć",
        ),
    ],
    ids=str,
)
async def test_customers_without_ngrams_are_found(api: Api, update: Json, text: str) -> None:
    await api.upsert("written", name="Eva Żółć")
    api.database.customers.update_one({"sourceId": "written"}, update)
    assert await count_by_index(api, text) == 1

    search = api.services.store.customer_search
    completed = [await search.backfill(None, 10), await search.backfill_ngrams(None, 10)]

    assert sum(count for _, count in completed) == 1
    assert text.lower() in api.read_customer_document("written")["searchKeys"]
    assert await count_by_index(api, text) == 1


@pytest_asyncio.fixture(loop_scope="module")
async def api_without_index(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey, substring_index=False) as api:
        yield api


async def test_the_setting_removes_the_index_and_its_plan(api_without_index: Api) -> None:
    api, customers = api_without_index, api_without_index.database.customers
    assert INDEX_NAME not in customers.index_information()
    await api.upsert("ann", name="Ann Nowak")
    query = await plan_query(api, {"path": "name", "operator": "CONTAINS", "value": "nn No"})

    pipeline = await query.planner.choose_pipeline(query)

    assert pipeline.plan is Plan.INDEX_SCAN
    assert await query.count() == 1
