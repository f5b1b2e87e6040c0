"""The summary of a customer equals the totals of its orders and events after any upserts."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.inputs import CustomerRef
from app.services import order_totals
from tests.api import Api, Json
from tests.services.shop_model import ShopModel, rows_at_version

pytestmark = pytest.mark.asyncio(loop_scope="module")

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
STATUSES = ["CREATED", "PAID", "FULFILLED", "CANCELED"]
AMOUNTS = [0, 1, 5, 5, 100, -3, 2**62, 2**62, -(2**62), 2**63 - 1]

ITEMS = [
    {"sku": "a", "amount": 5, "quantity": 2, "metadata": {"size": 38}},
    {"sku": "b", "amount": -5, "category": "shoes"},
    {"sku": "b", "amount": 2**62, "name": "Boots"},
    {"sku": "c", "amount": 0},
]


class ActivityGenerator:
    """Sends random rows with few different customers, orders, instants and keys, so that many
    collide."""

    def __init__(self, random_seed: int, shop_model: ShopModel) -> None:
        self._random = random.Random(random_seed)
        self._shop_model = shop_model
        self._name = f"s{random_seed}"

    def random_action(self) -> str:
        return self._random.choices(["orders", "events", "delete"], [6, 4, 1])[0]

    def random_known_customer(self) -> str | None:
        return self._random.choice(sorted(self._shop_model.ids)) if self._shop_model.ids else None

    def random_orders(self, now: datetime) -> list[Json]:
        return [self._order(now) for _ in range(self._random.randint(1, 6))]

    def random_events(self, now: datetime) -> list[Json]:
        return [self._event(now) for _ in range(self._random.randint(1, 6))]

    def _order(self, now: datetime) -> Json:
        row = {
            "sourceId": f"{self._name}-order{self._random.randrange(8)}",
            "customer": self._ref(),
            "amount": self._random.choice(AMOUNTS),
            "status": self._random.choice(STATUSES),
            "at": self._at(now),
            "metadata": self._random.choice([None, {"a": 1}, {"a": True}, {"a": None}, {"b": [1]}]),
            "items": self._random.choice([None, [], ITEMS[:1], ITEMS[:3], ITEMS]),
        }
        return self._omit_some_fields(row, "amount", "status", "at", "metadata", "items")

    def _event(self, now: datetime) -> Json:
        row = {
            "customer": self._ref(),
            "name": self._random.choice(["seen", "bought.it", "$%2E", "order", "order.item"]),
            "at": self._at(now),
            "properties": {"n": 1},
            "idempotencyKey": f"{self._name}-key{self._random.randrange(15)}",
        }
        return self._omit_some_fields(row, "at", "properties", "idempotencyKey")

    def _omit_some_fields(self, row: Json, *keys: str) -> Json:
        omitted = {key for key in keys if self._random.random() < 0.3}
        return {key: v for key, v in row.items() if key not in omitted and v is not None}

    def _ref(self) -> Json:
        if self._shop_model.ids and self._random.random() < 0.4:
            return {
                "id": self._random.choice(
                    [*sorted(self._shop_model.ids.values()), "cus_" + "0" * 24]
                )
            }
        return {"sourceId": f"{self._name}-customer{self._random.randrange(4)}"}

    def _at(self, now: datetime) -> str:
        minutes = self._random.choice([-90, -60, -60, -1, 0, 4, 5, 6])
        return (now + timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize("max_recounted", [0, 100])
@pytest.mark.parametrize("seed", range(6))
async def test_random_activity_agrees_with_the_model(
    api: Api, seed: int, max_recounted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with totals that are updated by difference, as for customers with many orders."""
    monkeypatch.setattr(order_totals, "MAX_ORDERS_TO_RECOUNT", max_recounted)
    shop, seed = ShopModel(), seed + 10 * max_recounted
    caller = ActivityGenerator(seed, shop)
    for step in range(50):
        now = START + timedelta(minutes=step // 3)
        match caller.random_action():
            case "orders":
                rows = caller.random_orders(now)
                taken = (await api.services.orders.upsert(rows, now)).accepted
                assert taken == shop.upsert_orders(rows, now), rows
            case "events":
                rows = caller.random_events(now)
                taken = (await api.services.events.track(rows, now)).accepted
                assert taken == shop.track_events(rows, now), rows
            case _:
                if gone := caller.random_known_customer():
                    await api.services.customers.delete(CustomerRef.by_source_id(gone))
                    shop.delete_customer(gone)
        assert_documents_agree(api, shop, f"s{seed}-")
    assert_states_agree(api, shop)


def assert_documents_agree(api: Api, shop_model: ShopModel, prefix: str) -> None:
    """Asserts that each document equals the model, and the totals of the stored rows."""
    documents = list(api.database.customers.find({"sourceId": {"$regex": f"^{prefix}"}}))
    assert {document["sourceId"] for document in documents} == set(shop_model.versions)
    for document in documents:
        name = document["sourceId"]
        shop_model.ids[name] = f"cus_{document['_id']}"
        assert document["version"] == shop_model.versions[name]
        assert document.get("orders") == shop_model.order_summary(name)
        assert document.get("events", {}) == keyed_by_event_name(shop_model.event_summaries(name))
        assert aggregate_orders(api, document["_id"]) == order_totals_of(document.get("orders"))
        assert aggregate_events(api, document["_id"]) == document.get("events", {})
    known_customers = {*api.database.customers.distinct("_id")}
    known_customers |= {*api.database.customerTombstones.distinct("_id")}
    for rows in (api.database.orders, api.database.events):
        assert set(rows.distinct("customerId")) <= known_customers


def assert_states_agree(api: Api, shop_model: ShopModel) -> None:
    """Asserts that each version of a customer includes exactly the rows of its time."""
    assert shop_model.states
    for (name, version), (orders, events) in shop_model.states.items():
        customer = {"customerId": api.read_customer_document(name)["_id"]}
        rows_then = list(rows_at_version(list(api.database.orders.find(customer)), version))
        assert {row["sourceId"]: order_fields(row) for row in rows_then} == orders
        assert len(rows_then) == len(orders)
        tracked = rows_at_version(list(api.database.events.find(customer)), version)
        assert sorted((row["name"], row["at"]) for row in tracked) == events


def order_fields(row: Mapping[str, Any]) -> tuple[Any, ...]:
    metadata = repr(sorted(row["metadata"].items()))
    return row["status"], row["amount"], row["at"], metadata, repr(row.get("items", []))


def keyed_by_event_name(counts: Json) -> Json:
    return {
        name.replace("%", "%25").replace(".", "%2E").replace("$", "%24"): count
        for name, count in counts.items()
    }


def aggregate_orders(api: Api, customer: object) -> Json | None:
    """Returns the order totals that MongoDB computes from the rows."""
    counted_orders = {
        "customerId": customer,
        "current": True,
        "status": {"$in": ["PAID", "FULFILLED"]},
    }
    group = {
        "_id": None,
        "totalCount": {"$sum": 1},
        "totalAmount": {"$sum": "$amount"},
        "firstOrderAt": {"$min": "$at"},
        "lastOrderAt": {"$max": "$at"},
    }
    found = api.database.orders.aggregate([{"$match": counted_orders}, {"$group": group}])
    return order_totals_of(next(found, None))


def order_totals_of(orders: Json | None) -> Json | None:
    keys = ("totalCount", "totalAmount", "firstOrderAt", "lastOrderAt")
    return None if orders is None else {key: orders[key] for key in keys}


def aggregate_events(api: Api, customer: object) -> Json:
    group = {
        "_id": "$name",
        "count": {"$sum": 1},
        "firstAt": {"$min": "$at"},
        "lastAt": {"$max": "$at"},
    }
    found = api.database.events.aggregate([{"$match": {"customerId": customer}}, {"$group": group}])
    return keyed_by_event_name({row.pop("_id"): row for row in found})


async def test_orders_and_events_at_once_are_all_counted_once(api: Api) -> None:
    who = {"sourceId": "crowded"}
    calls = [
        call
        for n in range(15)
        for call in (
            api.bulk_upsert("ordersUpsert", [_order("same", n, who), _order(f"own{n}", 1, who)]),
            api.bulk_upsert(
                "eventsTrack", [_event(f"key{n % 5}", who), _event(f"key{n % 7}", who)]
            ),
            api.bulk_upsert("customersUpsert", [{**who, "metadata": {f"k{n}": n}}]),
        )
    ]
    answers = await asyncio.gather(*calls)

    assert [answer["refused"] for answer in answers] == [[]] * 45
    document = api.read_customer_document("crowded")
    events = list(api.database.events.find({"customerId": document["_id"]}))
    current = list(api.database.orders.find({"customerId": document["_id"], "current": True}))
    assert sorted(event["idempotencyKey"] for event in events) == [f"key{n}" for n in range(7)]
    assert document["events"]["seen"]["count"] == 7
    assert Counter(order["sourceId"] for order in current) == Counter(
        ["same", *(f"own{n}" for n in range(15))]
    )
    assert document["orders"]["totalCount"] == 16
    assert document["orders"]["totalAmount"] == sum(order["amount"] for order in current)
    assert document["metadata"] == {f"k{n}": n for n in range(15)}
    ended = api.database.orders.find({"customerId": document["_id"], "sourceId": "same"})
    spans = sorted((row["sinceVersion"], row.get("untilVersion")) for row in ended)
    assert [until for _, until in spans] == [*(since for since, _ in spans[1:]), None]


async def test_an_order_moved_about_by_many_is_with_one_in_the_end(api: Api) -> None:
    await asyncio.gather(
        *(
            api.bulk_upsert("ordersUpsert", [_order("wanderer", 7, {"sourceId": f"host{n % 3}"})])
            for n in range(18)
        )
    )
    hosts = [api.read_customer_document(f"host{n}") for n in range(3)]
    (current,) = api.database.orders.find({"sourceId": "wanderer", "current": True})
    for host in hosts:
        is_with = host["_id"] == current["customerId"]
        assert host.get("orders", {}).get("totalAmount") == (7 if is_with else None)


def _order(key: str, amount: int, customer: Json, **fields: Any) -> Json:
    return {"sourceId": key, "customer": customer, "amount": amount, **fields}


def _event(key: str | None, customer: Json, **fields: Any) -> Json:
    return {"customer": customer, "name": "seen", "idempotencyKey": key, **fields}


async def test_a_total_beyond_64_bits_is_refused_and_writes_nothing(api: Api) -> None:
    rich = {"sourceId": "rich"}
    await api.bulk_upsert(
        "ordersUpsert", [_order("big", 2**63 - 6, rich), _order("refund", -5, rich)]
    )
    await api.bulk_upsert("ordersUpsert", [_order("more", 10, rich)])
    before = api.dump()
    for row in (
        _order("one", 1, rich),
        _order("refund", -5, rich, status="CANCELED"),
        _order("refund", -5, {"sourceId": "somebody else"}),
        _order("more", 11, rich),
    ):
        answer = await api.bulk_upsert("ordersUpsert", [row])
        assert answer == {"accepted": 0, "refused": ["INVALID inputs 0 amount"]}, row
    assert api.dump() == before
    assert before["customers"]

    both = [_order("one", 1, rich), _order("small", -1, rich), _order("one", 1, rich)]
    answer = await api.bulk_upsert("ordersUpsert", both)
    assert answer == {"accepted": 2, "refused": ["INVALID inputs 0 amount"]}
    assert (await api.fetch_customer("rich", "orders { totalAmount }")) == {
        "orders": {"totalAmount": 2**63 - 1}
    }


async def test_slightly_future_instants_become_now_and_later_ones_are_rejected(api: Api) -> None:
    now = START
    who = {"sourceId": "early"}
    limit, beyond = now + timedelta(minutes=5), now + timedelta(minutes=5, milliseconds=1)
    rows = [_event(None, who, at=at.isoformat()) for at in (limit, beyond)]
    result = await api.services.events.track(rows, now)
    assert (result.accepted, [problem.path for problem in result.problems]) == (
        1,
        [("inputs", "1", "at")],
    )
    orders = [_order("early1", 1, who, at=limit.isoformat())]
    orders.append(_order("early2", 1, who, at=beyond.isoformat()))
    result = await api.services.orders.upsert(orders, now)
    assert [problem.path for problem in result.problems] == [("inputs", "1", "at")]
    document = api.read_customer_document("early")
    assert document["events"]["seen"] == {"count": 1, "firstAt": now, "lastAt": now}
    assert document["orders"]["lastOrderAt"] == now
    assert document["version"] == 2


async def test_a_project_has_a_thousand_names_of_events(api: Api) -> None:
    room = 1_000 - len(event_names(api))
    rows = [{"customer": {"sourceId": "namer"}, "name": f"name {n:04}"} for n in range(1_000)]
    assert (await api.bulk_upsert("eventsTrack", rows[:500]))["accepted"] == 500
    assert await api.bulk_upsert("eventsTrack", rows) == {
        "accepted": room,
        "refused": [f"TOO_MANY inputs {n} name" for n in range(room, 1_000)],
    }
    assert len(event_names(api)) == 1_000
    assert api.read_customer_document("namer")["events"]["name 0499"]["count"] == 2


def event_names(api: Api) -> set[str]:
    return set(api.database.eventNames.distinct("_id"))


async def test_rejected_rows_add_no_event_names(api: Api) -> None:
    before = event_names(api)
    rows = [
        {"customer": {"sourceId": "x"}, "name": "future", "at": "2999-01-01T00:00:00Z"},
        {"customer": {"id": "cus_" + "0" * 24}, "name": "nobody's"},
    ]
    answer = await api.bulk_upsert("eventsTrack", rows)
    assert answer["refused"] == ["INVALID inputs 0 at", "NOT_FOUND inputs 1 customer id"]
    assert event_names(api) == before


async def test_deleting_a_customer_ends_all_of_it(api: Api) -> None:
    id_ = await api.upsert("leaver")
    who = {"id": id_}
    await api.bulk_upsert("eventsTrack", [_event("leaver's", who)] * 2)
    await api.bulk_upsert("ordersUpsert", [_order("leaver's", 1, who), _order("leaver's", 2, who)])
    await api.bulk_upsert("ordersUpsert", [_order("leaver's", 3, who)])
    create = "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in) { segment { id } } }"
    definition = {"name": "of the leaver", "definition": {"customers": [who]}}
    await api.fetch(create, **{"in": definition})
    await api.fetch(
        "mutation($ref: CustomerRef!) { customerDelete(customer: $ref) { deletedId } }",
        ref=who,
    )
    key = id_.removeprefix("cus_")
    left = {name: rows for name, rows in api.dump().items() if key in str(rows)}
    # The sweeper removes these once the engine has processed the deletion.
    assert left.keys() == {"events", "orders", "members", "customerTombstones"}
    # The keys are free again.
    assert (await api.bulk_upsert("eventsTrack", [_event("leaver's", {"sourceId": "heir"})]))[
        "accepted"
    ] == 1
    assert api.read_customer_document("heir")["events"]["seen"]["count"] == 1


async def test_the_timeline_pages_through_all_newest_first(api: Api) -> None:
    who = {"sourceId": "storied"}
    moments = [(START + timedelta(minutes=n // 3)).isoformat() for n in range(20)]
    await api.bulk_upsert("eventsTrack", [_event(None, who, at=at) for at in moments])
    await api.bulk_upsert(
        "ordersUpsert", [_order(f"story{n}", n, who, at=at) for n, at in enumerate(moments)]
    )
    after, seen = None, []
    while True:
        page = await api.fetch(
            'query($after: String) { customer(ref: {sourceId: "storied"}) {'
            " timeline(first: 7, after: $after) { pageInfo { hasNextPage endCursor }"
            " nodes { ... on CustomEvent { id at } ... on Order { id at } } } } }",
            after=after,
        )
        seen += page["timeline"]["nodes"]
        after = page["timeline"]["pageInfo"]["endCursor"]
        if not page["timeline"]["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len({entry["id"] for entry in seen}) == 40
    assert [entry["at"] for entry in seen] == sorted((e["at"] for e in seen), reverse=True)
