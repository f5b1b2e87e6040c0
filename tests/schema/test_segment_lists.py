"""Lists of segments in each order: complete, without repetition, and stable while they change."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from app.domain.segment_lists import SegmentOrder
from app.domain.segment_sizes import SegmentSize
from app.filters import Now
from tests.api import ALL_CUSTOMERS_FILTER, Api, Json
from tests.schema.segment_queries import DELETE, UPDATE, attribute_filter, create_segment

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = """query(
  $first: Int, $after: String, $search: String, $kinds: [SegmentKind!], $unused: Boolean,
  $orderBy: SegmentOrder, $descending: Boolean
) {
  segments(
    first: $first, after: $after, search: $search, kinds: $kinds, unused: $unused,
    orderBy: $orderBy, descending: $descending
  ) {
    totalCount
    nodes { id name kind createdAt updatedAt lastSize { at memberCount } usedBy { id } }
    pageInfo { hasNextPage endCursor }
  }
}"""
SIZES = """query($id: ID!, $points: Int) { segment(id: $id) {
  lastSize { at memberCount } sizeHistory(points: $points) { at memberCount }
} }"""
RULE = """mutation($filter: FilterInput!) {
  validationRuleCreate(input: {name: "uses", filter: $filter}) { userErrors { code } }
}"""

NAMES = (
    "pear",
    "Apple",
    "fig (2)",
    "apple pie",
    "Zebra",
    "apricot",
    "Fig",
    "cherry",
    "date",
    "éclair",
)
SIZED_COUNT = 7

Key = Callable[[Json], Any]
KEYS: dict[SegmentOrder, Key] = {
    SegmentOrder.CREATED: lambda node: node["createdAt"],
    SegmentOrder.NAME: lambda node: node["name"].lower().replace("é", "e~"),
    SegmentOrder.UPDATED: lambda node: node["updatedAt"],
    SegmentOrder.LAST_SIZE: lambda node: (
        node["lastSize"]["memberCount"] if node["lastSize"] else -1
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def segment_ids(api: Api) -> list[str]:
    """The ids of segments of each kind: used and unused, counted and not yet counted, changed in
    another order than they were created in."""
    for n in range(4):
        await api.upsert(f"c{n}", metadata={"n": n})
    ids: list[str] = []
    for position, name in enumerate(NAMES):
        if position == SIZED_COUNT:
            await sample_sizes(api, api.services.now().at)
        definition: Json = {"filter": attribute_filter("metadata.n", "LESS_THAN", position % 3)}
        if position % 4 == 1:
            definition = {"customers": [{"sourceId": "c0"}]}
        if position % 5 == 2:
            definition = {"filter": {"segment": {"id": ids[0]}}}
        ids.append(await create_segment(api, name, **definition))
    for position in (6, 1, 8):
        await api.fetch(UPDATE, id=ids[position], **{"in": {"description": "changed"}})
    uses = {"segment": {"id": ids[4]}}
    assert (await api.fetch(RULE, filter=uses))["userErrors"] == []
    return ids


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", SegmentOrder)
async def test_pages_in_each_order(api: Api, order: SegmentOrder, descending: bool) -> None:
    nodes = (await api.fetch(LIST, first=100))["nodes"]
    assert len(nodes) == len(NAMES)
    # Equal segments, too, are in the reverse order.
    expected = sorted(nodes, key=lambda node: (KEYS[order](node), node["id"]), reverse=descending)

    for page_size in (1, 2, 3, len(NAMES)):
        listed = await list_all(api, page_size, orderBy=order.value, descending=descending)
        assert [node["name"] for node in listed] == [node["name"] for node in expected]


async def test_each_selection_in_each_order(api: Api) -> None:
    nodes = (await api.fetch(LIST, first=100))["nodes"]
    for order, unused, kinds, search in product(
        SegmentOrder, (None, True, False), (None, ["STATIC"], []), (None, "A", "zebra")
    ):
        selected = {
            node["name"]
            for node in nodes
            if (unused is None or unused is not bool(node["usedBy"]))
            and (kinds is None or node["kind"] in kinds)
            and (search is None or search.lower() in node["name"].lower())
        }
        asked = {"orderBy": order.value, "unused": unused, "kinds": kinds, "search": search}
        listed = [node["name"] for node in await list_all(api, 3, **asked)]
        assert sorted(listed) == sorted(selected), asked


async def test_the_default_is_the_order_of_creation(api: Api, segment_ids: list[str]) -> None:
    assert [node["id"] for node in await list_all(api, 3)] == segment_ids
    listed = await list_all(api, 3, orderBy=None, descending=None, unused=None)
    assert [node["id"] for node in listed] == segment_ids


async def test_a_page_goes_on_although_its_last_segment_is_gone(api: Api) -> None:
    for order, descending in product(SegmentOrder, (False, True)):
        extra = [
            await create_segment(api, f"extra {n}", filter=ALL_CUSTOMERS_FILTER) for n in range(3)
        ]
        asked = {"orderBy": order.value, "descending": descending, "search": "extra"}
        expected = [node["id"] for node in (await api.fetch(LIST, **asked))["nodes"]]
        page = await api.fetch(LIST, first=2, **asked)
        await api.fetch(DELETE, id=expected[1])
        rest = await api.fetch(LIST, after=page["pageInfo"]["endCursor"], **asked)
        assert [node["id"] for node in rest["nodes"]] == expected[2:]
        for id_ in {*extra} - {expected[1]}:
            await api.fetch(DELETE, id=id_)


async def test_a_cursor_of_another_order_is_refused(api: Api) -> None:
    cursors = {
        order: (await api.fetch(LIST, first=1, orderBy=order.value))["pageInfo"]["endCursor"]
        for order in SegmentOrder
    }
    for order, cursor in product(SegmentOrder, [*cursors.values(), "", "x", "Q1JFQVRFRA"]):
        errors = await api.list_errors(LIST, orderBy=order.value, after=cursor)
        assert errors == ([] if cursor == cursors[order] else ["BAD_REQUEST"]), (order, cursor)


async def test_the_last_size_is_the_last_noted_one(api: Api, segment_ids: list[str]) -> None:
    id_ = await create_segment(api, "counted", filter=ALL_CUSTOMERS_FILTER)
    assert await api.fetch(SIZES, id=id_) == {"lastSize": None, "sizeHistory": []}
    now = api.services.now().at
    for hours in (30, 20, 10):
        await sample_sizes(api, now - timedelta(hours=hours))
    # Of a worker whose clock is behind.
    at = now - timedelta(hours=15)
    add = partial(api.services.store.segment_sizes.add, id_, at, SegmentSize(at, 9), at)
    await api.services.store.transaction(add)
    await api.fetch(UPDATE, id=id_, **{"in": {"name": "counted again"}})

    sizes = await api.fetch(SIZES, id=id_)

    assert [size["memberCount"] for size in sizes["sizeHistory"]] == [4, 4, 9, 4]
    assert sizes["lastSize"] == sizes["sizeHistory"][-1]
    await api.fetch(DELETE, id=id_)


async def test_a_history_has_at_most_so_many_points(api: Api) -> None:
    id_ = await create_segment(api, "history", filter=ALL_CUSTOMERS_FILTER)
    now = api.services.now().at
    for hours in range(10, 0, -1):
        await sample_sizes(api, now - timedelta(hours=hours))
    every = (await api.fetch(SIZES, id=id_))["sizeHistory"]

    for points in (2, 3, 10, 1_000):
        history = (await api.fetch(SIZES, id=id_, points=points))["sizeHistory"]
        assert len(history) == min(points, len(every))
        assert (history[0], history[-1]) == (every[0], every[-1])
    for points in (1, 1_001, -1):
        assert await api.list_errors(SIZES, id=id_, points=points) == ["BAD_REQUEST"]
    await api.fetch(DELETE, id=id_)


async def sample_sizes(api: Api, at: datetime) -> None:
    services = api.services
    await services.segment_sizes.sample(lambda: Now(at, services.calendar), rest_factor=0)


async def list_all(api: Api, page_size: int, **arguments: Any) -> list[Json]:
    """Returns the segments of all pages."""
    nodes: list[Json] = []
    after = None
    while True:
        page = await api.fetch(LIST, first=page_size, after=after, **arguments)
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(nodes) == page["totalCount"]
            return nodes
        after = page["pageInfo"]["endCursor"]
