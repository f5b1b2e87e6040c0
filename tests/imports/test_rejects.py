"""Rejected rows are reported by line; the other rows are imported."""

import csv
from pathlib import Path

import pytest

from app.services.imports import ImportOptions
from app.services.imports.options import AmountUnit, ColumnType
from tests.imports.conftest import ImportShop

MINOR = ImportOptions(amounts=AmountUnit.MINOR)


async def test_csv_rows_are_reported_by_the_line_they_begin_at(shop: ImportShop) -> None:
    file = (
        b"sourceId,name,birthdate,address.city\n"
        b'ok-1,"two\nlines",,\n'  # lines 2 and 3
        b"short,x\n"  # 4
        b"\n"
        b'day,"a\nb",1815-13-10,\n'  # 6 and 7
        b"long," + b"x" * 1_001 + b",,\n"  # 8
        b"wide,x,,,,\n"  # 9
        b"bytes,\xff\xfe,,\n"  # 10
        b"nul,a\x00b,,\n"  # 11
        b",nameless,,\n"  # 12
        b"ok-2,\xc3\xa9\xc3\xa9\xc3\xa9,,"  # so that the file is UTF-8
    )
    outcome = await shop.import_file("customers", file)
    assert (outcome.accepted_count, outcome.rejected_count) == (2, 7)
    assert outcome.rejected_lines == [4, 6, 8, 9, 10, 11, 12]
    day = outcome.rejects[1]
    assert day["name"] == "a\nb"
    assert day["reason"] == "birthdate is not a day in the calendar or not a time."
    assert [row["sourceId"] for row in shop.dump()["customers"]] == ["ok-1", "ok-2"]
    refused = {column.name: column.refused_count for column in outcome.report.columns}
    assert refused == {"sourceId": 1, "name": 2, "birthdate": 1, "address.city": 0}


async def test_ndjson(shop: ImportShop) -> None:
    deep = '{"sourceId": "deep", "metadata": {"x": ' + "[" * 400 + "]" * 400 + "}}"
    lines = [
        '{"sourceId": "ok", "address": {"city": "Paris"}, "metadata": {"a": [1, null]}}',
        "",
        "[1]",
        "{",
        '{"sourceId": 7}',
        '{"sourceId": "big", "metadata": {"n": 12345678901234567890}}',
        '{"sourceId": "odd", "colour": "red"}',
        deep,
        "[" * 100_000,
        '{"sourceId": "long", "name": "' + "x" * 4_200_000 + '"}',
        '{"sourceId": "last"}',
    ]
    outcome = await shop.import_file("customers", "\r\n".join(lines), "a.ndjson")
    assert outcome.rejected_lines == [3, 4, 5, 6, 7, 8, 9, 10]
    assert outcome.rejects[2]["sourceId"] == 7
    assert [row["sourceId"] for row in shop.dump()["customers"]] == ["ok", "last"]
    assert shop.read_customer_document("ok")["metadata"] == {"a": [1, None]}


async def test_orders_that_make_no_sense(shop: ImportShop) -> None:
    orders = await shop.import_file(
        "orders",
        "sourceId,customer.sourceId,customer.id,amount,status,at\n"
        "o-1,a,,12.50,,2020-01-01T00:00:00Z\n"
        "o-2,a,,1,LOST,2020-01-01T00:00:00Z\n"
        "o-3,,cus_0123456789abcdef01234567,1,,2020-01-01T00:00:00Z\n"
        "o-4,a,,1,,9999-01-01T00:00:00Z\n"
        "o-5,a,,1,,2020-01-01\n"
        "o-6,,,1,,2020-01-01T00:00:00Z\n"
        "o-7,a,,1,,\n"
        "o-8,a,,1,paid,2020-01-01T00:00:00Z\n",
        options=MINOR,
    )
    assert orders.rejected_lines == [2, 3, 4, 5, 6, 7, 8]
    expected = (
        "amount has decimals; say --amounts major",
        "status must be one of CREATED, PAID, FULFILLED, CANCELED.",
        "No customer has this id",
        "in the future",
        "at has no time zone; say which, like --zone Europe/Berlin",
        "customer is required",
        "has no time; add at, or say --dates now",
    )
    for part, reason in zip(expected, orders.reasons, strict=True):
        assert part in reason


async def test_events_that_make_no_sense(shop: ImportShop) -> None:
    at = '"at": "2020-01-01T00:00:00Z"'
    events = await shop.import_file(
        "events",
        '{"customer": {"sourceId": "a"}, "name": "order", ' + at + "}\n"
        '{"customer": {"sourceId": "a"}, "name": "visit", "idempotencyKey": 5, ' + at + "}\n"
        '{"customer": {"sourceId": "a"}, "name": "visit", "idempotencyKey": ["a"], ' + at + "}\n"
        '{"customer": "a", "name": "visit", ' + at + "}\n"
        '{"customer": {"sourceId": "a"}, "name": "visit"}\n'
        '{"customer": {"sourceId": "a"}, "name": "visit", ' + at + "}\n",
    )
    assert (events.rejected_lines, events.accepted_count) == ([1, 2, 3, 4, 5], 1)
    assert "idempotencyKey" not in events.rejects[0]
    assert "say --dates now" in events.reasons[4]


async def test_lines_are_right_beyond_the_first_batch(shop: ImportShop) -> None:
    rows = [f"c-{n},{'2000-01-01' if n % 500 else 'never'}" for n in range(2_600)]
    outcome = await shop.import_file("customers", "\n".join(["sourceId,birthdate", *rows]))
    assert outcome.rejected_lines == [2, 502, 1_002, 1_502, 2_002, 2_502]
    assert (outcome.accepted_count, shop.database.customers.count_documents({})) == (2_594, 2_594)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
async def test_the_csv_rejects_can_be_mended(
    shop: ImportShop, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows = [
        "sourceId,birthdate,metadata.note,metadata.n",
        "ada,never,näh,1",
        "bob,1990-07-04,,5.10",
        'eve,later,"a\nb",2',
    ]
    file = "\r\n".join(rows).replace(",", delimiter)
    first = await shop.import_file("customers", file.encode(encoding), "a.csv")
    assert first.rejected_count == 2
    path = tmp_path / "imported.rejected.csv"
    rejected = path.read_bytes().decode(encoding)
    assert rejected.split("\r\n")[0] == rows[0].replace(",", delimiter) + delimiter.join(
        ("", "line", "reason")
    )
    mended = rejected.replace("never", "1815-12-10")
    types = {path: ColumnType.parse(name) for path, name in first.report.detected_types.items()}
    options = ImportOptions(types_by_path=types)
    second = await shop.import_file("customers", mended.encode(encoding), "b.csv", options)
    assert (second.accepted_count, second.rejected_lines) == (1, [3])
    assert shop.read_customer_document("ada")["metadata"] == {"note": "näh", "n": "1"}
    assert path.read_bytes().decode(encoding).split("\r\n")[0].count("line") == 1


async def test_rows_with_an_open_quote_can_be_mended(shop: ImportShop, tmp_path: Path) -> None:
    file = 'sourceId,name,phone\n1,"Ann,+1\n2,Bob,+2\n3,"Smith, Cy,+3\n'
    assert (await shop.import_file("customers", file, "a.csv")).rejected_lines == [2, 4]
    path = tmp_path / "imported.rejected.csv"
    rejected = path.read_bytes().decode()
    # As they are, they are rejected again, and nothing is added to them.
    again = await shop.import_file("customers", rejected, "b.csv")
    assert again.rejected_lines == [2, 3]
    assert again.reasons[0].startswith("A text still begins with the quote that was not closed.")
    assert again.reasons[1] == "The row has 6 cells, the header 5."
    rows = list(csv.reader(path.read_bytes().decode().splitlines()))
    assert [row[:-2] for row in rows[1:]] == [["1", '"Ann', "+1"], ["3", '"Smith', " Cy", "+3"]]
    mended = rejected.replace('"""Ann"', "Ann").replace('"""Smith", Cy', '"Smith, Cy"')
    assert (await shop.import_file("customers", mended, "c.csv")).rejected_lines == []
    names = {row["sourceId"]: row["name"] for row in shop.dump()["customers"]}
    assert names == {"1": "Ann", "2": "Bob", "3": "Smith, Cy"}
    # A quote that belongs to the text stays if its row has no reason.
    with_quote = 'sourceId,name,line,reason\n1,"""Ann",2,\n'
    assert (await shop.import_file("customers", with_quote, "d.csv")).accepted_count == 1
    assert shop.read_customer_document("1")["name"] == '"Ann'


async def test_the_ndjson_rejects_can_be_mended(shop: ImportShop, tmp_path: Path) -> None:
    row = '{"sourceId": "ada", "birthdate": "never", "metadata": {"a": {"b": 1}}}'
    await shop.import_file("customers", row)
    mended = (tmp_path / "imported.rejected.ndjson").read_text().replace("never", "1815-12-10")
    assert (await shop.import_file("customers", mended)).accepted_count == 1
    assert shop.read_customer_document("ada")["metadata"] == {"a": {"b": 1}}
