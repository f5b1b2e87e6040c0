"""Customers over GraphQL: created, updated, found, paged and deleted."""

import asyncio
from typing import Any

import pytest

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPSERT = (
    "mutation($in: CustomerInput!) { customerUpsert(input: $in)"
    " { customer { id updatedAt } userErrors { code path message } } }"
)
LIST = (
    "query($first: Int, $after: String, $search: String, $filter: FilterInput) {"
    " customers(first: $first, after: $after, search: $search, filter: $filter) {"
    " totalCount nodes { sourceId } edges { cursor }"
    " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
)
COMPLETE_CUSTOMER: Json = {
    "name": "Zoë",
    "email": "zoe@example.com",
    "phone": "+48 123",
    "description": "d",
    "birthdate": "1990-02-28",
    "source": "api",
    "address": {"line1": "1", "city": "Łódź", "postalCode": "90-001"},
    "metadata": {"vip": True, "n": 1, "list": [1, 2], "deep": {"a": 1, "b": 2}},
}
FIELDS = (
    "sourceId name email phone description birthdate source metadata"
    " address { line1 line2 city state postalCode country }"
)


async def test_what_is_said_comes_back(api: Api) -> None:
    await api.upsert("whole", **COMPLETE_CUSTOMER)
    absent = {"line2": None, "state": None, "country": None}
    assert await api.fetch_customer("whole", FIELDS) == {
        **COMPLETE_CUSTOMER,
        "sourceId": "whole",
        "address": {**COMPLETE_CUSTOMER["address"], **absent},
    }
    assert await api.fetch_customer(
        "whole",
        "orders { totalCount totalAmount averageAmount lastOrderAt } loyalty { points }",
    ) == {
        "orders": {"totalCount": 0, "totalAmount": 0, "averageAmount": None, "lastOrderAt": None},
        "loyalty": {"points": 0},
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "Z"}, {"name": "Z"}),
        ({"name": None}, {"name": None}),
        ({"birthdate": None}, {"birthdate": None}),
        ({"address": {"city": None, "state": "S"}}, {"address": {"city": None, "state": "S"}}),
        ({"address": None}, {"address": None}),
        ({"address": {"line1": None, "city": None, "postalCode": None}}, {"address": None}),
        ({"metadata": None}, {"metadata": {}}),
        (
            {"metadata": {"vip": None, "list": [], "deep": {"b": 3}}},
            {"metadata": {"n": 1, "list": [], "deep": {"b": 3}}},
        ),
        (
            {"metadata": {"new": {"a": None}}},
            {"metadata": {**COMPLETE_CUSTOMER["metadata"], "new": {"a": None}}},
        ),
    ],
    ids=str,
)
async def test_what_is_left_out_stays_null_removes_and_two_are_merged(
    api: Api, change: Json, expected: Json
) -> None:
    source_id = str(change)
    await api.upsert(source_id, **COMPLETE_CUSTOMER)
    before = await api.fetch_customer(source_id, FIELDS)
    await api.upsert(source_id, **change)
    address = expected.get("address")
    if address:
        expected = {"address": {**before["address"], **address}}
    assert await api.fetch_customer(source_id, FIELDS) == {**before, **expected}
    assert api.read_customer_document(source_id)["version"] == 2


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({}, False),
        (COMPLETE_CUSTOMER, False),
        ({"name": "Zoë"}, False),
        ({"address": {"line2": None}}, False),
        ({"metadata": {}}, False),
        ({"metadata": {"absent": None}}, False),
        ({"metadata": {"deep": {"b": 2, "a": 1}}}, False),
        ({"metadata": {"n": True}}, True),
        ({"metadata": {"n": 1.0}}, True),
        ({"metadata": {"vip": 1}}, True),
        ({"metadata": {"list": [2, 1]}}, True),
        ({"metadata": {"list": [True, 2]}}, True),
        ({"metadata": {"deep": {"a": 1.0, "b": 2}}}, True),
    ],
    ids=str,
)
async def test_only_a_change_is_written(api: Api, change: Json, is_one: bool) -> None:
    source_id = f"unchanged {change}"[:250]
    await api.upsert(source_id, **COMPLETE_CUSTOMER)
    before = api.read_customer_document(source_id)
    await api.upsert(source_id, **change)
    after = api.read_customer_document(source_id)
    if is_one:
        assert after["version"] == 2
        assert after["updatedAt"] > before["updatedAt"]
        assert after["createdAt"] == before["createdAt"]
    else:
        assert str(after) == str(before)


async def test_a_call_without_a_change_leaves_no_trace_in_the_oplog(api: Api) -> None:
    await api.upsert("quiet", **COMPLETE_CUSTOMER)
    with api.database.customers.watch() as changes:
        await api.upsert("quiet", **COMPLETE_CUSTOMER)
        await api.upsert("quiet", metadata={"deep": {"b": 2, "a": 1}})
        await api.upsert("quiet", name="loud")
        first = next(changes)
    assert first["updateDescription"]["updatedFields"]["name"] == "loud"


async def test_rows_are_applied_in_order_and_make_one_state(api: Api) -> None:
    rows: list[Json] = [
        {"sourceId": "row", "name": "first", "metadata": {"a": 1}},
        {"sourceId": "row", "metadata": {"a": {"$bad": 1}}, "name": "refused"},
        {"sourceId": "refused", "name": "\0"},
        {"sourceId": "row", "name": "last", "metadata": {"b": 2}},
        {"sourceId": "other", "email": "o@example.com"},
    ]
    answer = await api.bulk_upsert("customersUpsert", rows)
    assert answer == {
        "accepted": 3,
        "refused": ["METADATA_INVALID inputs 1 metadata", "INVALID inputs 2 name"],
    }
    stored = api.read_customer_document("row")
    assert (stored["name"], stored["metadata"], stored["version"]) == ("last", {"a": 1, "b": 2}, 1)
    assert await api.fetch_customer("refused") is None

    await api.bulk_upsert(
        "customersUpsert", [{"sourceId": "row", "name": n} for n in ("x", "last")]
    )
    assert api.read_customer_document("row") == stored
    await api.bulk_upsert(
        "customersUpsert", [{"sourceId": "row", "name": n} for n in ("x", "y", "z")]
    )
    assert (
        api.read_customer_document("row")["name"],
        api.read_customer_document("row")["version"],
    ) == ("z", 2)


async def test_a_profile_grows_to_one_mebibyte_and_no_further(api: Api) -> None:
    half = "x" * 2**19
    await api.upsert("large", metadata={"a": half})
    await api.upsert("large", metadata={"b": half[:-2_000]})
    before = api.read_customer_document("large")
    assert await api.list_errors(
        UPSERT, **{"in": {"sourceId": "large", "metadata": {"c": "x" * 3_000}}}
    ) == ["INVALID input metadata"]
    grown: list[Json] = [
        {"sourceId": "large", "metadata": {"c": "x" * 3_000}},
        {"sourceId": "large"},
    ]
    answer = await api.bulk_upsert("customersUpsert", grown)
    assert answer == {"accepted": 1, "refused": ["INVALID inputs 0 metadata"]}
    assert api.read_customer_document("large") == before
    await api.upsert("large", metadata={"a": None, "c": "x" * 3_000})


async def test_many_at_once_make_one_customer(api: Api) -> None:
    calls = [api.upsert("raced", metadata={f"k{n}": n}) for n in range(20)]
    rows = [{"sourceId": f"raced {n % 3}", "metadata": {f"k{n}": n}} for n in range(12)]
    bulk = [api.bulk_upsert("customersUpsert", [row, rows[0]]) for row in rows]
    answers = await asyncio.gather(asyncio.gather(*calls), asyncio.gather(*bulk))

    assert len(set(answers[0])) == 1
    stored = api.read_customer_document("raced")
    assert stored["metadata"] == {f"k{n}": n for n in range(20)}
    assert stored["version"] == 20
    assert answers[1] == [{"accepted": 2, "refused": []}] * 12
    assert api.database.customers.count_documents({"sourceId": {"$regex": "^raced "}}) == 3
    assert api.read_customer_document("raced 1")["metadata"] == {
        "k1": 1,
        "k4": 4,
        "k7": 7,
        "k10": 10,
    }


async def test_a_customer_is_had_by_either_key(api: Api) -> None:
    id_ = await api.upsert("keyed")
    query = "query($ref: CustomerRef!) { customer(ref: $ref) { id sourceId } }"
    both = [await api.fetch(query, ref=ref) for ref in ({"id": id_}, {"sourceId": "keyed"})]
    assert both == [{"id": id_, "sourceId": "keyed"}] * 2
    for unknown in ("cus_" + "0" * 24, "seg_" + id_[4:], id_.upper(), "", "x"):
        assert await api.fetch(query, ref={"id": unknown}) is None
    assert await api.fetch("query($id: ID!) { node(id: $id) { __typename id } }", id=id_) == {
        "__typename": "Customer",
        "id": id_,
    }
    deleted = await api.fetch(
        "mutation($ref: CustomerRef!) { customerDelete(customer: $ref) { deletedId } }",
        ref={"sourceId": "keyed"},
    )
    assert deleted == {"deletedId": id_}
    assert await api.fetch_customer("keyed") is None
    assert await api.upsert("keyed") != id_


async def test_an_error_of_a_oneof_input_names_its_path(api: Api) -> None:
    both = {"id": "a", "sourceId": "b"}
    mutation = "mutation($rows: [OrderInput!]!) { ordersUpsert(inputs: $rows) { accepted } }"
    rows = [{"sourceId": "o", "amount": 1, "customer": ref} for ref in ({"sourceId": "a"}, both)]
    (error,) = (await api.execute(mutation, rows=rows))["errors"]
    assert error["message"].startswith("Variable '$rows' has invalid value at [1].customer: ")
    assert error["extensions"] == {"code": "BAD_REQUEST"}

    query = "query($f: FilterInput!) { segmentPreview(filter: $f) { memberCount } }"
    for filter_, path in (
        ({"all": [{"none": []}, {"any": [], "none": []}]}, " at .all[1]"),
        ({"all": [{}]}, " at .all[0]"),
        ({"any": None}, " at .any"),
        ({}, ""),
    ):
        (error,) = (await api.execute(query, f=filter_))["errors"]
        assert error["message"].startswith(f"Variable '$f' has invalid value{path}: "), filter_

    literal = '{ customer(ref: {id: "a", sourceId: "b"}) { id } }'
    (error,) = (await api.execute(literal))["errors"]
    assert error["locations"] == [{"line": 1, "column": 17}]
    nullable = "query($id: ID) { customer(ref: {id: $id}) { id } }"
    for variables in ({}, {"id": None}):
        (error,) = (await api.execute(nullable, **variables))["errors"]
        assert error["extensions"] == {"code": "BAD_REQUEST"}


async def list_source_ids(api: Api, **arguments: Any) -> list[str]:
    return [node["sourceId"] for node in (await api.fetch(LIST, **arguments))["nodes"]]


async def test_pages_hold_while_customers_come_and_go(api: Api) -> None:
    ids = [f"page {n}" for n in range(10)]
    await api.bulk_upsert("customersUpsert", [{"sourceId": id_, "source": "paged"} for id_ in ids])
    chosen = {"filter": {"attribute": {"path": "source", "operator": "IS", "value": "paged"}}}
    first = await api.fetch(LIST, first=3, **chosen)
    assert [node["sourceId"] for node in first["nodes"]] == ids[:3]
    cursors = [edge["cursor"] for edge in first["edges"]]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": cursors[0],
        "endCursor": cursors[2],
    }
    for gone in ("page 0", "page 2", "page 3"):
        await api.fetch(
            "mutation($ref: CustomerRef!) { customerDelete(customer: $ref) { deletedId } }",
            ref={"sourceId": gone},
        )
    await api.upsert("page 10", source="paged")
    second = await api.fetch(LIST, first=4, after=cursors[2], **chosen)
    assert [node["sourceId"] for node in second["nodes"]] == ids[4:8]
    assert second["pageInfo"]["hasPreviousPage"]
    end = second["pageInfo"]["endCursor"]
    third = await api.fetch(LIST, first=3, after=end, **chosen)
    assert [node["sourceId"] for node in third["nodes"]] == ["page 8", "page 9", "page 10"]
    assert not third["pageInfo"]["hasNextPage"]
    assert third["totalCount"] == 8
    last = await api.fetch(LIST, after=third["pageInfo"]["endCursor"], **chosen)
    assert last["nodes"] == []
    assert last["pageInfo"]["endCursor"] is None


async def test_first_null_is_the_default(api: Api) -> None:
    assert await api.list_errors(LIST, first=None) == []
    assert await api.list_errors(LIST, first=100) == []
