"""Customers by their references: in the order of these, with null for an unknown one."""

import pytest
import pytest_asyncio

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_REF = """query($refs: [CustomerRef!]!) {
  customersByRef(refs: $refs) { id sourceId metadata segments { totalCount } }
}"""
UNKNOWN_ID = "cus_000000000000000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer_ids(api: Api) -> dict[str, str]:
    return {
        source_id: await api.upsert(source_id, metadata={"key": source_id})
        for source_id in ("a", "b", "ä", "cus_1")
    }


async def test_they_are_in_the_order_of_the_references(
    api: Api, customer_ids: dict[str, str]
) -> None:
    refs: dict[str, Json] = {
        "b": {"sourceId": "b"},
        "a": {"id": customer_ids["a"]},
        "ä": {"sourceId": "a\N{COMBINING DIAERESIS}"},
        "cus_1": {"sourceId": " cus_1 "},
    }
    names = ["b", None, "a", "b", "ä", None, "cus_1", None, "a"]
    unknown = iter(({"sourceId": "nobody"}, {"id": UNKNOWN_ID}, {"id": "b"}))
    asked = [next(unknown) if name is None else refs[name] for name in names]
    asked[-1] = {"sourceId": "a"}

    found = await api.fetch(BY_REF, refs=asked)

    assert [customer and customer["sourceId"] for customer in found] == names
    assert [customer and customer["id"] for customer in found] == [
        name and customer_ids[name] for name in names
    ]
    assert found[0]["metadata"] == {"key": "b"}
    assert await api.fetch(BY_REF, refs=[]) == []


async def test_there_are_at_most_1000(api: Api) -> None:
    refs: list[Json] = [{"sourceId": f"{n}"} for n in range(999)] + [{"sourceId": "a"}]

    found = await api.fetch(BY_REF, refs=refs)

    assert found[:-1] == [None] * 999
    assert found[-1]["sourceId"] == "a"
    assert await api.list_errors(BY_REF, refs=[*refs, {"sourceId": "b"}]) == ["TOO_MANY refs"]


@pytest.mark.parametrize(
    ("ref", "error"),
    [
        ({"sourceId": "a\0"}, "INVALID refs 1 sourceId"),
        ({"sourceId": " "}, "INVALID refs 1 sourceId"),
        ({"sourceId": "a", "id": UNKNOWN_ID}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
    ],
    ids=str,
)
async def test_an_invalid_reference_is_refused(api: Api, ref: Json, error: str) -> None:
    (found,) = await api.list_errors(BY_REF, refs=[{"sourceId": "a"}, ref])

    assert found.strip() == error


async def test_the_result_is_measured_by_the_number_of_references(api: Api) -> None:
    query = """query($refs: [CustomerRef!]!) { customersByRef(refs: $refs) {
      timeline(first: 100) { nodes { __typename } edges { cursor } }
    } }"""
    refs: list[Json] = [{"sourceId": f"{n}"} for n in range(1_000)]

    assert await api.list_errors(query, refs=refs[:400]) == []
    assert await api.list_errors(query, refs=refs) == ["QUERY_TOO_COMPLEX"]
    literal = query.replace("query($refs: [CustomerRef!]!)", "").replace("$refs", "[{}]")
    for count, errors in ((400, []), (1_000, ["QUERY_TOO_COMPLEX"])):
        written = ", ".join(f'{{sourceId: "{n}"}}' for n in range(count))
        assert await api.list_errors(literal.replace("[{}]", f"[{written}]")) == errors
