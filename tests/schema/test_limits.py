"""Requests that are built to hurt: refused before they cost much, or within bounds."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import thread_time
from typing import Any

import pytest
from bson import ObjectId

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running_api
from tests.schema.hostile.requests import (
    CREATE_SEGMENT,
    LIST_CUSTOMERS,
    PREVIEW_SEGMENT,
    QUERY_MEMBERSHIP,
    UPSERT_CUSTOMERS,
    UPSERT_ORDERS,
    condition,
    membership_variables,
    static_segment_input,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_BLOCKED_SECONDS = 0.5
"""Far above the aim of 50 ms: the machine of a test is slow. One piece would take seconds."""


async def longest_block(work: Callable[[], Any]) -> float:
    """Awaits the work. Returns the longest time of the processor, in seconds, that one step of the
    event loop took."""
    longest = 0.0

    async def measure() -> None:
        nonlocal longest
        while True:
            began_at = thread_time()
            await asyncio.sleep(0.001)
            longest = max(longest, thread_time() - began_at)

    task = asyncio.create_task(measure())
    await work()
    task.cancel()
    return longest


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (
            "{ segments(first: 100) { nodes {"
            + " ".join(f"a{n}: memberCount" for n in range(8))
            + "} } }",
            "Segment.memberCount",
        ),
        (
            "{ customers(first: 100) { nodes { segments(first: 1) { nodes { members(first: 100)"
            " { nodes { segments(first: 1) { totalCount } } } } } } } }",
            "Customer.segments",
        ),
        (
            "{" + " ".join(f"a{n}: filterAttributes {{ path }}" for n in range(50)) + "}",
            None,
        ),
        (
            "{ customers(first: 100) { nodes {"
            + " ".join(f"a{n}: metadata" for n in range(99))
            + "} } }",
            None,
        ),
        (
            "{"
            + " ".join(
                f"a{n}: customers(first: 100) {{ totalCount nodes {{ loyalty"
                " { ledger(first: 100) { nodes { id } } } } }"
                for n in range(50)
            )
            + "}",
            "values of the result",
        ),
    ],
    ids=["counts", "members of segments", "samples", "metadata", "ledgers"],
)
async def test_the_cost_of_known_attacks(api: Api, query: str, name: str | None) -> None:
    response = await api.execute(query)

    if name is None:
        assert response["extensions"]["cost"] > 10_000
    else:
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
        assert f"points are for {name}" in error["message"]


@pytest.mark.parametrize(
    ("query", "variables", "code", "path"),
    [
        (UPSERT_CUSTOMERS, {"in": [{"sourceId": "a"}] * 60_000}, "TOO_MANY", ["inputs"]),
        (
            UPSERT_ORDERS,
            {"in": [{"sourceId": "a", "items": [{}] * 40_000}]},
            "TOO_MANY",
            ["inputs", "items"],
        ),
        (
            PREVIEW_SEGMENT,
            {"filter": {"any": [{"all": []}] * 60_000}},
            "FILTER_TOO_COMPLEX",
            ["filter"],
        ),
        (
            CREATE_SEGMENT,
            static_segment_input(*[{"sourceId": "a"}] * 60_000),
            "TOO_MANY",
            ["input", "definition", "customers"],
        ),
        (
            QUERY_MEMBERSHIP,
            {"ref": {"sourceId": "a"}, "ids": ["a"] * 1_001},
            "TOO_MANY",
            ["segmentIds"],
        ),
        (
            QUERY_MEMBERSHIP,
            {"ref": {"sourceId": "a"}, "ids": ["a"] * 60_000},
            "TOO_MANY",
            ["segmentIds"],
        ),
        (
            QUERY_MEMBERSHIP,
            membership_variables({f"key{n}": 1 for n in range(60_000)}),
            "TOO_MANY",
            ["overrides"],
        ),
        (
            "query($kinds: [SegmentKind!]) { segments(kinds: $kinds) { totalCount } }",
            {"kinds": ["STATIC"] * 60_000},
            "TOO_MANY",
            ["kinds"],
        ),
    ],
    ids=[
        "rows",
        "items of an order",
        "branches of a filter",
        "customers of a list",
        "1,001 ids",
        "60,000 ids",
        "overrides",
        "kinds",
    ],
)
async def test_long_inputs_are_refused_at_once(
    api: Api, query: str, variables: Json, code: str, path: list[str]
) -> None:
    before = api.dump()

    async def work() -> None:
        (error,) = (await api.execute(query, **variables))["errors"]
        assert error["extensions"]["code"] == code
        assert error["extensions"]["path"] == path

    assert await longest_block(work) < MAX_BLOCKED_SECONDS
    assert api.dump() == before


async def test_an_answer_has_at_most_100_errors(api: Api) -> None:
    memberships = await api.execute(QUERY_MEMBERSHIP, ref={"sourceId": "a"}, ids=["a"] * 1_000)
    segment = await api.fetch(
        CREATE_SEGMENT, **static_segment_input(*({"sourceId": f"none {n}"} for n in range(200)))
    )

    assert len(memberships["errors"]) == 100
    assert len(segment["userErrors"]) == 100


async def test_each_refused_row_is_named(api: Api) -> None:
    rows = [{"sourceId": "", "name": "\0", "email": "\0"} for _ in range(150)]
    result = await api.bulk_upsert("customersUpsert", rows)

    refused_rows = [int(error.split()[2]) for error in result["refused"]]
    assert result["accepted"] == 0
    assert sorted({*refused_rows}) == [*range(150)]
    assert len(refused_rows) <= 250


async def test_large_legal_calls_do_not_block_the_event_loop(api: Api) -> None:
    metadata = {f"key{number}": "v" * 80 for number in range(60)}
    orders = [
        {
            "sourceId": f"large {number}",
            "customer": {"sourceId": f"large {number}"},
            "amount": 1,
            "items": [{"sku": f"{item}", "amount": 1} for item in range(10)],
        }
        for number in range(500)
    ]
    filter_ = {
        "any": [condition("email", "CONTAINS", value=f"{number}ąćę" * 100) for number in range(200)]
    }

    async def work() -> None:
        customers = [{"sourceId": f"large {n}", "metadata": metadata} for n in range(500)]
        assert (await api.bulk_upsert("customersUpsert", customers))["accepted"] == 500
        assert (await api.bulk_upsert("ordersUpsert", orders))["accepted"] == 500
        assert (await api.fetch(PREVIEW_SEGMENT, filter=filter_))["memberCount"] == 0

    assert await longest_block(work) < MAX_BLOCKED_SECONDS
    orders_read = await api.fetch_customer("large 499", "orders { totalCount } metadata")
    assert orders_read == {"orders": {"totalCount": 1}, "metadata": metadata}


async def test_a_customer_with_much_data_is_judged_in_a_thread(api: Api) -> None:
    texts = [f"text {number} ąćę" for number in range(10_000)]
    await api.upsert("much", metadata={"texts": texts})
    conditions = [
        condition("metadata.texts", "CONTAINS", value=f"none {number}", ignoreCase=True)
        for number in range(20)
    ]
    query = (
        "query($filter: FilterInput!) { segmentPreview(filter: $filter) {"
        ' judge(customer: {sourceId: "much"}) { holds explanation changesAt } } }'
    )

    async def work() -> None:
        preview = await api.fetch(query, filter={"any": conditions})
        assert preview["judge"]["holds"] is False
        assert preview["judge"]["changesAt"] is None
        assert len(preview["judge"]["explanation"]["any"]) == 20

    assert await longest_block(work) < MAX_BLOCKED_SECONDS


async def test_pages_have_a_limit_of_bytes(api: Api) -> None:
    """Large customers, written to MongoDB directly, and aliases of their metadata."""
    customers = [
        {
            "_id": ObjectId(),
            "sourceId": f"huge {number}",
            "createdAt": api.services.now().at,
            "updatedAt": api.services.now().at,
            "version": 1,
            "metadata": {"text": "x" * 1_000_000},
        }
        for number in range(17)
    ]
    api.database.customers.insert_many(customers)
    query = (
        "query($first: Int, $filter: FilterInput!) {"
        " customers(first: $first, filter: $filter) { nodes { sourceId %s } } }"
    )
    is_huge = condition("sourceId", "STARTS_WITH", value="huge")
    try:
        page = await api.execute(query % "metadata", first=15, filter=is_huge)
        large_page = await api.execute(query % "metadata", first=17, filter=is_huge)
        # What is not asked for is not read.
        names = await api.execute(query % "name", first=17, filter=is_huge)
        segment = await api.fetch(
            CREATE_SEGMENT,
            **static_segment_input(*({"sourceId": f"huge {number}"} for number in range(17))),
        )
        members_query = "query($id: ID!) { segment(id: $id) { members { nodes { sourceId %s } } } }"
        ids = {"id": segment["segment"]["id"]}
        member_names = await api.execute(members_query % "name", **ids)
        large_members = await api.execute(members_query % "metadata", **ids)
        aliases = await api.execute(query % "a: metadata b: metadata", first=15, filter=is_huge)
        many_pages = await api.execute(
            "query($filter: FilterInput!) {"
            + " ".join(
                f"a{n}: customers(first: 14, filter: $filter) {{ nodes {{ metadata }} }}"
                for n in range(30)
            )
            + "}",
            filter=is_huge,
        )
    finally:
        api.database.customers.delete_many({"_id": {"$in": [row["_id"] for row in customers]}})

    assert len(page["data"]["customers"]["nodes"]) == 15
    assert len(names["data"]["customers"]["nodes"]) == 17
    assert len(member_names["data"]["segment"]["members"]["nodes"]) == 17
    (error,) = many_pages["errors"]
    assert "16 MiB together; request fewer pages" in error["message"]
    (error,) = large_members["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    (error,) = large_page["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert "request fewer rows" in error["message"]
    (error,) = aliases["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert "larger than 16 MiB" in error["message"]


async def test_an_explanation_has_a_limit_of_bytes(api: Api) -> None:
    """Each condition shows the whole value, however many there are."""
    query = (
        "query($filter: FilterInput!, $overrides: JSON!) { segmentPreview(filter: $filter) {"
        ' judge(customer: {sourceId: "nobody"}, overrides: $overrides) { explanation } } }'
    )
    overrides = {"metadata": {"text": "x" * 1_000_000}}

    few, many = [
        await api.execute(
            query,
            overrides=overrides,
            filter={"any": [condition("metadata.text", "IS", value=f"{n}") for n in range(count)]},
        )
        for count in (15, 17)
    ]

    explained = few["data"]["segmentPreview"]["judge"]["explanation"]["any"]
    assert [part["has"] for part in explained] == [overrides["metadata"]["text"]] * 15
    (error,) = many["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert "larger than 16 MiB" in error["message"]


async def test_an_estimate_does_not_block_the_event_loop(mongod: Mongod, valkey: Valkey) -> None:
    """So many customers that a page is planned by a sample of them."""
    now = datetime.now(UTC)
    times = {"createdAt": now, "updatedAt": now, "version": 1}
    texts = [
        condition("email", "CONTAINS", value=f"{number}" + "łąćę" * 200, ignoreCase=True)
        for number in range(60)
    ]
    bought = {"event": {"name": "purchase", "operator": "GREATER_THAN", "value": 0}}
    filter_ = {"all": [{"any": texts}, bought]}
    async with running_api(mongod, valkey) as api:
        api.database.customers.insert_many(
            {"sourceId": f"c{number}", "email": f"{number}@shop.example", **times}
            for number in range(2_001)
        )

        async def list_customers() -> None:
            page = await api.fetch(LIST_CUSTOMERS, filter=filter_)
            assert page == {"nodes": [], "totalCount": 0}

        assert await longest_block(list_customers) < MAX_BLOCKED_SECONDS
