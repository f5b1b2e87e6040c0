"""No segment becomes active, or is made to rest on a key, while the key's values are under way."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.api import Json
from tests.club import RULE as CREATE_RULE
from tests.club import Club, rule
from tests.metadata.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPDATE = (
    "mutation($id: ID!, $input: SegmentUpdateInput!) { segmentUpdate(id: $id, input: $input)"
    " { userErrors { code message path } } }"
)


class Rules(Club):
    """Earning rules of one program, on segments that the tests make."""

    program_id = ""

    async def create(self, segment: str) -> list[Json]:
        answer = await self.api.ask(CREATE_RULE, input=rule(self.program_id, segment))
        return list(answer["userErrors"])

    async def edit(self, segment: str, filter_: Json) -> list[Json]:
        answer = await self.api.ask(UPDATE, id=segment, input={"filter": filter_})
        return list(answer["userErrors"])

    async def make(self, filter_: Json, name: str = "") -> str:
        return await self.segment(name or uuid4().hex, filter=filter_)


@pytest_asyncio.fixture(loop_scope="module")
async def rules(shop: Shop) -> Rules:
    rules = Rules(shop.api)
    rules.program_id = await rules.program(uuid4().hex)
    return rules


def _on(key: str, **more: Any) -> Json:
    return {"attribute": {"path": f"metadata.{key}", "operator": "HAS_VALUE"}, **more}


async def _under_way(shop: Shop, key: str, state: str) -> None:
    await shop.set(key, "DATE")
    change = {"$set": {"state": state}}
    shop.api.database.metadataDefinitions.update_one({"_id": key}, change)
    shop.api.database.fences.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})


@pytest.mark.parametrize("state", ["CHECKING", "CONVERTING"])
async def test_a_rule_waits_until_the_keys_of_its_segment_are_ready(
    shop: Shop, rules: Rules, key: str, state: str
) -> None:
    name = uuid4().hex
    segment = await rules.make({"any": [{"none": [_on(key)]}, _on("other")]}, name)
    await _under_way(shop, key, state)

    assert await rules.create(segment) == [
        {
            "code": "INVALID",
            "path": ["input", "segmentId"],
            "message": f"The filter of the segment {name!r} names metadata.{key}, which is {state};"
            " try again when it is READY.",
        }
    ]
    assert (await shop.settle(key))["state"] == "READY"
    assert await rules.create(segment) == []


async def test_so_it_is_with_segments_inside_at_any_depth(
    shop: Shop, rules: Rules, key: str
) -> None:
    name = uuid4().hex
    inner = await rules.make(_on(key), name)
    middle = await rules.make({"none": [{"segment": {"id": inner}}]})
    outer = await rules.make({"all": [{"segment": {"id": middle, "member": False}}]})
    await shop.set(key, "DATE")

    (refused,) = await rules.create(outer)
    assert refused["message"].startswith(f"The filter of the segment {name!r} names metadata.{key}")
    await shop.settle(key)
    assert await rules.create(outer) == []


async def test_an_edit_brings_no_key_under_way_into_an_active_segment(
    shop: Shop, rules: Rules, key: str
) -> None:
    name = uuid4().hex
    inner = await rules.make(_on("other"))
    middle = await rules.make({"segment": {"id": inner}})
    outer = await rules.make({"segment": {"id": middle}}, name)
    by_key = await rules.make(_on(key))
    assert await rules.create(outer) == []
    await shop.set(key, "DATE")

    for filter_ in (_on(key), {"segment": {"id": by_key}}):
        (refused,) = await rules.edit(inner, filter_)
        assert (refused["code"], refused["path"]) == ("INVALID", ["input", "filter"])
        assert refused["message"].startswith(
            f"The segment {name!r} rests on this one, and is active: The filter of the segment"
        )
        assert refused["message"].endswith("which is CHECKING; try again when it is READY.")
    # Of a passive segment the filter may name it.
    assert await rules.edit(by_key, {"all": [_on(key)]}) == []
    assert await rules.edit(inner, {"all": [_on("other")]}) == []
    await shop.settle(key)
    assert await rules.edit(inner, _on(key)) == []


async def test_of_a_rule_and_a_definition_at_once_one_is_refused(shop: Shop, rules: Rules) -> None:
    refused = []
    for _ in range(20):
        key = f"key {uuid4().hex}"
        segment = await rules.make(_on(key))
        created, defined = await asyncio.gather(rules.create(segment), shop.set(key, "DATE"))
        refused += [bool(created), bool(defined["userErrors"])]
        assert bool(created) != bool(defined["userErrors"])
    assert any(refused)
