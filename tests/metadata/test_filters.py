"""Filters take a key by its type, from READY on; both engines say the same."""

from typing import Any

import pytest

from tests.metadata.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MEMBERSHIP = """query($ref: CustomerRef!, $ids: [ID!]) {
    segmentMembership(customer: $ref, segmentIds: $ids) { isMember } }"""
_COUNT = "query($id: ID!) { segment(id: $id) { memberCount members { nodes { sourceId } } } }"


async def _members(shop: Shop, segment: str, customers: list[str]) -> list[bool]:
    """Who of the customers is in: by the pipeline, and by the evaluator."""
    found = await shop.api.ask(_COUNT, id=segment)
    listed = [node["sourceId"] for node in found["members"]["nodes"]]
    asked = []
    for customer in customers:
        variables = {"ref": {"sourceId": customer}, "ids": [segment]}
        ((answer),) = await shop.api.ask(_MEMBERSHIP, **variables)
        asked.append(answer["isMember"])
    assert [customer in listed for customer in customers] == asked
    assert found["memberCount"] >= sum(asked)
    return asked


@pytest.mark.parametrize(
    ("operator", "value", "undefined", "ready"),
    [
        ("IS", "2026-03-29", [False, True, False], [False, True, False]),
        ("BEFORE", "2026-03-29", [False, False, False], [True, False, False]),
        ("BETWEEN", ["2026-03-28", "2026-03-29"], [False] * 3, [True, True, False]),
        ("HAS_VALUE", None, [True, True, True], [True, True, True]),
        ("ON_OR_AFTER", "2026-03-29T00:00:00+01:00", [False] * 3, [False, True, True]),
    ],
)
async def test_days_are_compared_as_days_once_ready(
    shop: Shop, key: str, operator: str, value: Any, undefined: list[bool], ready: list[bool]
) -> None:
    days = ["2026-03-28", "2026-03-29", "2026-04-01"]
    customers = [await shop.customer(**{key: day}) for day in days]
    condition = {"path": f"metadata.{key}", "operator": operator, "value": value}
    segment = await shop.segment(condition)
    assert await _members(shop, segment, customers) == undefined

    await shop.set(key, "DATE")
    assert await _members(shop, segment, customers) == undefined
    await shop.settle(key)

    assert await _members(shop, segment, customers) == ready


async def test_moments_are_compared_in_the_zone_of_the_project(shop: Shop, key: str) -> None:
    await shop.define(key, "DATETIME")
    texts = ["2026-03-28T22:59:59.999Z", "2026-03-29", "2026-03-29T00:00:00.001"]
    customers = [await shop.customer(**{key: text}) for text in texts]
    path = f"metadata.{key}"
    is_ = await shop.segment({"path": path, "operator": "IS", "value": "2026-03-28T23:00Z"})
    assert await _members(shop, is_, customers) == [False, True, False]
    after = await shop.segment({"path": path, "operator": "ON_OR_AFTER", "value": "2026-03-29"})
    assert await _members(shop, after, customers) == [False, True, True]


async def test_values_of_another_type_are_as_if_missing(shop: Shop, key: str) -> None:
    await shop.define(key, "DATE")
    customer = await shop.customer()
    shop.api.database.customers.update_one(
        {"sourceId": customer}, {"$set": {f"metadata.{key}": "2026-03-29"}}
    )
    is_ = {"path": f"metadata.{key}", "operator": "IS", "value": "2026-03-29"}
    assert await _members(shop, await shop.segment(is_), [customer]) == [False]


async def test_overrides_are_taken_by_the_definition(shop: Shop, key: str) -> None:
    await shop.define(key, "DATE")
    condition = {"path": f"metadata.{key}", "operator": "IS", "value": "2026-03-29"}
    segment = await shop.segment(condition)
    query = """query($ids: [ID!], $over: JSON) { segmentMembership(
        customer: {sourceId: "nobody"}, segmentIds: $ids, overrides: $over) { isMember } }"""
    for day, holds in (("2026-03-29", True), ("2026-03-30", False)):
        over = {"metadata": {key: day}}
        assert await shop.api.ask(query, ids=[segment], over=over) == [{"isMember": holds}]
    refused = await shop.api.refusals(query, ids=[segment], over={"metadata": {key: "soon"}})
    assert refused == [f"METADATA_INVALID overrides metadata {key}"]


async def test_an_operator_must_fit_once_ready(shop: Shop, key: str) -> None:
    await shop.define(key, "DATE")
    query = """query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"""
    condition = {"path": f"metadata.{key}", "operator": "CONTAINS", "value": "2026"}
    refused = await shop.api.refusals(query, filter={"attribute": condition})
    assert refused == ["OPERATOR_NOT_APPLICABLE filter attribute operator"]
