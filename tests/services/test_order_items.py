"""Line items of orders: what is stored, given back and refused."""

import json
from typing import Any

import pytest

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPSERT = (
    "mutation($rows: [OrderInput!]!) { ordersUpsert(inputs: $rows)"
    " { accepted userErrors { code path message } } }"
)
ORDER_FIELDS = """... on Order {
  sourceId status items { sku name category quantity amount metadata }
}"""
AT = "2026-01-02T03:04:05Z"
SHOES = {"sku": "shoe-1", "category": "shoes", "amount": 8000}
BOOK = {
    "sku": "book-1",
    "name": "A book",
    "category": "books",
    "quantity": 3,
    "amount": 4500,
    "metadata": {"isbn": "978", "gone": None, "tags": ["new"]},
}


def order(source_id: str, customer: str, **fields: Any) -> Json:
    return {"sourceId": source_id, "customer": {"sourceId": customer}, **fields}


async def upsert(api: Api, *rows: Json) -> Json:
    answer: Json = await api.fetch(UPSERT, rows=list(rows))
    return answer


async def read_items(api: Api, customer: str) -> dict[str, list[Json]]:
    """Returns the items by the sourceId of their order."""
    found = await api.fetch_customer(customer, f"timeline {{ nodes {{ {ORDER_FIELDS} }} }}")
    return {node["sourceId"]: node["items"] for node in found["timeline"]["nodes"]}


def item_count(api: Api, customer: str) -> int:
    """Returns the number of items in the summary of the customer."""
    count: int = api.read_customer_document(customer).get("orders", {}).get("itemCount", 0)
    return count


async def bought(api: Api, customer: str, name: str = "order.item", **condition: Any) -> bool:
    """Whether the customer meets a condition on items, by the pipeline."""
    query = (
        "query($filter: FilterInput!) { customers(first: 100, filter: $filter)"
        " { nodes { sourceId } } }"
    )
    found = await api.fetch(query, filter={"event": {"name": name, **condition}})
    return customer in {node["sourceId"] for node in found["nodes"]}


async def test_items_are_stored_and_given_back(api: Api) -> None:
    rows = [order("items-1", "items", amount=12_500, at=AT, items=[SHOES, BOOK])]
    assert await upsert(api, *rows) == {"accepted": 1, "userErrors": []}
    assert await read_items(api, "items") == {
        "items-1": [
            {**SHOES, "name": None, "quantity": 1, "metadata": {}},
            {**BOOK, "metadata": {"isbn": "978", "tags": ["new"]}},
        ]
    }
    assert item_count(api, "items") == 2


async def test_left_out_items_stay_and_an_empty_list_removes_them(api: Api) -> None:
    await upsert(api, order("kept-1", "kept", amount=1, at=AT, items=[SHOES]))
    version = api.read_customer_document("kept")["version"]
    assert (await upsert(api, order("kept-1", "kept", items=[SHOES])))["accepted"] == 1
    assert api.read_customer_document("kept")["version"] == version, "the same items change nothing"

    await upsert(api, order("kept-1", "kept", amount=2))
    assert [item["sku"] for item in (await read_items(api, "kept"))["kept-1"]] == ["shoe-1"]

    for empty in ("[]", "null"):
        await upsert(api, order("kept-1", "kept", items=[SHOES, SHOES]))
        assert item_count(api, "kept") == 2
        await upsert(api, order("kept-1", "kept", items=json.loads(empty)))
        assert await read_items(api, "kept") == {"kept-1": []}
        assert item_count(api, "kept") == 0
        assert not await bought(api, "kept")


async def test_values_of_another_type_are_another_revision(api: Api) -> None:
    for value in (1, True, "1"):
        item = {**SHOES, "metadata": {"a": value}}
        await upsert(api, order("typed-1", "typed", amount=1, items=[item]))
        found = (await read_items(api, "typed"))["typed-1"][0]["metadata"]["a"]
        assert (type(found), found) == (type(value), value)


async def test_items_move_with_their_order_and_count_only_while_it_does(api: Api) -> None:
    shoes = [{"path": "category", "operator": "IS", "value": "shoes"}]
    await upsert(api, order("moved-1", "giver", amount=1, items=[SHOES, BOOK]))
    assert await bought(api, "giver", where=shoes)

    await upsert(api, order("moved-1", "taker"))
    assert not await bought(api, "giver")
    assert await bought(api, "taker", where=shoes)
    assert (item_count(api, "giver"), item_count(api, "taker")) == (0, 2)

    for status, counts in (("CANCELED", False), ("FULFILLED", True), ("CREATED", False)):
        await upsert(api, order("moved-1", "taker", status=status))
        assert await bought(api, "taker", where=shoes) is counts
        assert item_count(api, "taker") == 2 * counts
        assert len((await read_items(api, "taker"))["moved-1"]) == 2


async def test_all_conditions_are_about_one_item(api: Api) -> None:
    rows = [order("one-1", "one", amount=1, items=[SHOES, {**BOOK, "metadata": {"size": 38}}])]
    await upsert(api, *rows)
    size = {"path": "size", "operator": "IS", "value": 38}
    for category, holds in (("books", True), ("shoes", False)):
        where = [{"path": "category", "operator": "IS", "value": category}, size]
        assert await bought(api, "one", where=where) is holds
    where = [{**size, "path": "metadata.size"}]
    assert await bought(api, "one", where=where)
    assert not await bought(api, "one", name="order", where=where)


@pytest.mark.parametrize(
    ("items", "code", "path"),
    [
        ([{**SHOES, "sku": ""}], "INVALID", ["0", "sku"]),
        ([SHOES, {**SHOES, "sku": "x" * 256}], "INVALID", ["1", "sku"]),
        ([{**SHOES, "name": "x" * 1001}], "INVALID", ["0", "name"]),
        ([{**SHOES, "category": "a\0"}], "INVALID", ["0", "category"]),
        ([{**SHOES, "metadata": [1]}], "METADATA_INVALID", ["0", "metadata"]),
        ([{**SHOES, "metadata": {"a.b": 1}}], "METADATA_INVALID", ["0", "metadata"]),
        ([SHOES] * 501, "TOO_MANY", []),
        ([{**SHOES, "metadata": {"a": "x" * 300_000}}] * 4, "INVALID", []),
    ],
    ids=str,
)
async def test_invalid_items_are_refused_with_their_path(
    api: Api, items: list[Json], code: str, path: list[str]
) -> None:
    good = order("fine-1", "fine", amount=1, items=[SHOES] * 500)
    answer = await upsert(api, good, order("bad-1", "bad", amount=1, items=items))
    assert answer["accepted"] == 1
    (error,) = answer["userErrors"]
    assert (error["code"], error["path"]) == (code, ["inputs", "1", "items", *path])
    assert api.database.orders.find_one({"sourceId": "bad-1"}) is None
    assert item_count(api, "fine") == 500


async def test_the_name_is_reserved(api: Api) -> None:
    event = {"customer": {"sourceId": "reserved"}, "name": "order.item"}
    answer = await api.fetch(
        "mutation($rows: [EventInput!]!) { eventsTrack(inputs: $rows)"
        " { userErrors { message path } } }",
        rows=[event],
    )
    assert answer["userErrors"] == [
        {
            "message": "name is reserved for orders; send them with ordersUpsert",
            "path": ["inputs", "0", "name"],
        }
    ]


async def test_items_have_no_attribute_paths(api: Api) -> None:
    condition = {"path": "events.order.item.count", "operator": "IS", "value": 1}
    assert await api.list_errors(
        "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }",
        filter={"attribute": condition},
    ) == ["UNKNOWN_ATTRIBUTE filter attribute path"]
    assert await api.list_errors(
        'query($overrides: JSON) { segmentMembership(customer: {sourceId: "a"},'
        " overrides: $overrides) { isMember } }",
        overrides={"events": {"order.item": {"count": 1}}},
    ) == ["INVALID overrides events order.item"]
