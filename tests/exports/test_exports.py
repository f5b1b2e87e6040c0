"""Exports through the API: what they contain, their errors, their list and their end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from tests.api import Json
from tests.exports.export_shop import CANCEL_EXPORT, START_EXPORT, ExportShop

_VIPS = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
_BUYERS = {"event": {"name": "buy", "value": 2, "within": {"last": "P30D"}}}
_UNKNOWN_ID = "exp_0123456789abcdef01234567"


async def create_customers(shop: ExportShop, number: int) -> None:
    rows = [
        {"sourceId": f"c{n}", "name": f"Name {n}", "metadata": {"vip": n % 2 == 0}}
        for n in range(number)
    ]
    assert (await shop.api.bulk_upsert("customersUpsert", rows))["accepted"] == number


async def track_purchases(shop: ExportShop, counts: dict[str, int]) -> None:
    rows = [
        {"customer": {"sourceId": source_id}, "name": "buy"}
        for source_id, count in counts.items()
        for _ in range(count)
    ]
    assert (await shop.api.bulk_upsert("eventsTrack", rows))["accepted"] == len(rows)


def object_id(id_: str) -> ObjectId:
    return ObjectId(id_.partition("_")[2])


async def test_rows_are_the_members_in_the_order_of_their_ids(shop: ExportShop) -> None:
    await create_customers(shop, 25)
    segment_id = await shop.create_segment("VIPs", _VIPS)

    rows = await shop.export(segment_id, fields=["name", "sourceId"])

    members = shop.api.database.customers.find({"metadata.vip": True}).sort("_id", 1)
    expected = [[member["name"], member["sourceId"]] for member in members]
    assert len(expected) == 13
    assert rows == [["name", "sourceId"], *expected]


async def test_members_by_events_and_of_static_segments(shop: ExportShop) -> None:
    await create_customers(shop, 10)
    await track_purchases(shop, {"c1": 1, "c4": 2, "c5": 3})
    by_events = await shop.create_segment("buyers", _BUYERS)
    by_list = await shop.create_segment(
        "listed", customers=[{"sourceId": "c7"}, {"sourceId": "c2"}]
    )
    outside = {"none": [{"segment": {"id": by_list}}, _BUYERS]}
    by_nesting = await shop.create_segment("outside", outside)

    assert await shop.export(by_events, fields=["sourceId"]) == [["sourceId"], ["c4"], ["c5"]]
    assert await shop.export(by_list, fields=["sourceId"]) == [["sourceId"], ["c2"], ["c7"]]
    assert await shop.export(by_nesting, fields=["sourceId"]) == [
        ["sourceId"],
        *([f"c{n}"] for n in (0, 1, 3, 6, 8, 9)),
    ]


async def test_an_export_without_members_is_a_header(shop: ExportShop) -> None:
    empty_shop_export = await shop.start(await shop.create_segment("everyone"))
    await shop.write_pending()
    assert shop.read_file(empty_shop_export) == b"sourceId,name,email\r\n"

    await create_customers(shop, 3)
    nobody = await shop.create_segment("nobody", {"all": [_VIPS, {"none": [_VIPS]}]})
    assert await shop.export(nobody) == [["sourceId", "name", "email"]]


async def test_the_export_says_how_it_went(shop: ExportShop) -> None:
    await create_customers(shop, 4)
    segment_id = await shop.create_segment("everyone")
    payload = await shop.api.fetch(
        START_EXPORT, input={"segmentId": segment_id, "format": "NDJSON"}
    )

    created = payload["export"]
    assert created == {
        "id": created["id"],
        "segmentId": segment_id,
        "segmentName": "everyone",
        "fields": ["sourceId", "name", "email"],
        "format": "NDJSON",
        "status": "SCHEDULED",
        "rowsDone": 0,
        "rowsTotal": None,
        "url": None,
        "expiresAt": None,
        "error": None,
        "createdAt": created["createdAt"],
        "finishedAt": None,
        "segment": {"id": segment_id},
    }
    await shop.write_pending()
    done = await shop.fetch(created["id"])
    assert (done["status"], done["rowsDone"], done["rowsTotal"]) == ("DONE", 4, 4)
    finished_at, expires_at = (
        datetime.fromisoformat(done[name]) for name in ("finishedAt", "expiresAt")
    )
    assert expires_at - finished_at == timedelta(days=7)
    assert len(shop.read_file(created["id"]).splitlines()) == 4


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"segmentId": "seg_0123456789abcdef01234567"}, ["NOT_FOUND input segmentId"]),
        ({"segmentId": "nonsense"}, ["NOT_FOUND input segmentId"]),
        ({"fields": ["sourceId", "nmae"]}, ["UNKNOWN_ATTRIBUTE input fields 1"]),
        ({"fields": []}, ["INVALID input fields"]),
        ({"fields": None, "format": None, "bom": None, "escapeFormulas": None}, []),
    ],
)
async def test_errors_in_the_input(shop: ExportShop, changes: Json, errors: list[str]) -> None:
    segment_id = await shop.create_segment("everyone")

    assert errors == await shop.api.list_errors(
        START_EXPORT, input={"segmentId": segment_id} | changes
    )
    assert shop.api.database.exports.count_documents({}) == (not errors)


async def test_exports_are_listed_newest_first(shop: ExportShop) -> None:
    first, second = [await shop.create_segment(name) for name in ("first", "second")]
    ids = [await shop.start(segment_id) for segment_id in (first, second, first)]
    query = (
        "query($after: String, $segmentId: ID) { exports(first: 2, after: $after,"
        " segmentId: $segmentId) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    )

    async def list_page(**variables: Any) -> tuple[list[str], Json]:
        page = await shop.api.fetch(query, **variables)
        return [node["id"] for node in page["nodes"]], page["pageInfo"]

    newest, info = await list_page()
    assert newest == [ids[2], ids[1]]
    assert info["hasNextPage"]
    assert (await list_page(after=info["endCursor"]))[0] == [ids[0]]
    assert (await list_page(segmentId=first))[0] == [ids[2], ids[0]]
    assert (await list_page(segmentId="nonsense"))[0] == []
    assert await shop.api.list_errors(query, after="bm9uc2Vuc2U") == ["BAD_REQUEST"]


async def test_an_export_is_found_by_its_id(shop: ExportShop) -> None:
    segment_id = await shop.create_segment("everyone")
    id_ = await shop.start(segment_id)
    node = "query($id: ID!) { node(id: $id) { id ... on Export { segmentName } } }"

    assert await shop.api.fetch(node, id=id_) == {"id": id_, "segmentName": "everyone"}
    for unknown_id in (_UNKNOWN_ID, segment_id, "nonsense"):
        assert await shop.fetch(unknown_id) is None
    fields = await shop.api.fetch("{ exportFields { path label group } }")
    assert {"path": "email", "label": "Email", "group": "PROFILE"} in fields
    assert {"id", "metadata"} <= {field["path"] for field in fields}


async def test_the_fields_are_listed_whatever_other_programs_have_written(
    shop: ExportShop,
) -> None:
    await create_customers(shop, 3)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    odd_values: tuple[Any, ...] = (
        "text",
        None,
        [],
        [{"inside": 1}],
        {"with.dot": 1},
        {"$dollar": 1},
        {"": 1},
    )
    shop.api.database.command(
        "insert",
        "customers",
        documents=[
            {
                "sourceId": f"odd{n}",
                "metadata": value,
                "createdAt": at,
                "updatedAt": at,
                "version": 1,
            }
            for n, value in enumerate(odd_values)
        ],
        bypassDocumentValidation=True,
    )
    segment_id = await shop.create_segment("everyone")

    fields = await shop.api.fetch("{ exportFields { path } }")

    paths = [field["path"] for field in fields]
    assert [path for path in paths if path.startswith("metadata")] == ["metadata.vip", "metadata"]
    assert len(await shop.export(segment_id, fields=paths)) == 1 + 3 + len(odd_values)


async def test_canceling(shop: ExportShop) -> None:
    await create_customers(shop, 3)
    segment_id = await shop.create_segment("everyone")
    canceled_id, done_id = await shop.start(segment_id), await shop.start(segment_id)

    payload = await shop.cancel(canceled_id)
    assert (payload["export"]["status"], payload["userErrors"]) == ("CANCELED", [])
    await shop.write_pending()

    assert (await shop.fetch(canceled_id))["status"] == "CANCELED"
    assert shop.count_chunks(canceled_id) == 0
    assert (await shop.cancel(canceled_id))["userErrors"] == []
    assert (await shop.fetch(done_id))["status"] == "DONE"
    assert await shop.api.list_errors(CANCEL_EXPORT, id=done_id) == ["INVALID id"]
    assert await shop.api.list_errors(CANCEL_EXPORT, id=_UNKNOWN_ID) == ["NOT_FOUND id"]


async def test_files_expire_and_rows_are_deleted_later(shop: ExportShop) -> None:
    await create_customers(shop, 3)
    segment_id = await shop.create_segment("everyone")
    id_, kept_id = await shop.start(segment_id), await shop.start(segment_id)
    await shop.write_pending()
    row = {"_id": object_id(id_)}
    exports, worker = shop.api.database.exports, shop.api.services.export_worker
    past = datetime.now(UTC) - timedelta(seconds=1)

    await worker.sweep()
    assert shop.count_chunks(id_) == 1
    exports.update_one(row, {"$set": {"expiresAt": past}})
    await worker.sweep()
    assert shop.count_chunks(id_) == 0
    assert (await shop.fetch(id_))["status"] == "DONE"
    exports.update_one(row, {"$set": {"deleteAt": past}})
    await worker.sweep()
    assert await shop.fetch(id_) is None
    assert (await shop.fetch(kept_id))["status"] == "DONE"
    assert shop.count_chunks(kept_id) == 1


async def test_an_export_that_keeps_failing_ends_with_a_reason(shop: ExportShop) -> None:
    await create_customers(shop, 3)
    id_ = await shop.start(await shop.create_segment("everyone"))
    exports = shop.api.database.exports
    # The parser knows no such operator, so that every run fails.
    exports.update_one(
        {}, {"$set": {"definition.filter": {"attribute": {"path": "name", "operator": "NONE"}}}}
    )

    for attempt in range(1, 9):
        await shop.write_pending()
        row = exports.find_one({"_id": object_id(id_)})
        assert row is not None
        assert row["attempts"] == attempt
        assert row["retryAt"] > datetime.now(UTC)
        await shop.write_pending()
        assert exports.find_one({"_id": object_id(id_)}) == row
        exports.update_one({}, {"$set": {"retryAt": None}})
    await shop.write_pending()

    failed = await shop.fetch(id_)
    assert failed["status"] == "FAILED"
    assert "failed 8 times" in failed["error"]
    assert failed["finishedAt"]


async def test_large_rows_do_not_gather_in_memory(shop: ExportShop) -> None:
    shop.insert_customers(30, text="x" * 100_000)
    segment_id = await shop.create_segment("everyone")

    # Asserts that the first batch has not all customers.
    id_ = await shop.begin(segment_id, fields=["sourceId", "metadata.text"])
    assert (await shop.fetch(id_))["rowsDone"] == 10
    await shop.write_pending()

    rows = [["sourceId", "metadata.text"], *([f"c{n}", "x" * 100_000] for n in range(30))]
    assert shop.read_rows(id_) == rows
