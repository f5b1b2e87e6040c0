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
SHOW = """
query($id: ID!) {
  segment(id: $id) {
    filter filterText memberCount members { nodes { sourceId } } usedBy { kind id name }
  }
}
"""
Filter = dict[str, Any]


def _says(text: str) -> Filter:
    return {"attribute": {"path": "metadata.says", "operator": "IS", "value": text}}


def _member(id_: str, **more: Any) -> Filter:
    return {"segment": {"id": id_, **more}}


async def _made(api: Api, name: str, **definition: Any) -> str:
    made = await api.ask(CREATE, input={"name": name, "definition": definition})
    assert made["userErrors"] == []
    return str(made["segment"]["id"])


async def _members(api: Api, id_: str) -> list[str]:
    shown = await api.ask(SHOW, id=id_)
    found = [node["sourceId"] for node in shown["members"]["nodes"]]
    assert shown["memberCount"] == len(found)
    return found


async def test_a_member_of_another_segment(api: Api) -> None:
    for name in ("ann", "bob", "cid"):
        await api.upsert(f"within-{name}", metadata={"says": f"within {name}"})
    ann = await _made(api, "within: ann", filter=_says("within ann"))
    fixed = await _made(api, "within: fixed", customers=[{"sourceId": "within-bob"}])
    outer = await _made(
        api, "within: outer", filter={"any": [_member(ann), _member(fixed, member=True)]}
    )
    rest = await _made(
        api,
        "within: rest",
        filter={"all": [_member(outer, member=False), {"any": [_says("within cid")]}]},
    )
    assert await _members(api, outer) == ["within-ann", "within-bob"]
    assert await _members(api, rest) == ["within-cid"]

    shown = await api.ask(SHOW, id=outer)
    assert shown["filter"] == {"any": [_member(ann), _member(fixed)]}
    assert shown["filterText"] == (
        'any of: is in the segment "within: ann"; is in the segment "within: fixed"'
    )
    assert shown["usedBy"] == [{"kind": "SEGMENT", "id": rest, "name": "within: rest"}]

    asked = await api.ask(
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
    inner = await _made(api, "edit: inner", filter=_says("nobody says so"))
    outer = await _made(api, "edit: outer", filter={"all": [_member(inner)]})
    assert await _members(api, outer) == []
    await api.ask(UPDATE, id=inner, filter=_says("edit ann"))
    assert await _members(api, outer) == ["edit-ann"]
    customer = await api.customer("edit-ann", "segments { nodes { id } }")
    assert {inner, outer} <= {node["id"] for node in customer["segments"]["nodes"]}


async def test_what_another_rests_on_can_not_be_deleted(api: Api) -> None:
    inner = await _made(api, "used: inner", filter=_says("x"))
    outer = await _made(api, "used: outer", filter=_member(inner))
    refused = await api.ask(DELETE, id=inner)
    assert refused["deletedId"] is None
    (error,) = refused["userErrors"]
    assert (error["code"], error["path"]) == ("SEGMENT_IN_USE", ["id"])
    assert "the segment 'used: outer'" in error["message"]
    assert (await api.ask(DELETE, id=outer))["deletedId"] == outer
    assert (await api.ask(DELETE, id=inner))["deletedId"] == inner


async def test_no_segment_rests_on_itself(api: Api) -> None:
    inner = await _made(api, "cycle: inner", filter=_says("x"))
    outer = await _made(api, "cycle: outer", filter=_member(inner))
    far = await _made(api, "cycle: far", filter={"none": [_member(outer)]})
    at = "input filter any 1 segment id"
    for named in (inner, outer, far):
        wanted = {"any": [_says("x"), _member(named)]}
        assert await api.refusals(UPDATE, id=inner, filter=wanted) == [f"SEGMENT_CYCLE {at}"]


async def test_two_edits_at_once_make_no_cycle(api: Api) -> None:
    for number in range(5):
        one = await _made(api, f"race {number}: one", filter=_says("x"))
        two = await _made(api, f"race {number}: two", filter=_says("x"))
        refused = await asyncio.gather(
            api.refusals(UPDATE, id=one, filter=_member(two)),
            api.refusals(UPDATE, id=two, filter=_member(one)),
        )
        assert sorted(refused) == [[], ["SEGMENT_CYCLE input filter segment id"]]


async def test_deleted_while_another_names_it(api: Api) -> None:
    for number in range(5):
        inner = await _made(api, f"gone {number}: inner", filter=_says("x"))
        definition = {"filter": _member(inner)}
        made, deleted = await asyncio.gather(
            api.refusals(CREATE, input={"name": f"gone {number}", "definition": definition}),
            api.refusals(DELETE, id=inner),
        )
        assert (made, deleted) in [
            ([], ["SEGMENT_IN_USE id"]),
            (["NOT_FOUND input definition filter segment id"], []),
        ]


async def test_an_edit_that_breaks_an_outer_one_is_refused_and_names_it(api: Api) -> None:
    below = [await _made(api, "deep 1", filter=_says("x"))]
    for number in range(2, 10):
        below.append(await _made(api, f"deep {number}", filter=_member(below[-1])))
    top = await _made(api, "deep top", filter=_member(below[-1]))
    one_more = await _made(api, "deep below", filter=_says("y"))
    answer = await api.ask(UPDATE, id=below[0], filter=_member(one_more))
    (error,) = answer["userErrors"]
    assert (error["code"], error["path"]) == ("FILTER_TOO_COMPLEX", ["input", "filter"])
    assert "'deep top'" in error["message"]
    assert (await api.ask(SHOW, id=below[0]))["filter"] == _says("x")
    assert await api.refusals(
        CREATE, input={"name": "deep above", "definition": {"filter": _member(top)}}
    ) == ["FILTER_TOO_COMPLEX input definition filter"]


@pytest.mark.parametrize("id_", ["", "seg_000000000000000000000000", "cus_1", "x" * 5_000])
async def test_an_unknown_one_is_not_found(api: Api, id_: str) -> None:
    preview = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
    assert await api.refusals(preview, filter=_member(id_)) == ["NOT_FOUND filter segment id"]
