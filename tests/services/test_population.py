"""Every way to the members counts them, pages through them and names them alike."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from bson import ObjectId

from app.errors import TookTooLong
from app.filters import Facts, Filter, Now, Pipeline, holds, ways
from app.filters.pipeline import Way
from app.filters.walk import measures
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import population
from app.services.population import Population
from app.store import selections
from tests.api import Api, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = 60
Wire = dict[str, Any]


def _event(name: str, **more: Any) -> Wire:
    return {"event": {"name": name, **more}}


_VIP = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
_LATELY = {"within": {"last": "P10D"}}
_MUCH = {"aggregate": {"function": "SUM", "property": "amount"}, "value": 10}
FILTERS: dict[str, Wire] = {
    "nobody asked of rows": _VIP,
    "ever": _event("bought", value=2),
    "lately": _event("bought", **_LATELY),
    "not lately": _event("bought", **_LATELY, operator="IS", value=0),
    "twice lately": _event("bought", **_LATELY, value=2),
    "twice lately, and": {"all": [_event("bought", **_LATELY, value=2), _VIP]},
    "for much": _event("bought", **_MUCH),
    "not for much": {"none": [_event("bought", **_MUCH), _VIP]},
    "either": {"any": [_VIP, _event("bought", **_LATELY, value=2)]},
    "between": {"attribute": {"path": "metadata.score", "operator": "BETWEEN", "value": [20, 30]}},
    "two names": {"all": [_event("bought", **_LATELY, value=2), _event("seen", **_MUCH)]},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def shop(api: Api) -> None:
    """Customers with events of many days, some of them after the instants that are asked about."""
    now = api.services.now()
    people = [
        {
            "sourceId": f"p{n:02}",
            "metadata": {"vip": n % 3 == 0, "points": n, "score": [n, 59 - n] if n % 7 == 0 else n},
        }
        for n in range(PEOPLE)
    ]
    await api.many("customersUpsert", people)
    events = [
        {
            "customer": {"sourceId": f"p{n:02}"},
            "name": ("bought", "seen")[k % 2],
            "at": (now.at - timedelta(days=(n * 7 + k * 2) % 40)).isoformat(),
            "properties": {"amount": (n + k) % 9},
        }
        for n in range(PEOPLE)
        for k in range(n % 9)
    ]
    await api.many("eventsTrack", events)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "_IDS_TO_COUNT", 4)
    monkeypatch.setattr(selections, "_IDS_TO_FIND", 3)


async def _members(api: Api, tree: Filter, now: Now) -> list[str]:
    """Whom the other engine finds, one by one, in the order of their ids."""
    store = api.services.store
    people = await store.customers.sample(PEOPLE)
    rows = await store.facts.of([one.id for one in people], measures(tree), now)
    return sorted(o.id for o in people if holds(tree, Facts(o.document, rows[o.id]), now))


@pytest.mark.parametrize("days_ago", [0, 3])
@pytest.mark.parametrize("name", FILTERS)
async def test_all_ways_lead_to_the_same_customers(api: Api, name: str, days_ago: int) -> None:
    present = api.services.now()
    now = Now(present.at - timedelta(days=days_ago), present.calendar)
    tree = await api.services.definitions.parse(FILTERS[name])
    expected = await _members(api, tree, now)
    assert 0 < len(expected) < PEOPLE
    asked = api.services.store.selections
    for way in ways(tree, now):
        assert await asked.count(way) == len(expected), way.way
        assert sorted(await asked.ids(way, PEOPLE)) == expected
        assert set(await asked.ids(way, 2)) <= set(expected)
        assert await _paged(api, way) == expected, way.way


async def _paged(api: Api, way: Pipeline) -> list[str]:
    found: list[str] = []
    while page := await api.services.store.selections.page(way, found[-1] if found else None, 5):
        assert len(page) <= 5
        found += [customer.id for customer in page]
    return found


@pytest.mark.parametrize("name", FILTERS)
async def test_whichever_way_is_chosen_is_right(
    api: Api, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(population, "_FEW", 0)
    now = api.services.now()
    tree = await api.services.definitions.parse(FILTERS[name])
    expected = await _members(api, tree, now)
    selected = Population(api.services.store).select(tree, now)
    assert await selected.count() == len(expected)
    assert [one.id for one in await selected.page(None, 7)] == expected[:7]
    assert sorted(await selected.ids(PEOPLE)) == expected


@pytest.mark.parametrize(
    ("key", "bounds", "way"),
    [
        # One end alone leaves half of them, and the index has met arrays.
        ("score", [20, 24], Way.IN_PLACE),
        ("score", [0, 4], Way.CUSTOMERS),
        ("points", [20, 24], Way.CUSTOMERS),
        ("points", [20, 50], Way.IN_PLACE),
    ],
)
async def test_a_range_goes_by_an_index_where_that_leads_to_few(
    api: Api, key: str, bounds: list[int], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(population, "_FEW", 0)
    wire = {"path": f"metadata.{key}", "operator": "BETWEEN", "value": bounds}
    tree = await api.services.definitions.parse({"attribute": wire})
    selected = Population(api.services.store).select(tree, api.services.now())
    assert (await selected.population.pipeline(selected)).way is way
    assert await selected.scans() is (way is Way.IN_PLACE)


async def test_rows_whose_customer_is_not_there_count_for_nobody(api: Api) -> None:
    now = api.services.now()
    tree = await api.services.definitions.parse(FILTERS["for much"])
    expected = await _members(api, tree, now)
    lost = {"customerId": ObjectId(), "name": "bought", "at": now.at, "since": 1}
    api.database.events.insert_one({**lost, "properties": {"amount": 99}})
    try:
        for way in ways(tree, now):
            assert await api.services.store.selections.count(way) == len(expected), way.way
            assert await _paged(api, way) == expected, way.way
    finally:
        api.database.events.delete_one(lost)


async def test_a_question_that_takes_too_long_is_refused(mongod: Mongod, valkey: Valkey) -> None:
    async with running(mongod, valkey, query_seconds=0.001) as api:
        at = api.services.now().at
        whole = {"createdAt": at, "updatedAt": at, "version": 1, "description": "x" * 1_000}
        api.database.customers.insert_many(
            [{"sourceId": str(number), **whole} for number in range(20_000)]
        )
        condition = {"path": "description", "operator": "CONTAINS", "value": "y"}
        answer = await api.answer(
            "query($f: FilterInput!) { segmentPreview(filter: $f) { memberCount } }",
            f={"attribute": condition},
        )
        tree = await api.services.definitions.parse({"attribute": condition})
        for way in ways(tree, api.services.now()):
            with pytest.raises(TookTooLong):
                await api.services.store.selections.page(way, None, 5)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"
    assert "within 0.001 s" in error["message"]
