"""A filter uses the type of a key from READY on, by the pipeline and by the evaluator."""

from typing import Any

import pytest

from tests.metadata.conftest import MetadataShop

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MEMBERSHIP = """query($ref: CustomerRef!, $ids: [ID!]) {
    segmentMembership(customer: $ref, segmentIds: $ids) { isMember } }"""
_COUNT = "query($id: ID!) { segment(id: $id) { memberCount members { nodes { sourceId } } } }"


async def fetch_memberships(shop: MetadataShop, segment: str, customers: list[str]) -> list[bool]:
    """Returns whether each customer is a member; asserts that pipeline and evaluator agree."""
    segment_result = await shop.api.fetch(_COUNT, id=segment)
    member_source_ids = [node["sourceId"] for node in segment_result["members"]["nodes"]]
    memberships = []
    for customer in customers:
        variables = {"ref": {"sourceId": customer}, "ids": [segment]}
        ((answer),) = await shop.api.fetch(_MEMBERSHIP, **variables)
        memberships.append(answer["isMember"])
    assert [customer in member_source_ids for customer in customers] == memberships
    assert segment_result["memberCount"] >= sum(memberships)
    return memberships


@pytest.mark.parametrize(
    ("operator", "value", "checking", "ready"),
    [
        ("IS", "2026-03-29", [False, True, False], [False, True, False]),
        ("BEFORE", "2026-03-29", [False, False, False], [True, False, False]),
        ("BETWEEN", ["2026-03-28", "2026-03-29"], [False] * 3, [True, True, False]),
        ("HAS_VALUE", None, [True, True, True], [True, True, True]),
        ("ON_OR_AFTER", "2026-03-29T00:00:00+01:00", [False] * 3, [False, True, True]),
    ],
)
async def test_days_are_compared_as_days_once_ready(
    shop: MetadataShop,
    key: str,
    operator: str,
    value: Any,
    checking: list[bool],
    ready: list[bool],
) -> None:
    days = ["2026-03-28", "2026-03-29", "2026-04-01"]
    customers = [await shop.create_customer(**{key: day}) for day in days]
    condition = {"path": f"metadata.{key}", "operator": operator, "value": value}
    await shop.set_definition(key, "DATE")
    segment = await shop.create_segment(condition)
    assert await fetch_memberships(shop, segment, customers) == checking
    await shop.convert(key)

    assert await fetch_memberships(shop, segment, customers) == ready


async def test_a_key_must_be_defined_before_it_is_compared_with_dates(
    shop: MetadataShop, key: str
) -> None:
    query = """query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"""
    condition = {"path": f"metadata.{key}", "operator": "WITHIN_LAST", "value": "P30D"}
    response = await shop.api.execute(query, filter={"attribute": condition})
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "OPERATOR_NOT_APPLICABLE"
    assert error["extensions"]["path"] == ["filter", "attribute", "operator"]
    assert f"Define the key {key!r} as DATE or DATETIME first." in error["message"]


async def test_a_refused_definition_leaves_a_segment_that_selects_nobody(
    shop: MetadataShop, key: str
) -> None:
    customers = [await shop.create_customer(**{key: value}) for value in ("2026-03-28", "soon")]
    await shop.set_definition(key, "DATE")
    segment = await shop.create_segment(
        {"path": f"metadata.{key}", "operator": "BEFORE", "value": "2026-03-29"}
    )
    assert (await shop.convert(key))["state"] == "REFUSED"
    assert await fetch_memberships(shop, segment, customers) == [False, False]


async def test_instants_are_compared_in_the_zone_of_the_project(
    shop: MetadataShop, key: str
) -> None:
    await shop.define_and_convert(key, "DATETIME")
    texts = ["2026-03-28T22:59:59.999Z", "2026-03-29", "2026-03-29T00:00:00.001"]
    customers = [await shop.create_customer(**{key: text}) for text in texts]
    path = f"metadata.{key}"
    is_ = await shop.create_segment({"path": path, "operator": "IS", "value": "2026-03-28T23:00Z"})
    assert await fetch_memberships(shop, is_, customers) == [False, True, False]
    after = await shop.create_segment(
        {"path": path, "operator": "ON_OR_AFTER", "value": "2026-03-29"}
    )
    assert await fetch_memberships(shop, after, customers) == [False, True, True]


async def test_values_of_another_type_are_as_if_missing(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE")
    customer = await shop.create_customer()
    shop.api.database.customers.update_one(
        {"sourceId": customer}, {"$set": {f"metadata.{key}": "2026-03-29"}}
    )
    is_ = {"path": f"metadata.{key}", "operator": "IS", "value": "2026-03-29"}
    assert await fetch_memberships(shop, await shop.create_segment(is_), [customer]) == [False]


async def test_overrides_obey_the_definition(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE")
    condition = {"path": f"metadata.{key}", "operator": "IS", "value": "2026-03-29"}
    segment = await shop.create_segment(condition)
    query = """query($ids: [ID!], $over: JSON) { segmentMembership(
        customer: {sourceId: "nobody"}, segmentIds: $ids, overrides: $over) { isMember } }"""
    for day, holds in (("2026-03-29", True), ("2026-03-30", False)):
        over = {"metadata": {key: day}}
        assert await shop.api.fetch(query, ids=[segment], over=over) == [{"isMember": holds}]
    refused = await shop.api.list_errors(query, ids=[segment], over={"metadata": {key: "soon"}})
    assert refused == [f"METADATA_INVALID overrides metadata {key}"]


async def test_an_operator_must_fit_once_ready(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE")
    query = """query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"""
    condition = {"path": f"metadata.{key}", "operator": "CONTAINS", "value": "2026"}
    refused = await shop.api.list_errors(query, filter={"attribute": condition})
    assert refused == ["OPERATOR_NOT_APPLICABLE filter attribute operator"]
