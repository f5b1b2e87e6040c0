"""Definitions change while an export runs: it ends by the definition that it began with, or fails
with a reason."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api import Json
from tests.exports.export_shop import START_EXPORT, ExportShop

# More than two batches of a reader.
_CUSTOMERS = 2_500
_FIRST_2400: Json = {
    "attribute": {"path": "metadata.number", "operator": "LESS_THAN", "value": 2400}
}
_UPDATE_SEGMENT = (
    "mutation($id: ID!, $input: SegmentUpdateInput!) { segmentUpdate(id: $id, input: $input)"
    " { segment { id } userErrors { code message } } }"
)
_DELETE_SEGMENT = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code } } }"
_DEFINE = (
    "mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input)"
    " { definition { state } userErrors { code message } } }"
)
_JANUARY = datetime(2026, 1, 2, tzinfo=UTC)


def source_ids(numbers: range) -> list[list[str]]:
    return [["sourceId"], *([f"c{n}"] for n in numbers)]


async def update(shop: ExportShop, id_: str, **changes: Any) -> None:
    payload = await shop.api.fetch(_UPDATE_SEGMENT, id=id_, input=changes)
    assert not payload["userErrors"], payload


async def delete(shop: ExportShop, id_: str) -> None:
    assert await shop.api.fetch(_DELETE_SEGMENT, id=id_) == {"deletedId": id_, "userErrors": []}


async def define(shop: ExportShop, key: str, type_: str) -> None:
    payload = await shop.api.fetch(_DEFINE, input={"key": key, "type": type_})
    assert not payload["userErrors"], payload


async def finish(shop: ExportShop, id_: str) -> Json:
    await shop.write_pending()
    return await shop.fetch(id_)


async def test_an_edited_segment_is_exported_as_it_was(shop: ExportShop) -> None:
    shop.insert_customers(_CUSTOMERS)
    inner = await shop.create_segment("inner", _FIRST_2400)
    outer = await shop.create_segment("outer", {"segment": {"id": inner}})
    id_ = await shop.begin(outer, fields=["sourceId"])

    nobody = {"attribute": {"path": "metadata.number", "operator": "LESS_THAN", "value": 0}}
    await update(shop, inner, filter=nobody)
    await update(shop, outer, name="renamed", filter=nobody)

    done = await finish(shop, id_)
    assert (done["status"], done["segmentName"]) == ("DONE", "outer")
    assert shop.read_rows(id_) == source_ids(range(2400))


async def test_a_deleted_segment_is_exported_to_the_end(shop: ExportShop) -> None:
    shop.insert_customers(_CUSTOMERS)
    inner = await shop.create_segment("inner", _FIRST_2400)
    outer = await shop.create_segment("outer", {"segment": {"id": inner}})
    id_ = await shop.begin(outer, fields=["sourceId"])

    await delete(shop, outer)
    await delete(shop, inner)

    done = await finish(shop, id_)
    assert (done["status"], done["segment"], done["segmentId"]) == ("DONE", None, outer)
    assert shop.read_rows(id_) == source_ids(range(2400))


@pytest.mark.parametrize("is_nested", [False, True])
async def test_a_deleted_static_segment_is_an_error(shop: ExportShop, is_nested: bool) -> None:
    shop.insert_customers(_CUSTOMERS)
    listed = await shop.create_segment("listed", snapshot=_FIRST_2400)
    outer = await shop.create_segment("outer", {"segment": {"id": listed}})
    exported = outer if is_nested else listed
    id_ = await shop.begin(exported, fields=["sourceId"])

    await delete(shop, outer)
    await delete(shop, listed)

    failed = await finish(shop, id_)
    assert failed["status"] == "FAILED"
    assert failed["error"] == (
        ("The static segment 'listed'" if is_nested else "The segment")
        + " was deleted during the export, and its list of members with it."
    )
    await shop.api.services.export_worker.sweep()
    assert shop.count_chunks(id_) == 0


async def test_a_static_segment_is_exported_in_several_runs(shop: ExportShop) -> None:
    shop.insert_customers(_CUSTOMERS)
    listed = await shop.create_segment("listed", snapshot=_FIRST_2400)
    id_ = await shop.begin(listed, fields=["sourceId"])

    assert (await finish(shop, id_))["status"] == "DONE"
    assert shop.read_rows(id_) == source_ids(range(2400))


@pytest.mark.parametrize("fields", [["sourceId", "metadata.day"], ["metadata"]])
async def test_values_converted_during_the_export_are_an_error(
    shop: ExportShop, fields: list[str]
) -> None:
    shop.insert_customers(_CUSTOMERS, day="2026-01-02")
    id_ = await shop.begin(await shop.create_segment("everyone"), fields=fields)

    await define(shop, "day", "DATE")
    await shop.write_batch()
    # Until the values are converted, the export goes on.
    assert (await shop.fetch(id_))["status"] == "IN_PROGRESS"
    await shop.api.services.metadata.convert("day")

    failed = await finish(shop, id_)
    assert failed["status"] == "FAILED"
    assert failed["error"].startswith("metadata.day was redefined during the export")


async def test_a_filter_on_converted_values_is_an_error(shop: ExportShop) -> None:
    shop.insert_customers(_CUSTOMERS, day=_JANUARY)
    await define(shop, "day", "DATE")
    await shop.api.services.metadata.convert("day")
    condition = {"path": "metadata.day", "operator": "IS", "value": "2026-01-02"}
    id_ = await shop.begin(await shop.create_segment("january", {"attribute": condition}))

    await define(shop, "day", "DATETIME")
    await shop.api.services.metadata.convert("day")

    assert (await finish(shop, id_))["status"] == "FAILED"


async def test_other_definitions_do_not_matter(shop: ExportShop) -> None:
    shop.insert_customers(_CUSTOMERS, day="2026-01-02", plan="gold")
    everyone = await shop.create_segment("everyone")
    id_ = await shop.begin(everyone, fields=["sourceId", "metadata.plan"])

    for key, type_ in (("day", "DATE"), ("plan", "STRING")):
        await define(shop, key, type_)
        await shop.api.services.metadata.convert(key)

    assert (await finish(shop, id_))["status"] == "DONE"
    assert shop.read_rows(id_) == [
        ["sourceId", "metadata.plan"],
        *([f"c{n}", "gold"] for n in range(_CUSTOMERS)),
    ]


async def test_no_export_begins_while_its_values_are_converted(shop: ExportShop) -> None:
    shop.insert_customers(1, day="2026-01-02")
    everyone = await shop.create_segment("everyone")
    condition = {"path": "metadata.day", "operator": "HAS_VALUE"}
    by_day = await shop.create_segment("by day", {"attribute": condition})
    await define(shop, "day", "DATE")

    for input_ in (
        {"segmentId": everyone, "fields": ["metadata.day"]},
        {"segmentId": everyone, "fields": ["metadata"]},
        {"segmentId": by_day},
    ):
        assert await shop.api.list_errors(START_EXPORT, input=input_) == ["INVALID input"]
    assert await shop.api.list_errors(START_EXPORT, input={"segmentId": everyone}) == []
