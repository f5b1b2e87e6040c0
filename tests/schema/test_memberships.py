"""Memberships over GraphQL: with overrides, and of unknown customers."""

from typing import Any

import pytest
import pytest_asyncio

from tests.api import Api, Json
from tests.schema.segment_queries import (
    DELETE,
    MEMBERSHIP_QUERY,
    attribute_filter,
    create_segment,
    create_ten_customers,
    fetch_memberships,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer_ids(api: Api) -> list[str]:
    return await create_ten_customers(api)


@pytest.mark.parametrize(
    ("overrides", "path", "operator", "value"),
    [
        ({"name": "Z"}, "name", "IS", "Z"),
        ({"metadata": {"n": None}}, "metadata.n", "HAS_NO_VALUE", None),
        ({"metadata": {"x": 1}}, "metadata.n", "IS", 4),
        ({"metadata": None}, "metadata.n", "HAS_NO_VALUE", None),
        ({"address": {"city": "Wien"}}, "address.city", "IS", "Wien"),
        ({"birthdate": "2000-02-29"}, "birthdate", "IS", "2000-02-29"),
        ({"orders": {"totalCount": 7}}, "orders.totalCount", "IS", 7),
        ({"orders": {"averageAmount": 7}}, "orders.averageAmount", "IS", 7),
        (
            {"orders": {"lastOrderAt": "2026-01-01T00:00:00Z"}},
            "orders.lastOrderAt",
            "BEFORE",
            "2026-01-02",
        ),
        ({"orders": {"totalCount": None}}, "orders.totalCount", "IS", 0),
        ({"orders": None}, "orders.totalCount", "IS", 0),
        ({"loyalty": {"points": -5}}, "loyalty.points", "IS", -5),
        ({"loyalty": None}, "loyalty.points", "IS", 0),
        ({"events": {"a.b": {"count": 2}}}, "events.a.b.count", "IS", 2),
        (
            {"events": {"$%": {"lastAt": "2026-01-01T00:00:00Z"}}},
            "events.$%.lastAt",
            "BEFORE",
            "2026-01-02",
        ),
        ({"events": {"bought": {"count": 9}}}, "events.bought.firstAt", "HAS_VALUE", None),
        ({"events": {"bought": None}}, "events.bought.count", "IS", 0),
        ({"events": None}, "events.bought.count", "IS", 0),
        ({"events": {"order": {"count": 3}}}, "events.order.count", "IS", 3),
        ({"events": {"order": {"count": 3}}}, "orders.totalCount", "IS", 3),
        ({"sourceId": "c4"}, "sourceId", "IS", "c4"),
    ],
    ids=str,
)
async def test_overrides_are_laid_over_for_one_question(
    api: Api, overrides: Json, path: str, operator: str, value: Any
) -> None:
    if not api.read_customer_document("c4").get("events", {}).get("bought"):
        await api.bulk_upsert("eventsTrack", [{"customer": {"sourceId": "c4"}, "name": "bought"}])
    before = api.read_customer_document("c4")
    segment = await create_segment(
        api,
        f"over {overrides} {path}"[:255],
        filter=attribute_filter(path, operator, value),
    )
    assert await fetch_memberships(api, {"sourceId": "c4"}, [segment], overrides) == [True]
    assert api.read_customer_document("c4") == before
    await api.fetch(DELETE, id=segment)


async def test_somebody_unknown_is_judged_by_the_overrides_alone(api: Api) -> None:
    id_ = await create_segment(
        api, "strangers", filter=attribute_filter("metadata.vip", "IS", True)
    )
    static = await create_segment(api, "no stranger", customers=[{"sourceId": "c1"}])
    stranger = {"sourceId": "stranger"}
    assert await fetch_memberships(api, stranger, [id_, static]) == [False, False]
    vip = {"metadata": {"vip": True}}
    assert await fetch_memberships(api, stranger, [id_, static, id_], vip) == [True, False, True]
    assert await fetch_memberships(api, stranger, [], vip) == []
    assert await api.fetch_customer("stranger") is None
    refused = await api.list_errors(MEMBERSHIP_QUERY, who=stranger, over={"sourceId": "other"})
    assert refused == ["INVALID overrides sourceId"]
