"""Segments over GraphQL: create, edit, delete, list members, preview a filter."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from bson import ObjectId

from app.services import Services
from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

ERRORS = "userErrors { code path message }"
CREATE = (
    "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in)"
    f" {{ segment {{ id }} {ERRORS} }} }}"
)
UPDATE = (
    "mutation($id: ID!, $in: SegmentUpdateInput!) { segmentUpdate(id: $id, input: $in)"
    f" {{ segment {{ id name memberCount }} {ERRORS} }} }}"
)
DELETE = f"mutation($id: ID!) {{ segmentDelete(id: $id) {{ deletedId {ERRORS} }} }}"
DELETE_CUSTOMER = (
    f"mutation($ref: CustomerRef!) {{ customerDelete(customer: $ref) {{ deletedId {ERRORS} }} }}"
)
MEMBERS = (
    "query($id: ID!, $first: Int, $after: String) { segment(id: $id) { memberCount"
    " members(first: $first, after: $after) { totalCount nodes { sourceId }"
    " pageInfo { hasNextPage endCursor } } } }"
)
MEMBERSHIP_QUERY = (
    "query($who: CustomerRef!, $ids: [ID!], $over: JSON) { segmentMembership("
    "customer: $who, segmentIds: $ids, overrides: $over) { isMember } }"
)
ALL_CUSTOMERS_FILTER: Json = {"attribute": {"path": "sourceId", "operator": "HAS_VALUE"}}


def attribute_filter(path: str, operator: str, value: Any = None) -> Json:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


async def create_segment(api: Api, name: str, **definition: Any) -> str:
    payload = await api.fetch(CREATE, **{"in": {"name": name, "definition": definition}})
    assert not payload["userErrors"], payload
    return str(payload["segment"]["id"])


async def list_members(api: Api, id_: str, first: int = 1_000) -> list[str]:
    """The sourceIds of all the members, page by page."""
    source_ids: list[str] = []
    after = None
    while True:
        segment = await api.fetch(MEMBERS, id=id_, first=first, after=after)
        page = segment["members"]
        source_ids += [node["sourceId"] for node in page["nodes"]]
        assert segment["memberCount"] == page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(source_ids) == page["totalCount"]
            return source_ids
        after = page["pageInfo"]["endCursor"]


async def fetch_memberships(
    api: Api, customer_ref: Json, ids: list[str] | None = None, overrides: Any = None
) -> Any:
    return [
        membership["isMember"]
        for membership in await api.fetch(
            MEMBERSHIP_QUERY, who=customer_ref, ids=ids, over=overrides
        )
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer_ids(api: Api) -> list[str]:
    """Ten customers, the first five of them VIPs; their ids."""
    return [await api.upsert(f"c{n}", metadata={"vip": n < 5, "n": n}) for n in range(10)]


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
    assert await api.services.segments.member_count(read, api.services.now()) == 3
    assert await fetch_memberships(api, {"sourceId": "c5"}, [id_]) == [True]


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


@pytest.mark.parametrize(
    ("overrides", "path", "operator", "value"),
    [
        ({"name": "Z"}, "name", "IS", "Z"),
        ({"metadata": {"n": None}}, "metadata.n", "HAS_NO_VALUE", None),
        ({"metadata": {"x": 1}}, "metadata.n", "IS", 4),
        ({"metadata": None}, "metadata.n", "HAS_NO_VALUE", None),
        ({"address": {"city": "Wien"}}, "address.city", "IS", "Wien"),
        ({"birthdate": "2000-02-29"}, "birthdate", "IS", "2000-02-29"),
        ({"orders": {"totalCount": 7}}, "orders.totalCount", "IS", 7),
        ({"orders": {"averageAmount": 7}}, "orders.averageAmount", "IS", 7),
        (
            {"orders": {"lastOrderAt": "2026-01-01T00:00:00Z"}},
            "orders.lastOrderAt",
            "BEFORE",
            "2026-01-02",
        ),
        ({"orders": {"totalCount": None}}, "orders.totalCount", "IS", 0),
        ({"orders": None}, "orders.totalCount", "IS", 0),
        ({"loyalty": {"points": -5}}, "loyalty.points", "IS", -5),
        ({"loyalty": None}, "loyalty.points", "IS", 0),
        ({"events": {"a.b": {"count": 2}}}, "events.a.b.count", "IS", 2),
        (
            {"events": {"$%": {"lastAt": "2026-01-01T00:00:00Z"}}},
            "events.$%.lastAt",
            "BEFORE",
            "2026-01-02",
        ),
        ({"events": {"bought": {"count": 9}}}, "events.bought.firstAt", "HAS_VALUE", None),
        ({"events": {"bought": None}}, "events.bought.count", "IS", 0),
        ({"events": None}, "events.bought.count", "IS", 0),
        ({"events": {"order": {"count": 3}}}, "events.order.count", "IS", 3),
        ({"events": {"order": {"count": 3}}}, "orders.totalCount", "IS", 3),
        ({"sourceId": "c4"}, "sourceId", "IS", "c4"),
    ],
    ids=str,
)
async def test_overrides_are_laid_over_for_one_question(
    api: Api, overrides: Json, path: str, operator: str, value: Any
) -> None:
    if not api.read_customer_document("c4").get("events", {}).get("bought"):
        await api.bulk_upsert("eventsTrack", [{"customer": {"sourceId": "c4"}, "name": "bought"}])
    before = api.read_customer_document("c4")
    segment = await create_segment(
        api,
        f"over {overrides} {path}"[:255],
        filter=attribute_filter(path, operator, value),
    )
    assert await fetch_memberships(api, {"sourceId": "c4"}, [segment], overrides) == [True]
    assert api.read_customer_document("c4") == before
    await api.fetch(DELETE, id=segment)


async def test_somebody_unknown_is_judged_by_the_overrides_alone(api: Api) -> None:
    id_ = await create_segment(
        api, "strangers", filter=attribute_filter("metadata.vip", "IS", True)
    )
    static = await create_segment(api, "no stranger", customers=[{"sourceId": "c1"}])
    stranger = {"sourceId": "stranger"}
    assert await fetch_memberships(api, stranger, [id_, static]) == [False, False]
    vip = {"metadata": {"vip": True}}
    assert await fetch_memberships(api, stranger, [id_, static, id_], vip) == [True, False, True]
    assert await fetch_memberships(api, stranger, [], vip) == []
    assert await api.fetch_customer("stranger") is None
    refused = await api.list_errors(MEMBERSHIP_QUERY, who=stranger, over={"sourceId": "other"})
    assert refused == ["INVALID overrides sourceId"]


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


async def test_a_deleted_segment_leaves_no_members(api: Api) -> None:
    id_ = await create_segment(api, "deleted", customers=[{"sourceId": "c1"}, {"sourceId": "c2"}])
    assert (await api.fetch(DELETE, id=id_))["deletedId"] == id_
    assert await api.fetch(MEMBERS, id=id_, first=1) is None
    assert await api.list_errors(DELETE, id=id_) == ["NOT_FOUND id"]
    await create_segment(api, "deleted", filter=ALL_CUSTOMERS_FILTER)
