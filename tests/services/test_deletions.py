"""Large customers and segments disappear at once, before the sweeper removes their rows."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from app.filters import plans
from app.services import order_totals
from app.store import members as members_module
from tests.api import Api, Json
from tests.loyalty_client import LoyaltyClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY_EVENTS = 30_000
EVENT_FILTERS: dict[str, Json] = {
    "visited": {"event": {"name": "visited", "value": 1}},
    "never visited": {"event": {"name": "visited", "operator": "IS", "value": 0}},
    "ordered for 1": {
        "event": {
            "name": "order",
            "aggregate": {"function": "MIN", "property": "amount"},
            "operator": "IS",
            "value": 1,
        }
    },
}

CREATE = (
    "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in)"
    " { segment { id } userErrors { code } } }"
)
DELETE_SEGMENT = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code } } }"
DELETE_CUSTOMER = (
    "mutation($id: ID!) { customerDelete(customer: {id: $id}) { deletedId userErrors { code } } }"
)
COUNT = "query($id: ID!) { segment(id: $id) { memberCount members { nodes { id } } } }"
NODE = "query($id: ID!) { node(id: $id) { id } }"
TIMELINE = (
    "timeline(first: 10) { nodes { __typename ... on CustomEvent { id } ... on Order { id } } }"
)


def insert_events(api: Api, customer: str, event_count: int) -> None:
    """Inserts this many events of the customer, each with an idempotency key."""
    owner, at = ObjectId(customer[4:]), api.services.now().at
    for first in range(0, event_count, 10_000):
        api.database.events.insert_many(
            {
                "customerId": owner,
                "name": "visited",
                "at": at,
                "properties": {},
                "sinceVersion": 1,
                "idempotencyKey": f"{customer} {n}",
            }
            for n in range(first, min(first + 10_000, event_count))
        )


async def create_large_customer(api: Api, source_id: str, number: int = MANY_EVENTS) -> str:
    """Creates a customer with this many events, an order, points, and a place in two lists."""
    id_ = await api.upsert(source_id)
    insert_events(api, id_, number)
    customer_input = {"customer": {"id": id_}}
    await api.bulk_upsert(
        "eventsTrack", [{**customer_input, "name": "visited", "idempotencyKey": source_id}]
    )
    await api.bulk_upsert("ordersUpsert", [{**customer_input, "sourceId": source_id, "amount": 1}])
    return id_


async def create_static_segment(api: Api, name: str, *customers: str) -> str:
    refs = [{"id": id_} for id_ in customers]
    input_ = {"name": name, "definition": {"customers": refs}}
    return str((await api.fetch(CREATE, **{"in": input_}))["segment"]["id"])


async def delete_customer(api: Api, customer: str) -> None:
    answer = await api.fetch(DELETE_CUSTOMER, id=customer)
    assert answer == {"deletedId": customer, "userErrors": []}


async def test_a_deletion_writes_the_same_few_rows_however_many_there_are(api: Api) -> None:
    written = []
    for name, number in (("small", 10), ("large", MANY_EVENTS)):
        id_ = await create_large_customer(api, name, number)
        before = await last_oplog_time(api)
        await delete_customer(api, id_)
        written.append(await count_operations_since(api, before))
        assert api.database.events.count_documents({"customerId": ObjectId(id_[4:])}) == number + 1
    assert written[0] == written[1]


async def test_the_rows_of_a_deleted_customer_do_not_count(api: Api) -> None:
    gone, stays = await create_large_customer(api, "gone"), await api.upsert("stays")
    who = {"customer": {"id": stays}}
    await api.bulk_upsert("eventsTrack", [{**who, "name": "visited"}])
    await api.bulk_upsert("ordersUpsert", [{**who, "sourceId": "theirs", "amount": 1}])
    event = await fetch_node_id(api, "evt", api.database.events, {"customerId": ObjectId(gone[4:])})
    order = await fetch_node_id(api, "ord", api.database.orders, {"sourceId": "gone"}, "orderId")
    before = await select_by_each_plan(api)
    await delete_customer(api, gone)

    assert await select_by_each_plan(api) == {
        name: found - {gone} for name, found in before.items()
    }
    for id_ in (gone, event, order):
        assert await api.fetch(NODE, id=id_) is None
    assert await api.fetch_customer("gone", "id") is None


async def select_by_each_plan(api: Api) -> dict[str, set[str]]:
    """Returns the members of each filter; asserts that all plans agree."""
    now, selections = api.services.now(), api.services.store.matching_customers
    ids_by_filter = {}
    for name, wire in EVENT_FILTERS.items():
        tree = await api.services.definitions.parse_filter(wire)
        ids_by_plan = []
        for plan in plans(tree, now):
            ids = set(await selections.find_ids(plan, 1_000))
            assert await selections.count(plan) == len(ids), plan.plan
            ids_by_plan.append(ids)
        assert all(answer == ids_by_plan[0] for answer in ids_by_plan)
        ids_by_filter[name] = ids_by_plan[0]
    return ids_by_filter


async def fetch_node_id(api: Api, kind: str, rows: Any, query: Json, field: str = "_id") -> str:
    document = rows.find_one(query)
    assert document is not None
    id_ = f"{kind}_{document[field]}"
    assert (await api.fetch(NODE, id=id_))["id"] == id_
    return id_


async def test_the_keys_of_a_deleted_customer_are_free_at_once(api: Api) -> None:
    gone = await create_large_customer(api, "reborn")
    event = {"customer": {"sourceId": "reborn"}, "name": "visited", "idempotencyKey": "reborn"}
    order = {"customer": {"sourceId": "reborn"}, "sourceId": "reborn", "amount": 7}
    await delete_customer(api, gone)

    for _ in range(2):
        # The second call repeats the first and changes nothing.
        assert (await api.bulk_upsert("eventsTrack", [event])) == {"accepted": 1, "refused": []}
        assert (await api.bulk_upsert("ordersUpsert", [order])) == {"accepted": 1, "refused": []}

    found = await api.fetch_customer("reborn", f"id orders {{ totalCount totalAmount }} {TIMELINE}")
    assert found["id"] != gone
    assert found["orders"] == {"totalCount": 1, "totalAmount": 7}
    assert [entry["__typename"] for entry in found["timeline"]["nodes"]].count("Order") == 1
    assert len(found["timeline"]["nodes"]) == 2
    assert api.read_customer_document("reborn")["events"]["visited"]["count"] == 1


async def test_the_keys_are_free_also_after_a_deletion_directly_in_mongodb(api: Api) -> None:
    """The engine has not processed the deletion: there is no tombstone yet."""
    event = {"customer": {"sourceId": "cut"}, "name": "visited", "idempotencyKey": "cut"}
    order = {"customer": {"sourceId": "cut"}, "sourceId": "cut", "amount": 1}
    await api.bulk_upsert("eventsTrack", [event])
    await api.bulk_upsert("ordersUpsert", [order])
    api.database.customers.delete_one({"sourceId": "cut"})

    rows = [{**order, "status": "FULFILLED"}, {**order, "sourceId": "other"}]
    assert await api.bulk_upsert("ordersUpsert", rows) == {"accepted": 2, "refused": []}
    assert await api.bulk_upsert("eventsTrack", [event]) == {"accepted": 1, "refused": []}
    document = api.read_customer_document("cut")
    assert document["orders"]["totalAmount"] == 2
    assert document["events"]["visited"]["count"] == 1


async def test_an_order_of_a_deleted_customer_can_be_anothers(api: Api) -> None:
    gone, heir = await create_large_customer(api, "testator", 1), await api.upsert("heir")
    await delete_customer(api, gone)
    row = {"customer": {"id": heir}, "sourceId": "testator", "amount": 3}
    assert await api.bulk_upsert("ordersUpsert", [row]) == {"accepted": 1, "refused": []}
    assert api.read_customer_document("heir")["orders"]["totalAmount"] == 3
    assert await api.bulk_upsert("ordersUpsert", [{**row, "customer": {"id": gone}}]) == {
        "accepted": 0,
        "refused": ["NOT_FOUND inputs 0 customer id"],
    }


@pytest.mark.parametrize("max_excluded", [0, 10_000])
async def test_a_list_does_not_count_deleted_members(
    api: Api, max_excluded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members_module, "MAX_EXCLUDED_CUSTOMERS", max_excluded)
    ids = [await api.upsert(f"listed {max_excluded} {n}") for n in range(3)]
    segment = await create_static_segment(api, f"list {max_excluded}", *ids)
    await delete_customer(api, ids[1])
    expected = {"memberCount": 2, "members": {"nodes": [{"id": ids[0]}, {"id": ids[2]}]}}
    assert await api.fetch(COUNT, id=segment) == expected
    for id_ in ids[::2]:
        await delete_customer(api, id_)
    assert await api.fetch(COUNT, id=segment) == {"memberCount": 0, "members": {"nodes": []}}


async def test_a_deleted_segment_is_gone_with_its_entrances_still_there(api: Api) -> None:
    club = LoyaltyClient(api)
    segment = await club.create_segment("large")
    rule = await club.create_rule(await club.create_program("large"), segment)
    key, at = ObjectId(segment[4:]), api.services.now().at
    api.database.retainedEntrances.insert_many(
        {"segmentId": key, "customerId": ObjectId(), "enteredAt": at} for _ in range(MANY_EVENTS)
    )
    await club.delete_rule(rule)
    before = await last_oplog_time(api)
    payload = await api.fetch(DELETE_SEGMENT, id=segment)
    assert payload == {"deletedId": segment, "userErrors": []}

    assert await count_operations_since(api, before) < 20
    assert api.database.retainedEntrances.count_documents({"segmentId": key}) == MANY_EVENTS
    assert await api.fetch(COUNT, id=segment) is None
    assert await club.create_segment("large") != segment


async def last_oplog_time(api: Api) -> Any:
    oplog = api.database.client["local"]["oplog.rs"]
    (last,) = oplog.find().sort("$natural", -1).limit(1)
    return last["ts"]


async def count_operations_since(api: Api, after: Any) -> int:
    """Returns the number of rows of this database that were written since."""
    oplog = api.database.client["local"]["oplog.rs"]
    number = 0
    for entry in oplog.find({"ts": {"$gt": after}, "op": {"$ne": "n"}}):
        inner = entry["o"].get("applyOps", [entry])
        namespace_prefix = f"{api.database.name}."
        namespaces = [
            operation["ns"] for operation in inner if operation["ns"].startswith(namespace_prefix)
        ]
        number += len(
            [ns for ns in namespaces if ns.partition(".")[2] not in ("workers", "leases")]
        )
    return number


async def test_an_order_of_a_large_customer_is_not_recounted(api: Api) -> None:
    """A change of any order reads a few rows only."""
    id_ = await api.upsert("guest")
    number, now = 3 * order_totals.MAX_ORDERS_TO_RECOUNT, api.services.now().at
    rows = [
        {
            "sourceId": f"guest {n}",
            "customer": {"id": id_},
            "amount": n,
            "at": (now - timedelta(minutes=n)).isoformat(),
        }
        for n in range(number)
    ]
    await api.bulk_upsert("ordersUpsert", rows)
    database = api.database
    database.command("profile", 2)
    try:
        for n in (0, number // 2, number - 1):
            for change in (
                {"status": "FULFILLED"},
                {"amount": 5},
                {"status": "CANCELED"},
                {"status": "PAID"},
                {"customer": {"sourceId": "another guest"}},
            ):
                row = {**rows[n], **change}
                assert (await api.bulk_upsert("ordersUpsert", [row]))["refused"] == []
    finally:
        database.command("profile", 0)
    profile = database["system.profile"].find({"ns": f"{database.name}.orders"})
    examined = [op.get("keysExamined", 0) + op.get("docsExamined", 0) for op in profile]
    assert examined
    assert max(examined) < 30
    orders = api.read_customer_document("guest")["orders"]
    left = [n for n in range(number) if n not in (0, number // 2, number - 1)]
    assert orders["totalCount"] == len(left)
    assert orders["totalAmount"] == sum(left)
    assert (orders["lastOrderAmount"], orders["lastOrderAt"]) == (1, now - timedelta(minutes=1))
    assert orders["firstOrderAt"] == now - timedelta(minutes=number - 2)
