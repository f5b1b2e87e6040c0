"""A second import of the same file changes nothing; nor does a dry run."""

import pytest

from app.services.imports import ImportOptions
from app.services.imports.options import AmountUnit
from tests.imports.conftest import ImportShop

CUSTOMERS = "sourceId,name,address.city,metadata.vip,metadata.tags\n" + "".join(
    f'c-{n % 900},Name {n % 900},Town,{n % 900},"[1, ""a""]"\n' for n in range(1_800)
)
EVENTS = (
    '{"customer": {"sourceId": "c-1"}, "name": "visit"}\n'
    '{"customer": {"sourceId": "c-1"}, "name": "visit"}\n'
    '{"name": "visit", "customer": {"sourceId": "c-1"}, "properties": {"n": 1}}\n'
    '{"customer": {"sourceId": "c-1"}, "name": "visit", "idempotencyKey": "mine"}\n'
    '{"customer": {"sourceId": "c-2"}, "name": "visit", "at": "2020-01-01T00:00:00Z"}\n'
) * 300
ORDERS = "sourceId,customer.sourceId,amount,at,metadata.n\n" + "".join(
    f"o-{n},c-{n % 700},{n},{'2020-01-01T00:00:00Z' if n % 2 else ''},{n}\n" for n in range(2_100)
)
FILES = [("customers", CUSTOMERS), ("events", EVENTS), ("orders", ORDERS)]
NOW = ImportOptions(amounts=AmountUnit.MINOR, is_missing_time_now=True)


@pytest.mark.parametrize(("noun", "file"), FILES)
async def test_a_repeated_import_changes_nothing(shop: ImportShop, noun: str, file: str) -> None:
    first = await shop.import_file(noun, file, options=NOW)
    there = shop.dump()
    assert first.rejects == []
    assert there[noun]
    again = await shop.import_file(noun, file, options=NOW)
    assert shop.dump() == there
    new, changed, unchanged, repeated = first.counts
    assert new
    assert changed == 0
    assert again.counts == (0, 0, new + unchanged, repeated)


@pytest.mark.parametrize(("noun", "file"), FILES)
async def test_a_dry_run_changes_nothing(shop: ImportShop, noun: str, file: str) -> None:
    for _ in ("into nothing", "over what is there"):
        there = shop.dump()
        tried = await shop.import_file(noun, file, options=NOW, dry_run=True)
        assert shop.dump() == there
        done = await shop.import_file(noun, file, options=NOW)
        assert (tried.counts, tried.rejects) == (done.counts, done.rejects)


async def test_a_dry_run_reports_what_would_be_refused(shop: ImportShop) -> None:
    file = "sourceId,customer.sourceId,customer.id,amount\no-1,a,,x\no-2,,cus_0,1\no-3,a,,1\n"
    outcome = await shop.import_file("orders", file, options=NOW, dry_run=True)
    assert (outcome.accepted_count, outcome.rejected_lines) == (1, [2, 3])


async def test_equal_events_in_a_file_are_all_stored(shop: ImportShop) -> None:
    await shop.import_file("events", EVENTS, options=NOW)
    # Of the 300 rows with a key all but the first are repeats.
    assert shop.read_customer_document("c-1")["events"]["visit"]["count"] == 901
    assert shop.read_customer_document("c-2")["events"]["visit"]["count"] == 300


async def test_a_longer_file_adds_only_what_is_new(shop: ImportShop) -> None:
    await shop.import_file("events", EVENTS, options=NOW)
    new = '{"customer": {"sourceId": "c-2"}, "name": "visit"}\n'
    await shop.import_file("events", new + EVENTS, options=NOW)
    assert shop.read_customer_document("c-2")["events"]["visit"]["count"] == 301


async def test_events_are_the_same_in_csv_and_in_ndjson(shop: ImportShop) -> None:
    csv = "name,customer.sourceId,properties.n\nvisit,c-1,1\n"
    ndjson = '{"customer": {"sourceId": "c-1"}, "name": "visit", "properties": {"n": 1}}\n'
    await shop.import_file("events", csv, options=NOW)
    await shop.import_file("events", ndjson, options=NOW)
    assert shop.read_customer_document("c-1")["events"]["visit"]["count"] == 1


async def test_an_order_sent_twice_in_one_file_ends_as_sent_last(shop: ImportShop) -> None:
    file = (
        "sourceId,customer.sourceId,status,amount,at\n"
        "o-1,c-1,CREATED,5,2020-01-01T00:00:00Z\n"
        "o-2,c-2,PAID,5,2020-01-01T00:00:00Z\n"
        "o-1,c-1,PAID,7,2020-01-01T00:00:00Z\n"
    )
    for _ in range(2):
        outcome = await shop.import_file("orders", file, options=NOW)
        assert outcome.counts[-1] == 1
        assert shop.read_customer_document("c-1")["orders"]["totalAmount"] == 7
        assert shop.read_customer_document("c-1")["orders"]["totalCount"] == 1
