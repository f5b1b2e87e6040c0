"""Conditions on orders and their items, by the pipeline and by the evaluator, after random writes:
partial upserts, changes of status, orders that move to another customer, deleted customers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import strategies as st

from app.domain.inputs import CustomerRef
from tests.api import Api, Json
from tests.random_cases import draw
from tests.services.shop_model import ShopModel, StoredOrder

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = 100
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
FROM = START - timedelta(minutes=60)
TO = START - timedelta(minutes=1)
CUSTOMERS = ("ann", "bob", "eve")
ORDERS = ("o1", "o2", "o3", "o4")

Orders = Sequence[StoredOrder]


@dataclass(frozen=True)
class Case:
    """A filter, and the counting orders that it selects."""

    filter: Json
    holds: Callable[[Orders], bool]


def _attribute(path: str, operator: str, value: Any) -> Json:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


def _event(*where: tuple[str, str, Any], **parameters: Any) -> Json:
    wheres = [{"path": path, "operator": operator, "value": v} for path, operator, v in where]
    return {"event": {"name": "order", "where": wheres, **parameters}}


def _item(*where: tuple[str, str, Any], **parameters: Any) -> Json:
    condition = _event(*where, **parameters)
    return {"event": {**condition["event"], "name": "order.item"}}


def items_of(orders: Orders) -> list[Json]:
    return [item for order in orders for item in order.items]


def has_numeric_one(order: StoredOrder) -> bool:
    """Whether the value is the number 1; true is not."""
    return order.metadata.get("a") is not True and order.metadata.get("a") == 1


def last_amount(orders: Orders) -> int | None:
    last_order = max(orders, key=lambda order: (order.at, order.write_number), default=None)
    return None if last_order is None else last_order.amount


CASES = {
    "two orders": Case(
        _attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 2), lambda orders: len(orders) >= 2
    ),
    "no order": Case(_attribute("events.order.count", "IS", 0), lambda orders: not orders),
    "more than 5 in all": Case(
        _attribute("orders.totalAmount", "GREATER_THAN", 5),
        lambda orders: sum(order.amount for order in orders) > 5,
    ),
    "the last of 5": Case(
        _attribute("orders.lastOrderAmount", "IS", 5), lambda orders: last_amount(orders) == 5
    ),
    "the first before": Case(
        _attribute("events.order.firstAt", "BEFORE", TO.isoformat()),
        lambda orders: any(order.at < TO for order in orders),
    ),
    "fulfilled": Case(
        _event(("status", "IS", "FULFILLED")),
        lambda orders: any(order.status == "FULFILLED" for order in orders),
    ),
    "canceled counts never": Case(_event(("status", "IS", "CANCELED")), lambda _: False),
    "not paid twice": Case(
        {"none": [_event(("status", "IS", "PAID"), value=2)]},
        lambda orders: sum(order.status == "PAID" for order in orders) < 2,
    ),
    "10 with the large ones": Case(
        _event(
            ("amount", "GREATER_THAN_OR_EQUAL", 5),
            aggregate={"function": "SUM", "property": "amount"},
            value=10,
        ),
        lambda orders: sum(order.amount for order in orders if order.amount >= 5) >= 10,
    ),
    "metadata": Case(_event(("a", "IS", 1)), lambda orders: any(map(has_numeric_one, orders))),
    "in a window": Case(
        _event(within={"between": {"from": FROM.isoformat(), "to": TO.isoformat()}}),
        lambda orders: any(FROM <= order.at <= TO for order in orders),
    ),
    "three items": Case(_item(value=3), lambda orders: len(items_of(orders)) >= 3),
    "no item": Case(_item(operator="IS", value=0), lambda orders: not items_of(orders)),
    "shoes twice": Case(
        _item(("category", "IS", "shoes"), value=2),
        lambda orders: sum(item.get("category") == "shoes" for item in items_of(orders)) >= 2,
    ),
    "dear shoes, in one item": Case(
        _item(("category", "IS", "shoes"), ("amount", "GREATER_THAN_OR_EQUAL", 5)),
        lambda orders: any(
            item.get("category") == "shoes" and item["amount"] >= 5 for item in items_of(orders)
        ),
    ),
    "no shoes": Case(
        {"none": [_item(("category", "IS", "shoes"))]},
        lambda orders: not any(item.get("category") == "shoes" for item in items_of(orders)),
    ),
    "an item that is no shoe": Case(
        _item(("category", "IS_NOT", "shoes")),
        lambda orders: any(item.get("category") != "shoes" for item in items_of(orders)),
    ),
    "spent 10 on shoes": Case(
        _item(
            ("category", "IS", "shoes"),
            aggregate={"function": "SUM", "property": "amount"},
            value=10,
        ),
        lambda orders: (
            sum(item["amount"] for item in items_of(orders) if item.get("category") == "shoes")
            >= 10
        ),
    ),
    "two products": Case(
        _item(aggregate={"function": "DISTINCT_COUNT", "property": "sku"}, value=2),
        lambda orders: len({item["sku"] for item in items_of(orders)}) >= 2,
    ),
    "an item in a window": Case(
        _item(within={"between": {"from": FROM.isoformat(), "to": TO.isoformat()}}),
        lambda orders: any(order.items for order in orders if FROM <= order.at <= TO),
    ),
    "metadata of an item": Case(
        _item(("size", "IS", 38)),
        lambda orders: any(item.get("metadata", {}).get("size") == 38 for item in items_of(orders)),
    ),
    "items of one order": Case(
        _item(("orderSourceId", "ENDS_WITH", "o1"), value=2),
        lambda orders: any(
            len(order.items) >= 2 for order in orders if order.source_id.endswith("o1")
        ),
    ),
}

_order_times = st.sampled_from([-61, -60, -30, -1, 0]).map(
    lambda minutes: (START + timedelta(minutes=minutes)).isoformat()
)
_items = st.fixed_dictionaries(
    {"sku": st.sampled_from(["a", "b", "c"]), "amount": st.sampled_from([-5, 0, 4, 5, 10])},
    optional={
        "category": st.sampled_from(["shoes", "Shoes", "books"]),
        "quantity": st.sampled_from([1, 2]),
        "metadata": st.sampled_from([{"size": 38}, {"size": "38"}]),
    },
)
# 0 to 20 items, mostly few.
_item_lists = st.sampled_from([0, 0, 1, 1, 2, 3, 20]).flatmap(
    lambda size: st.lists(_items, min_size=size, max_size=size)
)
_order_rows = st.fixed_dictionaries(
    {"sourceId": st.sampled_from(ORDERS), "customer": st.sampled_from(CUSTOMERS)},
    optional={
        "amount": st.sampled_from([-3, 0, 1, 5, 10]),
        "status": st.sampled_from(["CREATED", "PAID", "FULFILLED", "CANCELED"]),
        "at": _order_times,
        "metadata": st.sampled_from([{"a": 1}, {"a": True}, {"a": None}, {"b": 1}]),
        "items": _item_lists,
    },
)
# An upsert of some rows, or the sourceId of a customer to delete.
_write_sequences = st.lists(
    st.one_of(st.lists(_order_rows, min_size=1, max_size=5), st.sampled_from(CUSTOMERS)),
    min_size=1,
    max_size=8,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def segments(api: Api) -> dict[str, str]:
    """The ids of passive segments, by the name of the case."""
    create = (
        "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in)"
        " { segment { id } userErrors { message } } }"
    )
    ids = {}
    for name, case in CASES.items():
        definition = {"name": name, "definition": {"filter": case.filter}}
        payload = await api.fetch(create, **{"in": definition})
        assert not payload["userErrors"], (name, payload)
        ids[name] = payload["segment"]["id"]
    return ids


@pytest.mark.timeout(600)
async def test_pipeline_and_evaluator_agree_with_the_model(
    api: Api, segments: dict[str, str]
) -> None:
    answers: dict[tuple[str, bool], int] = {}

    for steps in draw(_write_sequences, EXAMPLES):
        shop, prefix = ShopModel(), uuid4().hex
        await apply_writes(api, shop, prefix, steps)
        members = await members_by_pipeline(api, prefix)
        for customer in shop.versions:
            orders = shop.counted_orders(customer)
            wanted = {name: case.holds(orders) for name, case in CASES.items()}
            assert {name: customer in found for name, found in members.items()} == wanted, steps
            assert await memberships_by_evaluator(api, customer) == wanted, steps
            for name, held in wanted.items():
                answers[name, held] = answers.get((name, held), 0) + 1
    missing = {name for name in CASES for held in (True, False) if answers.get((name, held), 0) < 1}
    assert missing == {"canceled counts never"}, answers


async def apply_writes(
    api: Api, shop_model: ShopModel, prefix: str, writes: Sequence[list[Json] | str]
) -> None:
    """Applies the writes to the program and to the model."""
    for minute, write in enumerate(writes):
        now = START + timedelta(minutes=minute)
        if isinstance(write, str):
            if (name := f"{prefix} {write}") in shop_model.versions:
                await api.services.customers.delete(CustomerRef.by_source_id(name))
                shop_model.ids.setdefault(name, name)
                shop_model.delete_customer(name)
            continue
        rows = [
            {
                **row,
                "sourceId": f"{prefix} {row['sourceId']}",
                "customer": {"sourceId": f"{prefix} {row['customer']}"},
            }
            for row in write
        ]
        accepted = (await api.services.orders.upsert(rows, now)).accepted
        assert accepted == shop_model.upsert_orders(rows, now), writes


async def members_by_pipeline(api: Api, prefix: str) -> dict[str, set[str]]:
    """Returns the members of each segment by the pipeline."""
    query = "{ segments(first: 50) { nodes { name members(first: 1000) { nodes { sourceId } } } } }"
    return {
        segment["name"]: {
            member["sourceId"]
            for member in segment["members"]["nodes"]
            if member["sourceId"].startswith(prefix)
        }
        for segment in (await api.fetch(query))["nodes"]
    }


async def memberships_by_evaluator(api: Api, customer: str) -> dict[str, bool]:
    """Returns the segments of one customer by the in-process evaluator."""
    query = (
        "query($id: String!) { segmentMembership(customer: {sourceId: $id})"
        " { isMember segment { name } } }"
    )
    memberships = await api.fetch(query, id=customer)
    return {membership["segment"]["name"]: membership["isMember"] for membership in memberships}
