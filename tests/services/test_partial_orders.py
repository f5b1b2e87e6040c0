"""An upsert of an order keeps the stored value of each field that it leaves out."""

from typing import Any

import pytest

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPSERT = (
    "mutation($rows: [OrderInput!]!) { ordersUpsert(inputs: $rows)"
    " { accepted userErrors { code path message } } }"
)
AT = "2026-01-02T03:04:05Z"


async def test_a_later_call_keeps_the_fields_it_leaves_out(api: Api) -> None:
    who = {"sourceId": "partial"}
    told = order_input(
        "partial", who, amount=700, status="FULFILLED", at=AT, metadata={"a": 1, "b": 2}
    )
    assert await api.bulk_upsert("ordersUpsert", [told]) == {"accepted": 1, "refused": []}
    stored = read_order(api, "partial")
    version = api.read_customer_document("partial")["version"]

    assert (await api.bulk_upsert("ordersUpsert", [order_input("partial", who)]))["accepted"] == 1
    assert read_order(api, "partial") == stored
    assert api.read_customer_document("partial")["version"] == version, (
        "nothing was told that is new"
    )

    for sent, changed in (
        ({"status": "CANCELED"}, {"status": "CANCELED"}),
        ({"amount": 650}, {"amount": 650}),
        ({"metadata": {"a": None, "c": 3}}, {"metadata": {"b": 2, "c": 3}}),
        ({"status": "PAID"}, {"status": "PAID"}),
        ({"at": None}, {}),
        ({"metadata": None}, {"metadata": {}}),
    ):
        stored |= changed
        answer = await api.bulk_upsert("ordersUpsert", [order_input("partial", who, **sent)])
        assert (answer, read_order(api, "partial")) == ({"accepted": 1, "refused": []}, stored), (
            sent
        )
    assert (
        await api.fetch_customer("partial", "orders { totalCount totalAmount lastOrderAt }")
    ) == {"orders": {"totalCount": 1, "totalAmount": 650, "lastOrderAt": AT}}


async def test_a_new_order_needs_an_amount_and_defaults_to_paid_now(api: Api) -> None:
    who = {"sourceId": "fresh"}
    answer = await api.fetch(UPSERT, rows=[order_input("fresh", who, status="PAID")])
    assert answer == {
        "accepted": 0,
        "userErrors": [
            {
                "code": "INVALID",
                "path": ["inputs", "0", "amount"],
                "message": "No order has the sourceId 'fresh' yet, and a new order needs an amount;"
                " add it, in minor units (cents).",
            }
        ],
    }
    assert api.database.customers.find_one({"sourceId": "fresh"}) is None

    assert (await api.bulk_upsert("ordersUpsert", [order_input("fresh", who, amount=0)]))[
        "accepted"
    ] == 1
    order = read_order(api, "fresh")
    assert (order["status"], order["amount"], order["metadata"]) == ("PAID", 0, {})
    assert order["at"] == api.read_customer_document("fresh")["updatedAt"]


async def test_rows_of_one_call_follow_each_other(api: Api) -> None:
    who = {"sourceId": "rows"}
    rows = [
        order_input("later", who, status="CANCELED"),
        order_input("later", who, amount=5, status="CREATED"),
        order_input("later", who, status="PAID"),
        order_input("later", who, metadata={"a": 1}),
        order_input("never", who),
    ]
    answer = await api.bulk_upsert("ordersUpsert", rows)
    assert answer["accepted"] == 3
    assert answer["refused"] == ["INVALID inputs 0 amount", "INVALID inputs 4 amount"]
    order = read_order(api, "later")
    assert (order["status"], order["amount"], order["metadata"]) == ("PAID", 5, {"a": 1})
    assert api.read_customer_document("rows")["orders"]["totalAmount"] == 5


async def test_an_order_moves_to_another_customer_with_all_its_fields(api: Api) -> None:
    old, new = {"sourceId": "old owner"}, {"sourceId": "new owner"}
    told = order_input("moved", old, amount=70, status="FULFILLED", at=AT, metadata={"a": 1})
    await api.bulk_upsert("ordersUpsert", [told])
    stored = read_order(api, "moved")

    assert (await api.bulk_upsert("ordersUpsert", [order_input("moved", new)]))["accepted"] == 1

    assert read_order(api, "moved") == {
        **stored,
        "customerId": api.read_customer_document("new owner")["_id"],
    }
    assert api.read_customer_document("new owner")["orders"]["totalAmount"] == 70
    assert "orders" not in api.read_customer_document("old owner")


async def test_amount_and_status_can_not_be_removed(api: Api) -> None:
    who = {"sourceId": "null"}
    await api.bulk_upsert("ordersUpsert", [order_input("null", who, amount=1)])
    before = api.dump()
    for name in ("amount", "status"):
        answer = await api.fetch(UPSERT, rows=[order_input("null", who, **{name: None})])
        assert answer["userErrors"] == [
            {
                "code": "INVALID",
                "path": ["inputs", "0", name],
                "message": f"{name} can't be null; leave it out to keep the stored value",
            }
        ]
    assert api.dump() == before


def order_input(key: str, customer: Json, **fields: Any) -> Json:
    return {"sourceId": key, "customer": customer, **fields}


def read_order(api: Api, key: str) -> Json:
    """Returns the current revision of the order."""
    document = api.database.orders.find_one({"sourceId": key, "current": True})
    assert document is not None, key
    return {name: document[name] for name in document if name not in ("_id", "sinceVersion")}
