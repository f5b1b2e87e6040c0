"""All plans count, page and identify the same members."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from bson import ObjectId

from app.domain.search import search_fields
from app.errors import QueryTimeout
from app.filters import CustomerFacts, Filter, Now, Pipeline, holds, plans
from app.filters.measure_stages import is_covered_by_index
from app.filters.pipeline import Plan
from app.filters.walk import measures
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import query_planner
from app.services.query_planner import QueryPlanner
from app.store import matching_customers
from tests.api import Api, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS = 60
Wire = dict[str, Any]


def _event(name: str, **more: Any) -> Wire:
    return {"event": {"name": name, **more}}


_VIP = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
LAST_10_DAYS = {"within": {"last": "P10D"}}
AMOUNT_OF_10 = {"aggregate": {"function": "SUM", "property": "amount"}, "value": 10}
FILTERS: dict[str, Wire] = {
    "nobody asked of rows": _VIP,
    "ever": _event("bought", value=2),
    "lately": _event("bought", **LAST_10_DAYS),
    "not lately": _event("bought", **LAST_10_DAYS, operator="IS", value=0),
    "twice lately": _event("bought", **LAST_10_DAYS, value=2),
    "twice lately, and": {"all": [_event("bought", **LAST_10_DAYS, value=2), _VIP]},
    "for much": _event("bought", **AMOUNT_OF_10),
    "not for much": {"none": [_event("bought", **AMOUNT_OF_10), _VIP]},
    "either": {"any": [_VIP, _event("bought", **LAST_10_DAYS, value=2)]},
    "between": {"attribute": {"path": "metadata.score", "operator": "BETWEEN", "value": [20, 30]}},
    "two names": {
        "all": [_event("bought", **LAST_10_DAYS, value=2), _event("seen", **AMOUNT_OF_10)]
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_customers(api: Api) -> None:
    """Inserts customers with events of many days, some after the evaluation time."""
    now = api.services.now()
    people = [
        {
            "sourceId": f"p{n:02}",
            "metadata": {"vip": n % 3 == 0, "points": n, "score": [n, 59 - n] if n % 7 == 0 else n},
        }
        for n in range(CUSTOMERS)
    ]
    await api.bulk_upsert("customersUpsert", people)
    events = [
        {
            "customer": {"sourceId": f"p{n:02}"},
            "name": ("bought", "seen")[k % 2],
            "at": (now.at - timedelta(days=(n * 7 + k * 2) % 40)).isoformat(),
            "properties": {"amount": (n + k) % 9},
        }
        for n in range(CUSTOMERS)
        for k in range(n % 9)
    ]
    await api.bulk_upsert("eventsTrack", events)


@pytest.fixture(autouse=True)
def small_id_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching_customers, "_IDS_PER_COUNT", 4)
    monkeypatch.setattr(matching_customers, "_IDS_PER_FIND", 3)


async def members_by_evaluator(api: Api, tree: Filter, now: Now) -> list[str]:
    """Returns the members by the in-process evaluator, in the order of their ids."""
    store = api.services.store
    customers = await store.customers.sample(CUSTOMERS)
    rows = await store.customer_facts.read_rows(
        [customer.id for customer in customers], measures(tree), now
    )
    return sorted(
        o.id for o in customers if holds(tree, CustomerFacts(o.document, rows[o.id]), now)
    )


@pytest.mark.parametrize("days_ago", [0, 3])
@pytest.mark.parametrize("name", FILTERS)
async def test_all_plans_find_the_same_customers(api: Api, name: str, days_ago: int) -> None:
    present = api.services.now()
    now = Now(present.at - timedelta(days=days_ago), present.calendar)
    tree = await api.services.definitions.parse_filter(FILTERS[name])
    expected = await members_by_evaluator(api, tree, now)
    assert 0 < len(expected) < CUSTOMERS
    matching_customers = api.services.store.matching_customers
    for plan in plans(tree, now):
        assert await matching_customers.count(plan) == len(expected), plan.plan
        assert sorted(await matching_customers.find_ids(plan, CUSTOMERS)) == expected
        assert set(await matching_customers.find_ids(plan, 2)) <= set(expected)
        assert await page_through(api, plan) == expected, plan.plan


@pytest.mark.parametrize(
    "wire",
    [
        *map(FILTERS.get, ("twice lately", "twice lately, and", "either", "two names")),
        _event("order", **LAST_10_DAYS, value=2),
    ],
    ids=str,
)
async def test_an_index_covers_counts_of_rows_in_the_classic_engine(api: Api, wire: Wire) -> None:
    """The slot-based engine would take longer."""
    now = api.services.now()
    tree = await api.services.definitions.parse_filter(wire)
    row_plans = [plan for plan in plans(tree, now) if plan.candidate_stages]
    assert row_plans
    for plan in row_plans:
        command = {"aggregate": plan.collection, "pipeline": plan.candidate_stages, "cursor": {}}
        explained = api.database.command("explain", command, verbosity="queryPlanner")
        scans = list(row_scans(explained))
        counts = [measure for measure in measures(tree) if is_covered_by_index(measure)]
        assert scans.count(["PROJECTION_COVERED", "IXSCAN"]) == len(counts), scans


def row_scans(explained: Any) -> Iterator[list[str]]:
    """Yields the stages of each query for events or orders in an explained pipeline, the last stage
    first."""
    if isinstance(explained, list):
        for child in explained:
            yield from row_scans(child)
    elif isinstance(explained, dict):
        if explained.get("namespace", "").endswith((".events", ".orders")):
            yield list(_stage_names(explained["winningPlan"]))
        for child in explained.values():
            yield from row_scans(child)


def _stage_names(stage: Any) -> Iterator[str]:
    while stage is not None:
        # A plan of the slot-based engine has its stages one level deeper.
        yield stage.get("stage", "slot-based")
        stage = stage.get("inputStage") or stage.get("queryPlan")


async def page_through(api: Api, plan: Pipeline) -> list[str]:
    customer_ids: list[str] = []
    while page := await api.services.store.matching_customers.page(
        plan, customer_ids[-1] if customer_ids else None, 5
    ):
        assert len(page) <= 5
        customer_ids += [customer.id for customer in page]
    return customer_ids


@pytest.mark.parametrize("name", FILTERS)
async def test_the_chosen_plan_gives_the_right_result(
    api: Api, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_planner, "_MAX_CUSTOMERS_WITHOUT_PLANNING", 0)
    now = api.services.now()
    tree = await api.services.definitions.parse_filter(FILTERS[name])
    expected = await members_by_evaluator(api, tree, now)
    selected = QueryPlanner(api.services.store).plan(tree, now)
    assert await selected.count() == len(expected)
    assert [one.id for one in await selected.page(None, 7)] == expected[:7]
    assert sorted(await selected.ids(CUSTOMERS)) == expected


@pytest.mark.parametrize(
    ("key", "bounds", "expected_plan"),
    [
        # One bound alone selects half of the customers, and the index contains arrays.
        ("score", [20, 24], Plan.COLLECTION_SCAN),
        ("score", [0, 4], Plan.INDEX_SCAN),
        ("points", [20, 24], Plan.INDEX_SCAN),
        ("points", [20, 50], Plan.COLLECTION_SCAN),
    ],
)
async def test_a_range_uses_an_index_if_it_selects_few_customers(
    api: Api, key: str, bounds: list[int], expected_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_planner, "_MAX_CUSTOMERS_WITHOUT_PLANNING", 0)
    wire = {"path": f"metadata.{key}", "operator": "BETWEEN", "value": bounds}
    tree = await api.services.definitions.parse_filter({"attribute": wire})
    selected = QueryPlanner(api.services.store).plan(tree, api.services.now())
    assert (await selected.planner.choose_pipeline(selected)).plan is expected_plan
    assert await selected.needs_full_scan() is (expected_plan is Plan.COLLECTION_SCAN)


async def test_rows_of_missing_customers_do_not_count(api: Api) -> None:
    now = api.services.now()
    tree = await api.services.definitions.parse_filter(FILTERS["for much"])
    expected = await members_by_evaluator(api, tree, now)
    lost = {"customerId": ObjectId(), "name": "bought", "at": now.at, "sinceVersion": 1}
    api.database.events.insert_one({**lost, "properties": {"amount": 99}})
    try:
        for plan in plans(tree, now):
            assert await api.services.store.matching_customers.count(plan) == len(expected), (
                plan.plan
            )
            assert await page_through(api, plan) == expected, plan.plan
    finally:
        api.database.events.delete_one(lost)


async def test_a_query_that_takes_too_long_is_rejected(mongod: Mongod, valkey: Valkey) -> None:
    async with running_api(mongod, valkey, query_seconds=0.001) as api:
        at = api.services.now().at
        whole = {"createdAt": at, "updatedAt": at, "version": 1, "description": "x" * 1_000}
        api.database.customers.insert_many(
            [{"sourceId": str(number), **whole} for number in range(20_000)]
        )
        condition = {"path": "description", "operator": "CONTAINS", "value": "y"}
        answer = await api.execute(
            "query($f: FilterInput!) { segmentPreview(filter: $f) { memberCount } }",
            f={"attribute": condition},
        )
        tree = await api.services.definitions.parse_filter({"attribute": condition})
        for plan in plans(tree, api.services.now()):
            with pytest.raises(QueryTimeout):
                await api.services.store.matching_customers.page(plan, None, 5)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"
    assert "within 0.001 s" in error["message"]


async def test_a_search_that_takes_too_long_is_rejected_with_what_to_do(
    mongod: Mongod, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_planner, "MAX_SEARCH_SECONDS", 0.001)
    async with running_api(mongod, valkey) as api:
        at = api.services.now().at
        api.database.customers.insert_many(
            {
                "sourceId": str(number),
                "createdAt": at,
                "updatedAt": at,
                "version": 1,
                **search_fields({"name": ("ab", "cd")[number % 2]}),
            }
            for number in range(20_000)
        )
        query = "query($s: String) { customers(search: $s) { nodes { id } totalCount } }"
        answer = await api.execute(query, s="ab cd")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"
    assert "Add a rarer word" in error["message"]
