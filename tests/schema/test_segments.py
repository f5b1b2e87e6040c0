"""Segments over GraphQL: create, edit, find and list them."""

import asyncio

import pytest
import pytest_asyncio

from app.services import Services
from tests.api import Api, Json
from tests.schema.segment_queries import (
    ALL_CUSTOMERS_FILTER,
    CREATE,
    DELETE,
    MEMBERSHIP_QUERY,
    UPDATE,
    attribute_filter,
    create_segment,
    create_ten_customers,
    fetch_memberships,
    list_members,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer_ids(api: Api) -> list[str]:
    return await create_ten_customers(api)


async def test_a_passive_segment_as_it_was_sent(api: Api) -> None:
    filter_: Json = {
        "all": [
            attribute_filter("metadata.vip", "IS", True),
            {"any": [{"event": {"name": "seen", "where": [], "value": 1.0}}]},
        ]
    }
    filter_["all"][0]["attribute"]["ignoreCase"] = False
    id_ = await create_segment(api, "  sent\t", filter=filter_)
    fields = (
        "id name description kind filter editable createdAt updatedAt activatedAt usedBy { id }"
    )
    found = await api.fetch(f"query($id: ID!) {{ segment(id: $id) {{ {fields} }} }}", id=id_)
    made = found.pop("createdAt"), found.pop("updatedAt")
    assert made[0] == made[1]
    assert found == {
        "id": id_,
        "name": "sent",
        "description": None,
        "kind": "PASSIVE",
        "filter": {
            "all": [
                attribute_filter("metadata.vip", "IS", True),
                {"any": [{"event": {"name": "seen", "value": 1.0}}]},
            ]
        },
        "editable": True,
        "activatedAt": None,
        "usedBy": [],
    }
    text = await api.execute("query($id: ID!) { segment(id: $id) { filterText } }", id=id_)
    assert text["data"]["segment"]["filterText"]


async def test_names_are_unique_also_when_many_come_at_once(api: Api) -> None:
    answers = await asyncio.gather(
        *(
            api.list_errors(
                CREATE, **{"in": {"name": " race ", "definition": {"filter": ALL_CUSTOMERS_FILTER}}}
            )
            for _ in range(8)
        )
    )
    assert sorted(answers) == [[], *[["TAKEN input name"]] * 7]
    one, two = [
        await create_segment(api, name, filter=ALL_CUSTOMERS_FILTER) for name in ("one", "two")
    ]
    answers = await asyncio.gather(
        *(api.list_errors(UPDATE, id=id_, **{"in": {"name": "both"}}) for id_ in (one, two))
    )
    assert sorted(answers) == [[], ["TAKEN input name"]]
    assert await api.list_errors(UPDATE, id=one, **{"in": {"name": "n" * 255}}) == []
    assert await api.list_errors(UPDATE, id=one, **{"in": {"name": " " + "n" * 255}}) == []


async def test_an_edit_by_another_process_shows_at_once(api: Api) -> None:
    other = Services(api.services.store, api.settings)
    id_ = await create_segment(api, "edited", filter=attribute_filter("metadata.n", "LESS_THAN", 3))
    who = {"sourceId": "c4"}
    for n in range(3, 10):
        assert await fetch_memberships(api, who, [id_]) == [n > 4]
        assert len(await list_members(api, id_)) == n
        change = {"filter": attribute_filter("metadata.n", "LESS_THAN", n + 1)}
        await other.segments.update(id_, change, other.now())
        assert await fetch_memberships(api, who, [id_]) == [n + 1 > 4]
    await other.segments.delete(id_)
    assert await api.list_errors(MEMBERSHIP_QUERY, who=who, ids=[id_]) == ["NOT_FOUND segmentIds 0"]


async def test_a_filter_read_before_an_edit_is_not_kept_for_later(api: Api) -> None:
    id_ = await create_segment(api, "stale", filter=attribute_filter("metadata.n", "LESS_THAN", 3))
    read = await api.services.segments.get(id_)
    assert read is not None
    await api.fetch(
        UPDATE, id=id_, **{"in": {"filter": attribute_filter("metadata.n", "LESS_THAN", 7)}}
    )
    assert await api.services.segment_members.count(read, api.services.now()) == 3
    assert await fetch_memberships(api, {"sourceId": "c5"}, [id_]) == [True]


async def test_segments_are_listed_searched_and_paged(api: Api) -> None:
    names = ("Zebra.1", "zebra (2)", "a zeBRA", "Straẞe")
    ids = [await create_segment(api, name, filter=ALL_CUSTOMERS_FILTER) for name in names]
    query = (
        "query($first: Int, $after: String, $search: String, $kinds: [SegmentKind!]) {"
        " segments(first: $first, after: $after, search: $search, kinds: $kinds)"
        " { totalCount nodes { id name } pageInfo { hasNextPage endCursor } } }"
    )
    for search, found in {"ZEBRA": 3, "a (2": 1, ".1": 1, "straße": 1, "strasse": 0}.items():
        assert (await api.fetch(query, search=search))["totalCount"] == found, search
    first = await api.fetch(query, search="zebra", first=2)
    assert [node["id"] for node in first["nodes"]] == ids[:2]
    await api.fetch(DELETE, id=ids[1])
    second = await api.fetch(query, search="zebra", after=first["pageInfo"]["endCursor"])
    assert [node["id"] for node in second["nodes"]] == ids[2:3]
    assert not second["pageInfo"]["hasNextPage"]
    assert (await api.fetch(query, search="zebra", kinds=["STATIC"]))["totalCount"] == 0
    assert (await api.fetch(query, kinds=[]))["totalCount"] == 0


async def test_whatever_has_an_id_is_found_by_it(api: Api, customer_ids: list[str]) -> None:
    who = {"sourceId": "c6"}
    await api.bulk_upsert(
        "eventsTrack", [{"customer": who, "name": "found", "properties": {"a": [1]}}]
    )
    await api.bulk_upsert("ordersUpsert", [{"sourceId": "found", "customer": who, "amount": 5}])
    segment = await create_segment(api, "found", filter=ALL_CUSTOMERS_FILTER)
    (event,) = api.database.events.find({"name": "found"})
    (order,) = api.database.orders.find({"sourceId": "found"})
    nodes = {
        customer_ids[6]: "Customer",
        segment: "Segment",
        f"evt_{event['_id']}": "CustomEvent",
        f"ord_{order['orderId']}": "Order",
    }
    query = "query($id: ID!) { node(id: $id) { __typename id } }"
    for id_, type_ in nodes.items():
        assert await api.fetch(query, id=id_) == {"__typename": type_, "id": id_}
        for other in ("cus_", "seg_", "evt_", "ord_", "xxx_", "SEG_", ""):
            if other != id_[:4]:
                assert await api.fetch(query, id=other + id_[4:]) is None
        found = await api.fetch("query($id: ID!) { segment(id: $id) { id } }", id=id_)
        assert (found is not None) == (type_ == "Segment")
