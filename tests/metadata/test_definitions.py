"""Valid and rejected metadata definitions."""

from typing import Any

import pytest

from tests.metadata.conftest import MetadataShop

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_new_definition_is_checked_first_and_then_ready(
    shop: MetadataShop, key: str
) -> None:
    payload = await shop.set_definition(key, "NUMBER", label="How tall")
    assert payload == {
        "definition": {
            "key": key,
            "type": "NUMBER",
            "isArray": False,
            "required": False,
            "allowedValues": None,
            "label": "How tall",
            "state": "CHECKING",
            "problem": None,
        },
        "userErrors": [],
    }
    assert (await shop.convert(key))["state"] == "READY"


async def test_a_repeated_definition_changes_nothing(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE", allowedValues=["2026-03-29"])
    revision = await shop.api.services.store.definitions.read_revision()

    payload = await shop.set_definition(key, "DATE", allowedValues=["2026-03-29"], isArray=False)

    assert payload["definition"]["state"] == "READY"
    assert payload["definition"]["allowedValues"] == ["2026-03-29"]
    assert await shop.api.services.store.definitions.read_revision() == revision


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"key": ""}, "key"),
        ({"key": "a.b"}, "key"),
        ({"key": "$a"}, "key"),
        ({"key": "a\0"}, "key"),
        ({"key": "k" * 101}, "key"),
        ({"label": "l" * 101}, "label"),
        ({"label": "a\0"}, "label"),
        ({"allowedValues": []}, "allowedValues"),
        ({"allowedValues": ["a"] * 1001}, "allowedValues"),
        ({"allowedValues": ["a", 1]}, "allowedValues 1"),
        ({"allowedValues": ["a\0"]}, "allowedValues 0"),
        ({"allowedValues": ["a" * 2_000_000]}, "allowedValues"),
        ({"type": "DATE", "allowedValues": ["2026-02-30"]}, "allowedValues 0"),
        ({"type": "DATE", "allowedValues": ["2026-02-01T00:00:00Z"]}, "allowedValues 0"),
        ({"type": "BOOLEAN", "allowedValues": [1]}, "allowedValues 0"),
        ({"type": "GEOPOINT", "allowedValues": [{"lat": 91, "lon": 0}]}, "allowedValues 0"),
        ({"type": "OBJECT", "allowedValues": [{"a.b": 1}]}, "allowedValues 0"),
    ],
)
async def test_an_invalid_definition_is_rejected_with_its_path(
    shop: MetadataShop, key: str, change: dict[str, Any], path: str
) -> None:
    wanted = {"key": key, "type": "STRING"} | change
    refused = await shop.list_errors(wanted.pop("key"), wanted.pop("type"), **wanted)
    assert refused == [f"INVALID input {path}"]


async def test_every_problem_is_reported_at_once(shop: MetadataShop) -> None:
    refused = await shop.list_errors("a.b", "NUMBER", label="l" * 101, allowedValues=["a", 1, None])
    assert refused == ["BAD_REQUEST"]
    refused = await shop.list_errors("a.b", "NUMBER", label="l" * 101, allowedValues=["a", 1, True])
    assert refused == [
        "INVALID input key",
        "INVALID input label",
        "INVALID input allowedValues 0",
        "INVALID input allowedValues 2",
    ]


async def test_null_equals_a_missing_argument(shop: MetadataShop, key: str) -> None:
    payload = await shop.set_definition(
        key, "STRING", isArray=None, required=None, allowedValues=None, label=None
    )
    assert payload["definition"]["isArray"] is False
    assert payload["definition"]["required"] is False
    assert payload["definition"]["allowedValues"] is None


async def test_a_segment_that_would_not_fit_is_named(shop: MetadataShop, key: str) -> None:
    await shop.create_segment({"path": f"metadata.{key}", "operator": "STARTS_WITH", "value": "a"})
    name = await last_segment_name(shop)

    payload = await shop.set_definition(key, "DATE")

    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "key"])
    assert name in error["message"]
    assert (await shop.define_and_convert(key, "STRING"))["state"] == "READY"


async def test_a_segment_that_fits_does_not_block_a_definition(
    shop: MetadataShop, key: str
) -> None:
    await shop.create_segment({"path": f"metadata.{key}", "operator": "IS", "value": "2026-03-29"})
    assert (await shop.define_and_convert(key, "DATE"))["state"] == "READY"


async def test_a_path_into_an_object_fits_no_other_type(shop: MetadataShop, key: str) -> None:
    await shop.create_segment({"path": f"metadata.{key}.size", "operator": "IS", "value": 1})
    assert await shop.list_errors(key, "NUMBER") == ["INVALID input key"]
    assert (await shop.define_and_convert(key, "OBJECT"))["state"] == "READY"


async def test_an_active_segment_blocks_definitions_of_its_keys(
    shop: MetadataShop, key: str
) -> None:
    id_ = await shop.create_segment({"path": f"metadata.{key}", "operator": "HAS_VALUE"})
    name = await last_segment_name(shop)
    shop.api.database.segments.update_one({"name": name}, {"$set": {"kind": "ACTIVE"}})
    await increment_revision(shop)

    payload = await shop.set_definition(key, "STRING")

    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "key"])
    assert name in error["message"]
    assert id_


async def test_a_filter_created_during_the_check_rejects_the_definition(
    shop: MetadataShop, key: str
) -> None:
    await shop.set_definition(key, "NUMBER")
    await shop.create_segment({"path": f"metadata.{key}", "operator": "CONTAINS", "value": "a"})
    name = await last_segment_name(shop)

    refused = await shop.convert(key)

    assert refused["state"] == "REFUSED"
    assert name in refused["problem"]


async def last_segment_name(shop: MetadataShop) -> str:
    (last,) = shop.api.database.segments.find().sort("_id", -1).limit(1)
    return str(last["name"])


async def increment_revision(shop: MetadataShop) -> None:
    shop.api.database.counters.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})
