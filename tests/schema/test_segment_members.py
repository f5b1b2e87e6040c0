"""Members of segments over GraphQL: static lists, their size, and their agreement with filters."""

import asyncio

import pytest
import pytest_asyncio
from bson import ObjectId

from tests.api import Api, Json
from tests.schema.segment_queries import (
    ALL_CUSTOMERS_FILTER,
    CREATE,
    DELETE,
    ERRORS,
    MEMBERS,
    UPDATE,
    attribute_filter,
    create_segment,
    create_ten_customers,
    fetch_memberships,
    list_members,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
DELETE_CUSTOMER = (
    f"mutation($ref: CustomerRef!) {{ customerDelete(customer: $ref) {{ deletedId {ERRORS} }} }}"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer_ids(api: Api) -> list[str]:
    return await create_ten_customers(api)


async def test_a_list_is_counted_once_by_whichever_key(api: Api, customer_ids: list[str]) -> None:
    refs = [{"sourceId": "c1"}, {"id": customer_ids[1]}, {"sourceId": "c0"}, {"sourceId": "c1"}]
    id_ = await create_segment(api, "listed", customers=refs)
    assert await list_members(api, id_, first=1) == ["c0", "c1"]
    assert await fetch_memberships(api, {"sourceId": "c0"}, [id_]) == [True]
    assert await fetch_memberships(api, {"sourceId": "c2"}, [id_]) == [False]
    query = "query($id: ID!) { segment(id: $id) { kind filter filterText editable } }"
    found = await api.fetch(query, id=id_)
    assert found == {"kind": "STATIC", "filter": None, "filterText": None, "editable": False}


async def test_a_static_segment_keeps_its_members_and_may_be_renamed(api: Api) -> None:
    id_ = await create_segment(api, "fixed", snapshot=attribute_filter("metadata.vip", "IS", True))
    vips = [f"c{n}" for n in range(5)]
    assert await list_members(api, id_, first=2) == vips
    await api.upsert("c0", metadata={"vip": False})
    await api.upsert("c9", metadata={"vip": True})
    assert await list_members(api, id_) == vips
    await api.upsert("c0", metadata={"vip": True})
    await api.upsert("c9", metadata={"vip": False})

    refused = await api.list_errors(
        UPDATE, id=id_, **{"in": {"name": "x", "filter": ALL_CUSTOMERS_FILTER}}
    )
    assert refused == ["SEGMENT_NOT_EDITABLE input filter"]
    changed = await api.fetch(UPDATE, id=id_, **{"in": {"name": "renamed", "description": "d"}})
    assert changed["segment"] == {"id": id_, "name": "renamed", "memberCount": 5}


def count_segments_and_members(api: Api) -> tuple[int, int]:
    """How many segments there are, and how many rows of members."""
    return api.database.segments.count_documents({}), api.database.members.count_documents({})


async def test_20_000_members_and_not_one_more(api: Api) -> None:
    ids = [ObjectId() for _ in range(20_001)]
    stamp = api.read_customer_document("c0")["createdAt"]
    crowd = [
        {
            "_id": id_,
            "sourceId": f"crowd {n}",
            "metadata": {"crowd": n < 20_000, "all": True},
            "createdAt": stamp,
            "updatedAt": stamp,
            "version": 1,
        }
        for n, id_ in enumerate(ids)
    ]
    api.database.customers.insert_many(crowd)
    try:
        by_source = [{"sourceId": f"crowd {n}"} for n in range(20_000)]
        by_id = [{"id": f"cus_{id_}"} for id_ in ids]
        before = count_segments_and_members(api)
        for definition in (
            {"customers": by_id},
            {"customers": [*by_source, by_id[-1]]},
            {"snapshot": attribute_filter("metadata.all", "IS", True)},
        ):
            (kind,) = definition
            sent = {"in": {"name": "too many", "definition": definition}}
            refused = await api.list_errors(CREATE, **sent)
            assert refused == [f"STATIC_SEGMENT_TOO_LARGE input definition {kind}"]
        assert count_segments_and_members(api) == before
        listed = await create_segment(api, "many", customers=[*by_source, *by_id[:20_000]])
        snapshot = await create_segment(
            api, "shot", snapshot=attribute_filter("metadata.crowd", "IS", True)
        )
        assert count_segments_and_members(api) == (before[0] + 2, before[1] + 40_000)
        page = await api.fetch(MEMBERS, id=listed, first=1_000)
        assert (page["memberCount"], len(page["members"]["nodes"])) == (20_000, 1_000)
        for id_ in (listed, snapshot):
            await api.fetch(DELETE, id=id_)
    finally:
        api.database.customers.delete_many({"_id": {"$in": ids}})


async def test_one_who_is_deleted_meanwhile_leaves_no_ghost(api: Api) -> None:
    for n in range(15):
        await api.upsert("ghost")
        sent = {"name": f"ghosts {n}", "definition": {"customers": [{"sourceId": "ghost"}]}}
        refused, gone = await asyncio.gather(
            api.list_errors(CREATE, **{"in": sent}),
            api.fetch(DELETE_CUSTOMER, ref={"sourceId": "ghost"}),
        )
        assert refused in ([], ["NOT_FOUND input definition customers 0"])
        assert gone["deletedId"]
        if not refused:
            there = api.database.segments.find_one({"name": f"ghosts {n}"})
            assert there is not None
            assert await list_members(api, f"seg_{there['_id']}") == []


async def test_members_their_number_and_each_membership_agree(api: Api) -> None:
    await api.bulk_upsert(
        "eventsTrack",
        [{"customer": {"sourceId": f"c{n % 7}"}, "name": "click"} for n in range(20)],
    )
    await api.bulk_upsert(
        "ordersUpsert",
        [
            {"sourceId": f"agree {n}", "customer": {"sourceId": f"c{n}"}, "amount": n * 10}
            for n in range(1, 10)
        ],
    )
    filters: dict[str, Json] = {
        "clicks": {"event": {"name": "click", "value": 3}},
        "spent": {
            "event": {
                "name": "order",
                "aggregate": {"function": "SUM", "property": "amount"},
                "value": 50,
            }
        },
        "summed": attribute_filter("orders.totalAmount", "GREATER_THAN", 50),
        "neither": {
            "none": [attribute_filter("metadata.vip", "IS", True), {"event": {"name": "click"}}]
        },
        "counted": attribute_filter("events.click.count", "IS", 0),
    }
    ids = [await create_segment(api, name, filter=filter_) for name, filter_ in filters.items()]
    ids.append(await create_segment(api, "agreed", customers=[{"sourceId": "c3"}]))
    inside = [set(await list_members(api, id_, first=3)) for id_ in ids]
    assert all(inside)
    for document in api.database.customers.find():
        who = {"sourceId": document["sourceId"]}
        is_in = [document["sourceId"] in segment for segment in inside]
        assert await fetch_memberships(api, who, ids) == is_in
        fields = "segments(first: 100) { totalCount nodes { id } }"
        listed = await api.fetch_customer(document["sourceId"], fields)
        found = {node["id"] for node in listed["segments"]["nodes"]}
        assert [id_ in found for id_ in ids] == is_in
        assert listed["segments"]["totalCount"] == len(found)
    for name, filter_ in filters.items():
        preview = await api.fetch(
            "query($filter: FilterInput!) { segmentPreview(filter: $filter)"
            " { memberCount sample(first: 100) { sourceId } } }",
            filter=filter_,
        )
        expected = inside[list(filters).index(name)]
        assert preview["memberCount"] == len(expected)
        assert {customer["sourceId"] for customer in preview["sample"]} == expected


async def test_a_deleted_segment_leaves_no_members(api: Api) -> None:
    id_ = await create_segment(api, "deleted", customers=[{"sourceId": "c1"}, {"sourceId": "c2"}])
    assert (await api.fetch(DELETE, id=id_))["deletedId"] == id_
    assert await api.fetch(MEMBERS, id=id_, first=1) is None
    assert await api.list_errors(DELETE, id=id_) == ["NOT_FOUND id"]
    await create_segment(api, "deleted", filter=ALL_CUSTOMERS_FILTER)
