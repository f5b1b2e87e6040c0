"""CSV columns and cells, and the values they become."""

import re
from datetime import datetime
from typing import Any

import pytest

from app.domain.json_values import is_same_value
from app.errors import InputError
from app.services.imports import ImportOptions
from app.services.imports.options import AmountUnit
from tests.imports.conftest import ImportShop

MINOR = ImportOptions(amounts=AmountUnit.MINOR)


async def test_columns_are_the_fields_of_the_api(shop: ImportShop) -> None:
    file = (
        "sourceId,name,email,birthdate,address.city,metadata.vip,metadata.place.lat\r\n"
        'ada,"Ada ""Countess"" Lovelace",ada@example.com,1815-12-10,'
        '"London,\r\nEngland",true,51.5\r\n'
        "bob,,,,,,\r\n"
    )
    assert (await shop.import_file("customers", file, "a.csv")).accepted_count == 2
    ada, bob = shop.read_customer_document("ada"), shop.read_customer_document("bob")
    assert ada["name"] == 'Ada "Countess" Lovelace'
    assert ada["birthdate"] == datetime(1815, 12, 10)  # noqa: DTZ001 - as the driver gives it
    assert ada["address"] == {"city": "London,\r\nEngland"}
    assert ada["metadata"] == {"vip": True, "place": {"lat": 51.5}}
    assert bob.keys().isdisjoint({"name", "email", "birthdate", "address"})
    assert bob["metadata"] == {}


async def test_an_empty_cell_keeps_the_stored_value(shop: ImportShop) -> None:
    await shop.import_file("customers", "sourceId,name,metadata.vip\nada,Ada,true\n")
    await shop.import_file("customers", "sourceId,name,metadata.vip\nada,,\n")
    ada = shop.read_customer_document("ada")
    assert (ada["name"], ada["metadata"], ada["version"]) == ("Ada", {"vip": True}, 1)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        ("-2.50", "-2.50"),
        ("-0", "-0"),
        ("0", 0),
        ("0.1", 0.1),
        ("999999999999999", 999_999_999_999_999),
        ("00001", "00001"),
        ("+48600100200", "+48600100200"),
        ("1e5", "1e5"),
        ("1234567890123456", "1234567890123456"),
        ("0.12345678901234567", "0.12345678901234567"),
        (".5", ".5"),
        ("1.", "1."),
        ("1 000", "1 000"),
        ("٣", "٣"),
        ("true", True),
        ("false", False),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("null", "null"),
        ("NaN", "NaN"),
        ('"[1, ""a""]"', '[1, "a"]'),
        ('"{""a"": 1}"', '{"a": 1}'),
        ("[1", "[1"),
        (" 1", " 1"),
    ],
)
async def test_without_a_definition_the_values_tell_the_type(
    shop: ImportShop, cell: str, value: Any
) -> None:
    await shop.import_file("customers", f"sourceId,metadata.x\nada,{cell}\n")
    found = shop.read_customer_document("ada")["metadata"]["x"]
    assert is_same_value(found, value)


@pytest.mark.parametrize(
    ("type_", "is_array", "cell", "value"),
    [
        ("STRING", False, "1", "1"),
        ("STRING", False, "true", "true"),
        ("NUMBER", False, "12345678901234567", 12345678901234567),
        ("BOOLEAN", False, "TRUE", True),
        ("BOOLEAN", False, "No", False),
        ("DATE", False, "1990-07-04 00:00:00", "1990-07-04"),
        ("STRING", True, '"vip, ""a, b"", new"', ["vip", "a, b", "new"]),
        ("STRING", True, '"[""a"", ""1""]"', ["a", "1"]),
        ("GEOPOINT", False, '"{""lat"": 1, ""lon"": 2}"', {"lat": 1, "lon": 2}),
    ],
)
async def test_a_definition_determines_how_cells_are_parsed(
    shop: ImportShop, type_: str, is_array: bool, cell: str, value: Any
) -> None:
    await shop.services.metadata.define({"key": "x", "type": type_, "isArray": is_array})
    outcome = await shop.import_file("customers", f"sourceId,metadata.x\nada,{cell}\n")
    assert outcome.rejects == []
    assert shop.read_customer_document("ada")["metadata"]["x"] == value


async def test_a_value_that_does_not_fit_the_definition_is_rejected(shop: ImportShop) -> None:
    await shop.services.metadata.define({"key": "x", "type": "NUMBER"})
    outcome = await shop.import_file("customers", "sourceId,metadata.x\nada,007\nbob,7\n")
    assert (outcome.accepted_count, outcome.rejected_lines) == (1, [2])
    assert outcome.reasons == [
        "x must be a number as in JSON; say --decimal , for a decimal comma."
    ]


async def test_orders_and_events(shop: ImportShop) -> None:
    orders = (
        "sourceId,customer.sourceId,status,amount,at,metadata.cds\n"
        "o-1,00001,PAID,1177,1997-01-01T00:00:00Z,1\n"
    )
    events = "customer.sourceId,name,at,properties.page\n00001,visit,1997-01-02T00:00:00Z,/a\n"
    assert (await shop.import_file("orders", orders, options=MINOR)).accepted_count == 1
    assert (await shop.import_file("events", events)).accepted_count == 1
    customer = shop.read_customer_document("00001")
    assert customer["orders"]["totalAmount"] == 1177
    assert customer["events"]["visit"]["count"] == 1
    assert shop.database.orders.find_one()["metadata"] == {"cds": 1}
    assert shop.database.events.find_one()["properties"] == {"page": "/a"}


async def test_a_byte_order_mark_and_line_ends_of_all_kinds(shop: ImportShop) -> None:
    file = "\ufeffsourceId,name\r\nada,Ada\rbob,Bob\n\n\r\ncarl,Carl"
    assert (await shop.import_file("customers", file)).accepted_count == 3


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("", "The file is empty"),
        ("sourceId,emial\n", "Column 2 is called 'emial', which is unknown; perhaps email"),
        ("sourceId,\n1,x\n", "Column 2 has no name, but a value: 'x'"),
        ("sourceId|name\n", "Column 1 is called 'sourceId|name'"),
        ("name\nAda\n", 'No column gives sourceId. Map one, like --map "COLUMN=sourceId"'),
        ("sourceId,name,name\n", "two columns called name"),
        ("sourceId,metadata.a,metadata.a.b\n", "columns inside metadata.a"),
        ("sourceId,metadata.$a\n", "Column 2 is called 'metadata.$a'"),
        ("sourceId,metadata.\n", "Column 2 is called 'metadata.'"),
        (
            b"sourceId,n\xffame,\xc3\xa9\xc3\xa9\n",
            "the header: The row has bytes that are not UTF-8",
        ),
        ('"sourceId,name\n', "Line 1, the header: A quote that opens"),
    ],
)
async def test_an_unreadable_file_is_rejected_as_a_whole(
    shop: ImportShop, file: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        await shop.import_file("customers", file, "a.csv")
    assert shop.dump()["customers"] == []


@pytest.mark.parametrize(
    ("rows", "rejected_lines", "accepted"),
    [
        ('1,"Ann\n2,Bob\n3,Cy\n', [2], ["2", "3"]),
        ('1,Ann\n2,"Bob\n3,"Cy"\n', [3], ["1", "3"]),
        ('1,"Ann"x\n2,"Bob\nB"\n', [2], ["2"]),
        ('1,5" screen\n', [], ["1"]),
        ("1,Ann\n2," + "x" * 4_200_000 + "\n3,Cy\n", [3], ["1", "3"]),
        ('1,"' + "\n" * 11_000 + "2,Bob\n", [2], ["2"]),
    ],
)
async def test_an_open_quote_spoils_its_own_row_only(
    shop: ImportShop, rows: str, rejected_lines: list[int], accepted: list[str]
) -> None:
    outcome = await shop.import_file("customers", "sourceId,name\n" + rows, "a.csv")
    assert outcome.rejected_lines == rejected_lines
    assert sorted(row["sourceId"] for row in shop.dump()["customers"]) == accepted


async def test_blank_rows_are_passed_over(shop: ImportShop) -> None:
    file = "\n\nsourceId,name\n\n1,Ann\n,,\n , \n\n2,Bob\n,\n"
    outcome = await shop.import_file("customers", file, "a.csv")
    assert (outcome.accepted_count, outcome.rejected_count) == (2, 0)
