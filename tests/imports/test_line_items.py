"""Rows of one order that follow each other are its line items."""

from typing import Any

import pytest

from app.errors import InputError
from app.services.imports import ImportOptions
from app.services.imports.options import AmountUnit
from tests.imports.conftest import ImportShop

MINOR = ImportOptions(amounts=AmountUnit.MINOR)
MAJOR = ImportOptions(amounts=AmountUnit.MAJOR)
HEADER = (
    "sourceId,customer.sourceId,amount,at,items.sku,items.amount,items.quantity,items.metadata.c\n"
)
AT = "2026-03-04T10:00:00Z"


def stored_items(shop: ImportShop, source_id: str) -> list[dict[str, Any]]:
    order = shop.database.orders.find_one({"sourceId": source_id, "current": True})
    return list(order.get("items") or [])


async def test_rows_that_follow_each_other_are_items_of_one_order(shop: ImportShop) -> None:
    file = (
        HEADER + f"o1,c1,300,{AT},a,100,2,red\n"
        "o1,,,,b,200,,\n"  # Fields of the order may be left out.
        f"o2,c1,50,{AT},a,50,1,\n"
        f"o3,c2,70,{AT},,,,\n"  # An order without items.
        f"o1b,c1,10,{AT},a,5,1,\no1b,c1,10,{AT},a,5,1,\n"  # They may be repeated, too.
    )
    for counts in ((4, 0, 0, 0), (0, 0, 4, 0)):
        outcome = await shop.import_file("orders", file, "a.csv", MINOR)
        assert (outcome.counts, outcome.rejects) == (counts, [])
    assert stored_items(shop, "o1") == [
        {"sku": "a", "amount": 100, "quantity": 2, "metadata": {"c": "red"}},
        {"sku": "b", "amount": 200, "quantity": 1},
    ]
    assert len(stored_items(shop, "o1b")) == 2
    assert stored_items(shop, "o3") == []


async def test_rows_of_one_order_that_others_separate_are_refused(shop: ImportShop) -> None:
    """The later row would replace the items of the earlier one."""
    file = HEADER + "".join(
        f"{order},c1,1,{AT},{sku},1,1,\n" for sku in "ab" for order in ("o1", "o2")
    )
    with pytest.raises(InputError) as refusal:
        await shop.import_file("orders", file, "a.csv", MINOR)
    assert "Line 4: other rows separate this row of order 'o1'" in str(refusal.value)
    assert "Sort the file by the column 'sourceId'" in str(refusal.value)
    assert shop.dump()["orders"] == []
    header, *rows = file.splitlines(keepends=True)
    await shop.import_file("orders", header + "".join(sorted(rows)), "a.csv", MINOR)
    assert [item["sku"] for item in stored_items(shop, "o1")] == ["a", "b"]


async def test_versions_of_an_order_may_be_anywhere(shop: ImportShop) -> None:
    file = (
        "sourceId,customer.sourceId,amount,at,revisedAt,items.sku,items.amount\n"
        f"o1,c1,1,{AT},2026-03-05T10:00:00Z,a,1\no2,c1,1,{AT},2026-03-05T10:00:00Z,a,1\n"
        f"o1,c1,1,{AT},2026-03-06T10:00:00Z,b,1\no1,c1,1,{AT},2026-03-06T10:00:00Z,c,1\n"
    )
    assert (await shop.import_file("orders", file, "a.csv", MINOR)).rejects == []
    assert [item["sku"] for item in stored_items(shop, "o1")] == ["b", "c"]


@pytest.mark.parametrize("broken_index", [0, 1, 2])
async def test_a_row_that_cannot_be_read_keeps_its_order_together(
    shop: ImportShop, broken_index: int
) -> None:
    """The file of rejected rows has the whole order: a part would replace the items."""
    rows = [f"o1,c1,1,{AT},{sku},1,1,\n" for sku in "abc"]
    rows[broken_index] = rows[broken_index].replace(AT, f'"{AT}')
    file = HEADER + f"o0,c1,1,{AT},a,1,1,\n{''.join(rows)}o2,c1,1,{AT},a,1,1,\n"
    outcome = await shop.import_file("orders", file, "a.csv", MINOR)
    assert (outcome.accepted_count, outcome.rejected_lines) == (2, [3, 4, 5])
    assert f"Line {broken_index + 3} of this order: A quote that opens" in outcome.reasons[0]


async def test_the_price_of_one_piece_and_the_sum_of_an_order(shop: ImportShop) -> None:
    file = (
        "sourceId,customer.sourceId,at,items.sku,items.price,items.quantity\n"
        f"o1,c1,{AT},a,2.55,6\no1,c1,{AT},b,3.39,\no2,c1,{AT},d,27.5,-1\n"
        f"o3,c1,{AT},e,0.005,100\no4,c1,{AT},e,0.005,1\n"
    )
    outcome = await shop.import_file("orders", file, "a.csv", MAJOR)
    assert outcome.reasons == ["items.0.price: price has more than two decimals."]
    assert [item["amount"] for item in stored_items(shop, "o1")] == [1530, 339]
    amounts = {order["sourceId"]: order["amount"] for order in shop.database.orders.find()}
    assert amounts == {"o1": 1869, "o2": -2750, "o3": 50}


async def test_rows_that_contradict_each_other_are_refused_together(shop: ImportShop) -> None:
    file = HEADER + f"o1,c1,300,{AT},a,100,2,\no1,c1,400,{AT},b,200,,\no2,c1,50,{AT},a,50,,\n"
    outcome = await shop.import_file("orders", file, "a.csv", MINOR)
    assert (outcome.accepted_count, outcome.rejected_count) == (1, 1)
    assert outcome.rejected_lines == [2, 3]
    assert outcome.reasons[0] == outcome.reasons[1]
    assert (
        "The column 'amount' differs between lines 2 and 3 of the same order" in outcome.reasons[0]
    )
    assert '--map "amount=items.amount"' in outcome.reasons[0]
    assert stored_items(shop, "o2") == [{"sku": "a", "amount": 50, "quantity": 1}]


async def test_rows_of_one_order_without_columns_of_items_are_refused(shop: ImportShop) -> None:
    header = "sourceId,customer.sourceId,amount,at,metadata.sku\n"
    file = header + f"o1,c1,300,{AT},a\no1,c1,200,{AT},b\no2,c1,50,{AT},a\no2,c1,50,{AT},a\n"
    outcome = await shop.import_file("orders", file, "a.csv", MINOR)
    assert outcome.rejected_lines == [2, 3]
    assert '--map "metadata.sku=items.sku"' in outcome.reasons[0]
    options = ImportOptions(
        amounts=AmountUnit.MINOR,
        paths_by_column={"metadata.sku": "items.sku", "amount": "items.amount"},
    )
    assert (await shop.import_file("orders", file, "a.csv", options)).rejects == []
    assert [(item["sku"], item["amount"]) for item in stored_items(shop, "o1")] == [
        ("a", 300),
        ("b", 200),
    ]


async def test_an_item_that_is_refused_refuses_its_order(shop: ImportShop) -> None:
    file = (
        HEADER + f"o1,c1,300,{AT},a,x,1,\no2,c1,300,{AT},a,1,many,\no3,c1,300,{AT},,1,1,\n"
        f"o4,c1,300,{AT},a,1,1,\no4,c1,300,{AT},b,,1,\n"
    )
    outcome = await shop.import_file("orders", file, "a.csv", MINOR)
    assert outcome.accepted_count == 0
    assert [reason.partition(" ")[0] for reason in outcome.reasons] == [
        "items.0.amount:",
        "items.0.quantity:",
        "items.0.sku:",
        "items.1.amount:",
        "items.1.amount:",
    ]


async def test_an_order_with_too_many_items_is_refused(shop: ImportShop) -> None:
    rows = "".join(f"o1,c1,300,{AT},s{number},1,1,\n" for number in range(502))
    outcome = await shop.import_file("orders", HEADER + rows, "a.csv", MINOR)
    assert outcome.accepted_count == 0
    assert outcome.rejected_lines == list(range(2, 504))
    assert shop.dump()["orders"] == []


@pytest.mark.parametrize(
    ("amount", "hint"),
    [
        ("12", "--amounts major if 12 means 12.00, or --amounts minor if it means 0.12"),
        ("-1250", "--amounts major if -1250 means -1250.00, or --amounts minor if it means -12.50"),
        ("12.50", "--amounts major if 12.50 means 12.50"),
        ("$12", "'$12' is not known. Say --amounts major if 12 means 12.00, or --amounts minor"),
        ("1e3", "correct this text: an amount is a number alone, like 12.50"),
    ],
)
async def test_the_unit_of_amounts_is_not_guessed(shop: ImportShop, amount: str, hint: str) -> None:
    file = f"sourceId,customer.sourceId,amount,at\no1,c1,,{AT}\no2,c1,{amount},{AT}\n"
    with pytest.raises(InputError) as refusal:
        await shop.import_file("orders", file, "a.csv")
    assert hint in str(refusal.value)
    assert shop.dump()["customers"] == []


async def test_amounts_of_ndjson_are_those_of_the_api(shop: ImportShop) -> None:
    row = (
        '{"sourceId": "o1", "customer": {"sourceId": "c"}, "at": "%s", "amount": %s, "items": [%s]}'
    )
    item = '{"sku": "a", "amount": %s}'
    file = row % (AT, "12.5", item % "1.15")
    refused = await shop.import_file("orders", file)
    assert "say --amounts major if 12.50 means 12.50" in refused.reasons[0]
    assert (await shop.import_file("orders", file, options=MAJOR)).rejects == []
    assert shop.database.orders.find_one()["amount"] == 1250
    assert stored_items(shop, "o1")[0]["amount"] == 115
    await shop.import_file("orders", row % (AT, "12", item % "1"))
    assert shop.database.orders.find_one({"current": True})["amount"] == 12
