"""Orders told again in part: a field that is left out keeps its stored value."""

from typing import Any

import pytest

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPSERT = (
    "mutation($rows: [OrderInput!]!) { ordersUpsert(inputs: $rows)"
    " { accepted userErrors { code path message } } }"
)
AT = "2026-01-02T03:04:05Z"


async def test_what_is_left_out_of_a_later_call_stays(api: Api) -> None:
    who = {"sourceId": "partial"}
    told = _row("partial", who, amount=700, status="FULFILLED", at=AT, metadata={"a": 1, "b": 2})
    assert await api.many("ordersUpsert", [told]) == {"accepted": 1, "refused": []}
    stored = _order(api, "partial")
    version = api.stored("partial")["version"]

    assert (await api.many("ordersUpsert", [_row("partial", who)]))["accepted"] == 1
    assert _order(api, "partial") == stored
    assert api.stored("partial")["version"] == version, "nothing was told that is new"

    for sent, changed in (
        ({"status": "CANCELED"}, {"status": "CANCELED"}),
        ({"amount": 650}, {"amount": 650}),
        ({"metadata": {"a": None, "c": 3}}, {"metadata": {"b": 2, "c": 3}}),
        ({"status": "PAID"}, {"status": "PAID"}),
        ({"at": None}, {}),
        ({"metadata": None}, {"metadata": {}}),
    ):
        stored |= changed
        answer = await api.many("ordersUpsert", [_row("partial", who, **sent)])
        assert (answer, _order(api, "partial")) == ({"accepted": 1, "refused": []}, stored), sent
    assert (await api.customer("partial", "orders { totalCount totalAmount lastOrderAt }")) == {
        "orders": {"totalCount": 1, "totalAmount": 650, "lastOrderAt": AT}
    }


async def test_a_new_order_is_paid_and_of_now_and_needs_an_amount(api: Api) -> None:
    who = {"sourceId": "fresh"}
    answer = await api.ask(UPSERT, rows=[_row("fresh", who, status="PAID")])
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

    assert (await api.many("ordersUpsert", [_row("fresh", who, amount=0)]))["accepted"] == 1
    order = _order(api, "fresh")
    assert (order["status"], order["amount"], order["metadata"]) == ("PAID", 0, {})
    assert order["at"] == api.stored("fresh")["updatedAt"]


async def test_rows_of_one_call_follow_each_other(api: Api) -> None:
    who = {"sourceId": "rows"}
    rows = [
        _row("later", who, status="CANCELED"),
        _row("later", who, amount=5, status="CREATED"),
        _row("later", who, status="PAID"),
        _row("later", who, metadata={"a": 1}),
        _row("never", who),
    ]
    answer = await api.many("ordersUpsert", rows)
    assert answer["accepted"] == 3
    assert answer["refused"] == ["INVALID inputs 0 amount", "INVALID inputs 4 amount"]
    order = _order(api, "later")
    assert (order["status"], order["amount"], order["metadata"]) == ("PAID", 5, {"a": 1})
    assert api.stored("rows")["orders"]["totalAmount"] == 5


async def test_an_order_moves_with_all_that_it_has(api: Api) -> None:
    old, new = {"sourceId": "old owner"}, {"sourceId": "new owner"}
    told = _row("moved", old, amount=70, status="FULFILLED", at=AT, metadata={"a": 1})
    await api.many("ordersUpsert", [told])
    stored = _order(api, "moved")

    assert (await api.many("ordersUpsert", [_row("moved", new)]))["accepted"] == 1

    assert _order(api, "moved") == {**stored, "customerId": api.stored("new owner")["_id"]}
    assert api.stored("new owner")["orders"]["totalAmount"] == 70
    assert "orders" not in api.stored("old owner")


async def test_nobody_can_take_an_amount_or_a_status_away(api: Api) -> None:
    who = {"sourceId": "null"}
    await api.many("ordersUpsert", [_row("null", who, amount=1)])
    before = api.dump()
    for name in ("amount", "status"):
        answer = await api.ask(UPSERT, rows=[_row("null", who, **{name: None})])
        assert answer["userErrors"] == [
            {
                "code": "INVALID",
                "path": ["inputs", "0", name],
                "message": f"{name} can't be null; leave it out to keep the stored value",
            }
        ]
    assert api.dump() == before


def _row(key: str, customer: Json, **fields: Any) -> Json:
    return {"sourceId": key, "customer": customer, **fields}


def _order(api: Api, key: str) -> Json:
    """The order as it stands, by itself."""
    found = api.database.orders.find_one({"sourceId": key, "current": True})
    assert found is not None, key
    return {name: found[name] for name in found if name not in ("_id", "since")}
