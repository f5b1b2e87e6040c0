"""Segments inside segments, over the API."""

import asyncio
from typing import Any

import pytest

from tests.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """
mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id } userErrors { code message path } }
}
"""
UPDATE = """
mutation($id: ID!, $filter: FilterInput!) {
  segmentUpdate(id: $id, input: {filter: $filter}) {
    segment { id } userErrors { code message path }
  }
}
"""
DELETE = """
mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code message path } } }
"""
SEGMENT_QUERY = """
query($id: ID!) {
  segment(id: $id) {
    filter filterText memberCount members { nodes { sourceId } } usedBy { kind id name }
  }
}
"""
Filter = dict[str, Any]


def says_filter(text: str) -> Filter:
    return {"attribute": {"path": "metadata.says", "operator": "IS", "value": text}}


def membership_condition(id_: str, **more: Any) -> Filter:
    return {"segment": {"id": id_, **more}}


async def create_segment(api: Api, name: str, **definition: Any) -> str:
    created = await api.fetch(CREATE, input={"name": name, "definition": definition})
    assert created["userErrors"] == []
    return str(created["segment"]["id"])


async def list_members(api: Api, id_: str) -> list[str]:
    segment = await api.fetch(SEGMENT_QUERY, id=id_)
    source_ids = [node["sourceId"] for node in segment["members"]["nodes"]]
    assert segment["memberCount"] == len(source_ids)
    return source_ids


async def test_a_member_of_another_segment(api: Api) -> None:
    for name in ("ann", "bob", "cid"):
        await api.upsert(f"within-{name}", metadata={"says": f"within {name}"})
    ann = await create_segment(api, "within: ann", filter=says_filter("within ann"))
    fixed = await create_segment(api, "within: fixed", customers=[{"sourceId": "within-bob"}])
    outer = await create_segment(
        api,
        "within: outer",
        filter={"any": [membership_condition(ann), membership_condition(fixed, member=True)]},
    )
    rest = await create_segment(
        api,
        "within: rest",
        filter={
            "all": [membership_condition(outer, member=False), {"any": [says_filter("within cid")]}]
        },
    )
    assert await list_members(api, outer) == ["within-ann", "within-bob"]
    assert await list_members(api, rest) == ["within-cid"]

    shown = await api.fetch(SEGMENT_QUERY, id=outer)
    assert shown["filter"] == {"any": [membership_condition(ann), membership_condition(fixed)]}
    assert shown["filterText"] == (
        'any of: is in the segment "within: ann"; is in the segment "within: fixed"'
    )
    assert shown["usedBy"] == [{"kind": "SEGMENT", "id": rest, "name": "within: rest"}]

    asked = await api.fetch(
        """query($ids: [ID!]!, $overrides: JSON) {
          segmentMembership(
            customer: {sourceId: "within-bob"}, segmentIds: $ids, overrides: $overrides
          ) { isMember }
        }""",
        ids=[ann, fixed, outer, rest],
        overrides={"metadata": {"says": "within cid"}},
    )
    assert [one["isMember"] for one in asked] == [False, True, True, False]


async def test_an_edit_is_passed_on(api: Api) -> None:
    await api.upsert("edit-ann", metadata={"says": "edit ann"})
    inner = await create_segment(api, "edit: inner", filter=says_filter("nobody says so"))
    outer = await create_segment(api, "edit: outer", filter={"all": [membership_condition(inner)]})
    assert await list_members(api, outer) == []
    await api.fetch(UPDATE, id=inner, filter=says_filter("edit ann"))
    assert await list_members(api, outer) == ["edit-ann"]
    customer = await api.fetch_customer("edit-ann", "segments { nodes { id } }")
    assert {inner, outer} <= {node["id"] for node in customer["segments"]["nodes"]}


async def test_what_another_rests_on_can_not_be_deleted(api: Api) -> None:
    inner = await create_segment(api, "used: inner", filter=says_filter("x"))
    outer = await create_segment(api, "used: outer", filter=membership_condition(inner))
    refused = await api.fetch(DELETE, id=inner)
    assert refused["deletedId"] is None
    (error,) = refused["userErrors"]
    assert (error["code"], error["path"]) == ("SEGMENT_IN_USE", ["id"])
    assert "the segment 'used: outer'" in error["message"]
    assert (await api.fetch(DELETE, id=outer))["deletedId"] == outer
    assert (await api.fetch(DELETE, id=inner))["deletedId"] == inner


async def test_no_segment_rests_on_itself(api: Api) -> None:
    inner = await create_segment(api, "cycle: inner", filter=says_filter("x"))
    outer = await create_segment(api, "cycle: outer", filter=membership_condition(inner))
    far = await create_segment(api, "cycle: far", filter={"none": [membership_condition(outer)]})
    at = "input filter any 1 segment id"
    for named in (inner, outer, far):
        wanted = {"any": [says_filter("x"), membership_condition(named)]}
        assert await api.list_errors(UPDATE, id=inner, filter=wanted) == [f"SEGMENT_CYCLE {at}"]


async def test_two_edits_at_once_make_no_cycle(api: Api) -> None:
    for number in range(5):
        one = await create_segment(api, f"race {number}: one", filter=says_filter("x"))
        two = await create_segment(api, f"race {number}: two", filter=says_filter("x"))
        refused = await asyncio.gather(
            api.list_errors(UPDATE, id=one, filter=membership_condition(two)),
            api.list_errors(UPDATE, id=two, filter=membership_condition(one)),
        )
        assert sorted(refused) == [[], ["SEGMENT_CYCLE input filter segment id"]]


async def test_deleted_while_another_names_it(api: Api) -> None:
    for number in range(5):
        inner = await create_segment(api, f"gone {number}: inner", filter=says_filter("x"))
        definition = {"filter": membership_condition(inner)}
        made, deleted = await asyncio.gather(
            api.list_errors(CREATE, input={"name": f"gone {number}", "definition": definition}),
            api.list_errors(DELETE, id=inner),
        )
        assert (made, deleted) in [
            ([], ["SEGMENT_IN_USE id"]),
            (["NOT_FOUND input definition filter segment id"], []),
        ]


async def test_an_edit_that_breaks_an_outer_one_is_refused_and_names_it(api: Api) -> None:
    below = [await create_segment(api, "deep 1", filter=says_filter("x"))]
    for number in range(2, 10):
        below.append(
            await create_segment(api, f"deep {number}", filter=membership_condition(below[-1]))
        )
    top = await create_segment(api, "deep top", filter=membership_condition(below[-1]))
    one_more = await create_segment(api, "deep below", filter=says_filter("y"))
    answer = await api.fetch(UPDATE, id=below[0], filter=membership_condition(one_more))
    (error,) = answer["userErrors"]
    assert (error["code"], error["path"]) == ("FILTER_TOO_COMPLEX", ["input", "filter"])
    assert "'deep top'" in error["message"]
    assert (await api.fetch(SEGMENT_QUERY, id=below[0]))["filter"] == says_filter("x")
    assert await api.list_errors(
        CREATE, input={"name": "deep above", "definition": {"filter": membership_condition(top)}}
    ) == ["FILTER_TOO_COMPLEX input definition filter"]


@pytest.mark.parametrize("id_", ["", "seg_000000000000000000000000", "cus_1", "x" * 5_000])
async def test_an_unknown_one_is_not_found(api: Api, id_: str) -> None:
    preview = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
    assert await api.list_errors(preview, filter=membership_condition(id_)) == [
        "NOT_FOUND filter segment id"
    ]
