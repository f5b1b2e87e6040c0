"""Rejected rows are reported by line; the other rows are imported."""

from tests.imports.conftest import ImportShop


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
        b"ok-2,,,"
    )
    outcome = await shop.import_file("customers", file)
    assert (outcome.accepted_count, outcome.rejected_count) == (2, 7)
    assert outcome.rejected_lines == [4, 6, 8, 9, 10, 11, 12]
    paths = [[error["path"] for error in reject["errors"]] for reject in outcome.rejects]
    assert paths == [[[]], [["birthdate"]], [["name"]], [[]], [[]], [["name"]], [["sourceId"]]]
    day = outcome.rejects[1]
    assert day["row"] == {"sourceId": "day", "name": "a\nb", "birthdate": "1815-13-10"}
    assert day["errors"][0]["code"] == "INVALID"
    assert [row["sourceId"] for row in shop.dump()["customers"]] == ["ok-1", "ok-2"]


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
    assert outcome.rejects[2]["row"] == {"sourceId": 7}
    assert [row["sourceId"] for row in shop.dump()["customers"]] == ["ok", "last"]
    assert shop.read_customer_document("ok")["metadata"] == {"a": [1, None]}


async def test_orders_and_events_that_make_no_sense(shop: ImportShop) -> None:
    orders = await shop.import_file(
        "orders",
        "sourceId,customer.sourceId,customer.id,amount,status,at\n"
        "o-1,a,,12.50,,\n"
        "o-2,a,,1,LOST,\n"
        "o-3,,cus_0123456789abcdef01234567,1,,\n"
        "o-4,a,,1,,9999-01-01T00:00:00Z\n"
        "o-5,a,,1,,2020-01-01\n"
        "o-6,,,1,,\n"
        "o-7,a,,1,,\n",
    )
    assert orders.rejected_lines == [2, 3, 4, 5, 6, 7]
    assert orders.rejects[2]["errors"][0]["code"] == "NOT_FOUND"
    assert orders.rejects[2]["errors"][0]["path"] == ["customer", "id"]
    events = await shop.import_file(
        "events",
        '{"customer": {"sourceId": "a"}, "name": "order"}\n'
        '{"customer": {"sourceId": "a"}, "name": "visit", "idempotencyKey": 5}\n'
        '{"customer": {"sourceId": "a"}, "name": "visit", "idempotencyKey": ["a"]}\n'
        '{"customer": "a", "name": "visit"}\n'
        '{"customer": {"sourceId": "a"}, "name": "visit"}\n',
    )
    assert (events.rejected_lines, events.accepted_count) == ([1, 2, 3, 4], 1)
    assert "idempotencyKey" not in events.rejects[0]["row"]


async def test_lines_are_right_beyond_the_first_batch(shop: ImportShop) -> None:
    rows = [f"c-{n},{'2000-01-01' if n % 500 else 'never'}" for n in range(2_600)]
    outcome = await shop.import_file("customers", "\n".join(["sourceId,birthdate", *rows]))
    assert outcome.rejected_lines == [2, 502, 1_002, 1_502, 2_002, 2_502]
    assert (outcome.accepted_count, shop.database.customers.count_documents({})) == (2_594, 2_594)


async def test_a_corrected_rejects_file_can_be_imported(shop: ImportShop) -> None:
    outcome = await shop.import_file("customers", "sourceId,metadata.a.b,birthdate\nada,1,never\n")
    row = str({**outcome.rejects[0]["row"], "birthdate": "1815-12-10"}).replace("'", '"')
    assert (await shop.import_file("customers", row)).accepted_count == 1
    assert shop.read_customer_document("ada")["metadata"] == {"a": {"b": 1}}
