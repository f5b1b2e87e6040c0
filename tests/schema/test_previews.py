"""What a filter would select before it is saved: its size, and what it would change."""

import asyncio
from itertools import combinations

import pytest
import pytest_asyncio

from app.services.query_planner import PlannedQuery
from app.store import ThreadPool
from tests.api import ALL_CUSTOMERS_FILTER, Api, Json
from tests.busy_threads import busy_threads
from tests.schema.segment_queries import (
    attribute_filter,
    create_segment,
    create_ten_customers,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = """query($filter: FilterInput!, $seconds: Float) { segmentPreview(filter: $filter) {
  size(withinSeconds: $seconds) { memberCount exact marginOfError }
} }"""
AGAINST = """query($filter: FilterInput!, $segment: ID!, $first: Int) {
  segmentPreview(filter: $filter) { against(segmentId: $segment) {
    enteringCount leavingCount stayingCount
    entering(first: $first) { sourceId } leaving(first: $first) { sourceId }
  } }
}"""
JUDGE = """query($filter: FilterInput!, $customer: CustomerRef!, $overrides: JSON) {
  segmentPreview(filter: $filter) { judge(customer: $customer, overrides: $overrides) {
    holds evaluatedAt explanation changesAt
  } }
}"""
MEMBERSHIP = """query($segment: ID!, $customer: CustomerRef!, $overrides: JSON) {
  segmentMembership(segmentIds: [$segment], customer: $customer, overrides: $overrides) {
    isMember explanation
  }
}"""
TEXT = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { filterText } }"
SEGMENT_TEXT = "query($id: ID!) { segment(id: $id) { filterText } }"

VISITED: Json = {"event": {"name": "visited", "value": 2}}
VIP = attribute_filter("metadata.vip", "IS", True)
EVEN = attribute_filter("metadata.n", "IN", [0, 2, 4, 6, 8])
FILTERS: dict[str, tuple[Json, set[int]]] = {
    "VIPs": (VIP, {0, 1, 2, 3, 4}),
    "even": (EVEN, {0, 2, 4, 6, 8}),
    "visited twice": (VISITED, {3, 4, 5}),
    "everybody": (ALL_CUSTOMERS_FILTER, set(range(10))),
    "no even VIPs": ({"none": [{"all": [VIP, EVEN]}]}, {1, 3, 5, 6, 7, 8, 9}),
    "visited twice or even": ({"any": [VISITED, EVEN]}, {0, 2, 3, 4, 5, 6, 8}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer_ids(api: Api) -> list[str]:
    ids = await create_ten_customers(api)
    visits = [
        {"customer": {"sourceId": f"c{n}"}, "name": "visited"}
        for n, count in {2: 1, 3: 2, 4: 2, 5: 3}.items()
        for _ in range(count)
    ]
    assert (await api.bulk_upsert("eventsTrack", visits))["refused"] == []
    return ids


@pytest.mark.parametrize("name", FILTERS)
async def test_the_text_is_that_of_a_segment(api: Api, name: str) -> None:
    filter_, _ = FILTERS[name]
    segment = await create_segment(api, f"text {name}", filter=filter_)

    preview = await api.fetch(TEXT, filter=filter_)

    assert preview == await api.fetch(SEGMENT_TEXT, id=segment)


@pytest.mark.parametrize("name", FILTERS)
async def test_a_size_in_time_is_exact(api: Api, name: str) -> None:
    filter_, members = FILTERS[name]

    assert await fetch_size(api, filter_) == (len(members), True, 0)
    assert await fetch_size(api, filter_, 30) == (len(members), True, 0)


@pytest.mark.parametrize("name", FILTERS)
async def test_the_sample_of_a_small_shop_has_all_customers(api: Api, name: str) -> None:
    filter_, members = FILTERS[name]

    assert await fetch_size(api, filter_, 0) == (len(members), False, 0)


async def test_the_time_includes_the_wait_for_a_thread(api: Api) -> None:
    async with busy_threads(ThreadPool.POPULATION_QUERIES):
        query = api.services.query_planner.plan(None, api.services.now())
        assert await query.count_within(0.05) is None


@pytest.mark.parametrize("seconds", [-0.1, 30.5])
async def test_a_time_out_of_range_is_refused(api: Api, seconds: float) -> None:
    (error,) = await api.list_errors(SIZE, filter=VIP, seconds=seconds)

    assert error.strip() == "BAD_REQUEST"


@pytest.mark.parametrize(("before", "after"), [*combinations(FILTERS, 2), ("VIPs", "VIPs")])
async def test_it_is_compared_with_a_segment(api: Api, before: str, after: str) -> None:
    for (old_filter, old), (new_filter, new) in (
        (FILTERS[before], FILTERS[after]),
        (FILTERS[after], FILTERS[before]),
    ):
        segment = await create_segment(api, "compared", filter=old_filter)
        found = await fetch_difference(api, new_filter, segment, first=2)

        assert found == {
            "enteringCount": len(new - old),
            "leavingCount": len(old - new),
            "stayingCount": len(old & new),
            "entering": sorted(f"c{n}" for n in new - old)[:2],
            "leaving": sorted(f"c{n}" for n in old - new)[:2],
        }
        await api.services.segments.delete(segment)


async def test_a_comparison_counts_one_query_at_a_time(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = await create_segment(api, "compared", filter=EVEN)
    running, most = 0, 0

    async def count(_: PlannedQuery) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return 7

    monkeypatch.setattr(PlannedQuery, "count", count)
    found = await fetch_difference(api, VIP, segment)

    assert [found[f"{name}Count"] for name in ("entering", "leaving", "staying")] == [7, 7, 7]
    assert most == 1


async def test_it_is_compared_with_a_list_and_with_a_nested_segment(api: Api) -> None:
    members = [{"sourceId": f"c{n}"} for n in (1, 2, 7)]
    list_ = await create_segment(api, "a list", customers=members)
    inner = await create_segment(api, "inner", filter=EVEN)
    outer = await create_segment(api, "outer", filter={"segment": {"id": inner}})

    against_list = await fetch_difference(api, {"segment": {"id": outer}}, list_)
    against_outer = await fetch_difference(api, {"segment": {"id": list_}}, outer)

    assert against_list["entering"] == against_outer["leaving"] == ["c0", "c4", "c6", "c8"]
    assert against_list["leaving"] == against_outer["entering"] == ["c1", "c7"]
    assert against_list["stayingCount"] == against_outer["stayingCount"] == 1
    for filter_ in ({"segment": {"id": outer}}, {"none": [{"segment": {"id": inner}}]}):
        assert await api.list_errors(AGAINST, filter=filter_, segment=inner) == [
            f"SEGMENT_CYCLE filter {'none 0 ' if 'none' in filter_ else ''}segment id"
        ]


async def test_an_unknown_segment_is_not_found(api: Api) -> None:
    for id_ in ("seg_000000000000000000000000", "", "cus_000000000000000000000000"):
        assert await api.list_errors(AGAINST, filter=VIP, segment=id_) == ["NOT_FOUND segmentId"]


@pytest.mark.parametrize("overrides", [None, {"metadata": {"vip": None, "n": 4}}])
@pytest.mark.parametrize("source_id", ["c1", "c4", "c9", "unknown"])
@pytest.mark.parametrize("name", FILTERS)
async def test_it_judges_as_a_segment_does(
    api: Api, name: str, source_id: str, overrides: Json | None
) -> None:
    filter_, _ = FILTERS[name]
    segment = await create_segment(api, "judged", filter=filter_)
    asked = {"customer": {"sourceId": source_id}, "overrides": overrides}

    judgement = (await api.fetch(JUDGE, filter=filter_, **asked))["judge"]

    (membership,) = await api.fetch(MEMBERSHIP, segment=segment, **asked)
    assert judgement["holds"] == membership["isMember"]
    assert judgement["explanation"] == membership["explanation"]
    await api.services.segments.delete(segment)


async def test_a_judgement_says_when_it_changes(api: Api) -> None:
    filter_ = attribute_filter("createdAt", "WITHIN_LAST", "P1D")
    customer = await api.fetch_customer("c1", "createdAt")

    judgement = (await api.fetch(JUDGE, filter=filter_, customer={"sourceId": "c1"}))["judge"]

    assert judgement["holds"]
    assert customer["createdAt"] < judgement["evaluatedAt"] < judgement["changesAt"]


async def test_what_can_not_be_judged_is_refused(api: Api) -> None:
    unknown, wrong = {"id": "cus_000000000000000000000000"}, {"colour": "red"}

    assert await api.list_errors(JUDGE, filter=VIP, customer=unknown) == ["NOT_FOUND customer id"]
    assert await api.list_errors(
        JUDGE, filter=VIP, customer={"sourceId": "c1"}, overrides=wrong
    ) == ["INVALID overrides colour"]


async def fetch_size(
    api: Api, filter_: Json, seconds: float | None = None
) -> tuple[int, bool, int]:
    size = (await api.fetch(SIZE, filter=filter_, seconds=seconds))["size"]
    return size["memberCount"], size["exact"], size["marginOfError"]


async def fetch_difference(api: Api, filter_: Json, segment: str, first: int = 100) -> Json:
    """Returns the difference, with customers by their sourceIds."""
    preview = await api.fetch(AGAINST, filter=filter_, segment=segment, first=first)
    difference: Json = preview["against"]
    for name in ("entering", "leaving"):
        difference[name] = [customer["sourceId"] for customer in difference[name]]
    return difference
