"""A version of an order that is older than the stored one is accepted and ignored."""

import asyncio
from random import Random
from typing import Any

import pytest

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ = (
    "query($id: String!) { customer(ref: {sourceId: $id}) { timeline { nodes"
    " { ... on Order { sourceId status amount revisedAt metadata } } } } }"
)


def instant(minute: int) -> str:
    return f"2026-01-02T03:{minute:02}:00Z"


def order_input(key: str, customer: str = "reviser", **fields: Any) -> Json:
    return {"sourceId": key, "customer": {"sourceId": customer}, **fields}


async def upsert(api: Api, *rows: Json) -> None:
    result = await api.bulk_upsert("ordersUpsert", list(rows))
    assert result == {"accepted": len(rows), "refused": []}


def read_order(api: Api, key: str) -> Json:
    """Returns the current revision of the order."""
    document: Json | None = api.database.orders.find_one({"sourceId": key, "current": True})
    assert document is not None, key
    return document


async def test_a_late_version_undoes_nothing(api: Api) -> None:
    canceled = order_input("late", amount=5, status="CANCELED", revisedAt=instant(10))
    await upsert(api, canceled)
    before = api.dump()
    stale: Json = {"status": "PAID", "amount": 7, "at": instant(1), "metadata": {"a": 1}}

    await upsert(api, order_input("late", **stale, revisedAt=instant(9)))
    await upsert(api, order_input("late", customer="nobody yet", **stale, revisedAt=instant(9)))
    unknown = {**order_input("late", revisedAt=instant(9)), "customer": {"id": "cus_" + "0" * 24}}
    await upsert(api, unknown)

    assert api.dump() == before


async def test_an_equal_a_newer_and_an_undated_version_count(api: Api) -> None:
    await upsert(api, order_input("counts", amount=1, revisedAt=instant(10)))
    for fields, revised_minute in (
        ({"amount": 2, "revisedAt": instant(10)}, 10),
        ({"amount": 3}, 10),
        ({"amount": 4, "revisedAt": None}, 10),
        ({"amount": 5, "revisedAt": instant(11)}, 11),
        ({"revisedAt": instant(12)}, 12),
    ):
        await upsert(api, order_input("counts", **fields))
        nodes = (await api.fetch(READ, id="reviser"))["timeline"]["nodes"]
        (order,) = [node for node in nodes if node.get("sourceId") == "counts"]
        assert order["amount"] == fields.get("amount", 5), fields
        assert order["revisedAt"] == instant(revised_minute), fields
    await upsert(api, order_input("counts", amount=6, revisedAt=instant(11)))
    assert read_order(api, "counts")["amount"] == 5


async def test_a_version_follows_one_without_an_instant(api: Api) -> None:
    await upsert(api, order_input("undated", amount=1))
    assert "revisedAt" not in read_order(api, "undated")
    await upsert(api, order_input("undated", amount=2, revisedAt="1999-01-01T00:00:00Z"))
    assert read_order(api, "undated")["amount"] == 2


async def test_rows_of_one_call_are_compared_with_each_other(api: Api) -> None:
    await upsert(
        api,
        order_input("bulk", amount=1, revisedAt=instant(5)),
        order_input("bulk", status="CANCELED", revisedAt=instant(9)),
        order_input("bulk", status="PAID", revisedAt=instant(7)),
        order_input("bulk", metadata={"a": 1}, revisedAt=instant(9)),
    )
    order = read_order(api, "bulk")
    assert (order["status"], order["amount"], order["metadata"]) == ("CANCELED", 1, {"a": 1})
    assert api.database.orders.count_documents({"sourceId": "bulk"}) == 1


async def test_a_moved_order_keeps_its_instant(api: Api) -> None:
    await upsert(api, order_input("moved", "giver", amount=5, revisedAt=instant(10)))
    await upsert(api, order_input("moved", "taker"))
    before = api.dump()

    await upsert(api, order_input("moved", "giver", amount=9, revisedAt=instant(9)))

    assert api.dump() == before
    taker = api.read_customer_document("taker")
    assert read_order(api, "moved")["customerId"] == taker["_id"]
    assert taker["orders"]["totalAmount"] == 5


async def test_an_instant_far_ahead_is_refused(api: Api) -> None:
    """It would shut out every later version."""
    row = order_input("ahead", amount=1, revisedAt="2999-01-01T00:00:00Z")
    answer = await api.bulk_upsert("ordersUpsert", [row])
    assert answer == {"accepted": 0, "refused": ["INVALID inputs 0 revisedAt"]}


async def test_the_newest_of_many_calls_at_once_stays(api: Api) -> None:
    await upsert(api, order_input("raced", "racer 0", amount=0))
    minutes = Random(1).sample(range(40), 40)
    await asyncio.gather(
        *(
            upsert(
                api,
                order_input(
                    "raced", f"racer {minute % 3}", amount=minute, revisedAt=instant(minute)
                ),
            )
            for minute in minutes
        )
    )
    order = read_order(api, "raced")
    assert order["amount"] == 39
    owners = [api.database.customers.find_one({"sourceId": f"racer {n}"}) for n in range(3)]
    totals = {
        owner["_id"]: owner["orders"]["totalAmount"]
        for owner in owners
        if owner and "orders" in owner
    }
    assert totals == {order["customerId"]: 39}
