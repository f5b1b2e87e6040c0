"""No segment becomes active, or depends on a metadata key, while the key's values are converted."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.api import Json
from tests.loyalty_client import CREATE_RULE as CREATE_RULE
from tests.loyalty_client import LoyaltyClient, earning_rule_input
from tests.metadata.conftest import MetadataShop

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPDATE = (
    "mutation($id: ID!, $input: SegmentUpdateInput!) { segmentUpdate(id: $id, input: $input)"
    " { userErrors { code message path } } }"
)


class EarningRules(LoyaltyClient):
    """Creates earning rules of one program, on segments of the tests."""

    program_id = ""

    async def create_rule_errors(self, segment: str) -> list[Json]:
        answer = await self.api.fetch(
            CREATE_RULE, input=earning_rule_input(self.program_id, segment)
        )
        return list(answer["userErrors"])

    async def edit_segment_errors(self, segment: str, filter_: Json) -> list[Json]:
        answer = await self.api.fetch(UPDATE, id=segment, input={"filter": filter_})
        return list(answer["userErrors"])

    async def create_filter_segment(self, filter_: Json, name: str = "") -> str:
        return await self.create_segment(name or uuid4().hex, filter=filter_)


@pytest_asyncio.fixture(loop_scope="module")
async def rules(shop: MetadataShop) -> EarningRules:
    rules = EarningRules(shop.api)
    rules.program_id = await rules.create_program(uuid4().hex)
    return rules


def key_filter(key: str, **more: Any) -> Json:
    return {"attribute": {"path": f"metadata.{key}", "operator": "HAS_VALUE"}, **more}


async def begin_conversion(shop: MetadataShop, key: str, state: str) -> None:
    await shop.set_definition(key, "DATE")
    change = {"$set": {"state": state}}
    shop.api.database.metadataDefinitions.update_one({"_id": key}, change)
    shop.api.database.counters.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})


@pytest.mark.parametrize("state", ["CHECKING", "CONVERTING"])
async def test_a_rule_waits_until_the_keys_of_its_segment_are_ready(
    shop: MetadataShop, rules: EarningRules, key: str, state: str
) -> None:
    name = uuid4().hex
    segment = await rules.create_filter_segment(
        {"any": [{"none": [key_filter(key)]}, key_filter("other")]}, name
    )
    await begin_conversion(shop, key, state)

    assert await rules.create_rule_errors(segment) == [
        {
            "code": "INVALID",
            "path": ["input", "segmentId"],
            "message": f"The filter of the segment {name!r} names metadata.{key}, which is {state};"
            " try again when it is READY.",
        }
    ]
    assert (await shop.convert(key))["state"] == "READY"
    assert await rules.create_rule_errors(segment) == []


async def test_nested_segments_wait_at_any_depth(
    shop: MetadataShop, rules: EarningRules, key: str
) -> None:
    name = uuid4().hex
    inner = await rules.create_filter_segment(key_filter(key), name)
    middle = await rules.create_filter_segment({"none": [{"segment": {"id": inner}}]})
    outer = await rules.create_filter_segment(
        {"all": [{"segment": {"id": middle, "member": False}}]}
    )
    await shop.set_definition(key, "DATE")

    (refused,) = await rules.create_rule_errors(outer)
    assert refused["message"].startswith(f"The filter of the segment {name!r} names metadata.{key}")
    await shop.convert(key)
    assert await rules.create_rule_errors(outer) == []


async def test_an_edit_adds_no_key_in_conversion_to_an_active_segment(
    shop: MetadataShop, rules: EarningRules, key: str
) -> None:
    name = uuid4().hex
    inner = await rules.create_filter_segment(key_filter("other"))
    middle = await rules.create_filter_segment({"segment": {"id": inner}})
    outer = await rules.create_filter_segment({"segment": {"id": middle}}, name)
    by_key = await rules.create_filter_segment(key_filter(key))
    assert await rules.create_rule_errors(outer) == []
    await shop.set_definition(key, "DATE")

    for filter_ in (key_filter(key), {"segment": {"id": by_key}}):
        (refused,) = await rules.edit_segment_errors(inner, filter_)
        assert (refused["code"], refused["path"]) == ("INVALID", ["input", "filter"])
        assert refused["message"].startswith(
            f"The active segment {name!r} contains this one: The filter of the segment"
        )
        assert refused["message"].endswith("which is CHECKING; try again when it is READY.")
    # Of a passive segment the filter may name it.
    assert await rules.edit_segment_errors(by_key, {"all": [key_filter(key)]}) == []
    assert await rules.edit_segment_errors(inner, {"all": [key_filter("other")]}) == []
    await shop.convert(key)
    assert await rules.edit_segment_errors(inner, key_filter(key)) == []


async def test_of_a_concurrent_rule_and_definition_one_is_rejected(
    shop: MetadataShop, rules: EarningRules
) -> None:
    refused = []
    for _ in range(20):
        key = f"key {uuid4().hex}"
        segment = await rules.create_filter_segment(key_filter(key))
        created, defined = await asyncio.gather(
            rules.create_rule_errors(segment), shop.set_definition(key, "DATE")
        )
        refused += [bool(created), bool(defined["userErrors"])]
        assert bool(created) != bool(defined["userErrors"])
    assert any(refused)
