"""What was done to a segment, edits that are refused since it has changed, its transitions."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from tests.api import ALL_CUSTOMERS_FILTER, Api, Json
from tests.schema.segment_queries import DELETE, attribute_filter, create_segment

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGES = """query($id: ID!, $first: Int, $after: String) { segment(id: $id) {
  updatedAt
  changes(first: $first, after: $after) {
    nodes { at kind by filterBefore filterAfter use { kind id name node { __typename id } } }
    pageInfo { hasNextPage endCursor }
  }
} }"""
UPDATE = """mutation($id: ID!, $input: SegmentUpdateInput!) {
  segmentUpdate(id: $id, input: $input) { segment { updatedAt } userErrors { code message path } }
}"""
PROGRAM = 'mutation { loyaltyProgramCreate(input: {name: "p"}) { program { id } } }'
RULE = """mutation($input: EarningRuleInput!) {
  earningRuleCreate(input: $input) { earningRule { id } userErrors { code } }
}"""
DELETE_RULE = "mutation($id: ID!) { earningRuleDelete(id: $id) { userErrors { code } } }"
TRANSITIONS = """query($id: ID!, $first: Int, $after: String, $type: TransitionType) {
  segment(id: $id) { transitions(first: $first, after: $after, type: $type) {
    nodes { sequence type cursor } pageInfo { hasNextPage endCursor }
  } }
}"""

OLD = attribute_filter("metadata.n", "IS", 1)
NEW = attribute_filter("metadata.n", "IS", 2)


@pytest_asyncio.fixture(loop_scope="module")
async def segment_id(api: Api) -> Any:
    id_ = await create_segment(api, "changing", filter=OLD)
    yield id_
    await api.execute(DELETE, id=id_)


async def test_each_change_is_listed_newest_first(api: Api, segment_id: str) -> None:
    await update(api, segment_id, description="a note")
    await update(api, segment_id, name="changed")
    await update(api, segment_id, name="changed", filter=OLD)
    await update(api, segment_id, name="renamed and edited", filter=NEW)

    changes = await list_changes(api, segment_id)

    assert [change["kind"] for change in changes] == [
        "FILTER_EDITED",
        "RENAMED",
        "RENAMED",
        "CREATED",
    ]
    assert [(change["filterBefore"], change["filterAfter"]) for change in changes] == [
        (OLD, NEW),
        (None, None),
        (None, None),
        (None, OLD),
    ]
    assert {(change["by"], change["use"]) for change in changes} == {(None, None)}
    instants = [change["at"] for change in changes]
    assert instants == sorted(instants, reverse=True)
    segment = await api.fetch(CHANGES, id=segment_id)
    assert segment["updatedAt"] == instants[0]
    for first in (1, 2, 3):
        assert await list_changes(api, segment_id, first) == changes


async def test_the_activation_names_its_use(api: Api) -> None:
    id_ = await create_segment(api, "activated", filter=ALL_CUSTOMERS_FILTER)
    program_id = (await api.fetch(PROGRAM))["program"]["id"]
    rules = []
    for name in ("first", "second"):
        rule = {"programId": program_id, "name": name, "segmentId": id_, "points": {"fixed": 1}}
        payload = await api.fetch(RULE, input=rule)
        assert payload["userErrors"] == []
        rules.append(payload["earningRule"]["id"])

    changes = await list_changes(api, id_)

    assert [change["kind"] for change in changes] == ["ACTIVATED", "CREATED"]
    use = {"kind": "EARNING_RULE", "id": rules[0], "name": "first"}
    node = {"__typename": "EarningRule", "id": rules[0]}
    assert changes[0]["use"] == {**use, "node": node}
    await api.fetch(DELETE_RULE, id=rules[0])
    assert (await list_changes(api, id_))[0]["use"] == {**use, "node": None}


async def test_a_refused_edit_leaves_no_change(api: Api, segment_id: str) -> None:
    await create_segment(api, "another", filter=OLD)
    assert await refusals(api, segment_id, name="another", filter=NEW) == ["TAKEN input name"]

    assert [change["kind"] for change in await list_changes(api, segment_id)] == ["CREATED"]


async def test_an_edit_of_what_has_changed_is_refused(api: Api, segment_id: str) -> None:
    read = (await api.fetch(CHANGES, id=segment_id))["updatedAt"]
    written = await update(api, segment_id, name="mine", unchangedSince=read)
    before = await api.fetch(CHANGES, id=segment_id)

    refused = await refusals(api, segment_id, name="lost", filter=NEW, unchangedSince=read)

    assert refused == ["CONFLICT input unchangedSince"]
    assert await api.fetch(CHANGES, id=segment_id) == before
    assert written > read
    assert await update(api, segment_id, name="next", unchangedSince=written) > written
    assert await update(api, segment_id, name="at all", unchangedSince=None) > written


async def test_of_edits_at_once_one_is_accepted(api: Api, segment_id: str) -> None:
    for round_ in range(3):
        read = (await api.fetch(CHANGES, id=segment_id))["updatedAt"]
        answers = await asyncio.gather(
            *(
                refusals(api, segment_id, name=f"{round_} {n}", unchangedSince=read)
                for n in range(6)
            )
        )
        assert sorted(answers) == [[], *[["CONFLICT input unchangedSince"]] * 5]


async def test_each_edit_has_a_later_time_than_the_one_before(api: Api, segment_id: str) -> None:
    """Also one whose request began before."""
    service, early = api.services.segments, api.services.now()
    last = await update(api, segment_id, name="later request")

    edited = await service.update(segment_id, {"name": "earlier request"}, early)
    again = await service.update(segment_id, {"name": "same instant"}, early)

    assert edited.updated_at < again.updated_at
    assert await refusals(api, segment_id, name="x", unchangedSince=last) == [
        "CONFLICT input unchangedSince"
    ]


async def test_transitions_are_listed_newest_first(api: Api) -> None:
    segments = [await create_segment(api, f"log {n}", filter=OLD) for n in range(2)]
    customer_id = await api.upsert("c")
    types = [TransitionType.ENTERED, TransitionType.LEFT, TransitionType.ENTERED] * 3
    pending = [
        PendingTransition(
            type_, TransitionCause.LIVE, id_, "log", customer_id, "c", api.services.now().at
        )
        for type_ in types
        for id_ in segments
    ]

    async def append(transaction: Any) -> None:
        await api.services.store.transitions.append(pending, transaction)

    await api.services.store.transaction(append)
    end = await api.services.transitions.end()
    for number, id_ in enumerate(segments):
        sequences = [end - 1 + number - 2 * n for n in range(len(types))]
        expected = list(zip(sequences, reversed(types), strict=True))
        for type_ in (None, *TransitionType):
            wanted = [(s, t.value) for s, t in expected if type_ in (None, t)]
            for first in (1, 2, 100):
                listed = await list_transitions(api, id_, first, type_)
                assert [(node["sequence"], node["type"]) for node in listed] == wanted
    assert await list_transitions(api, await create_segment(api, "quiet", filter=OLD), 5) == []


@pytest.mark.parametrize("query", [CHANGES, TRANSITIONS])
async def test_an_invalid_cursor_is_refused(api: Api, segment_id: str, query: str) -> None:
    for after in ("", "x", "Y2hhbmdlIDE", "bG9nIC0x"):
        assert await api.list_errors(query, id=segment_id, after=after) == ["BAD_REQUEST"]


async def update(api: Api, id_: str, **changes: Any) -> str:
    """Edits the segment; returns when it changed."""
    payload = await api.fetch(UPDATE, id=id_, input=changes)
    assert payload["userErrors"] == []
    return str(payload["segment"]["updatedAt"])


async def refusals(api: Api, id_: str, **changes: Any) -> list[str]:
    return await api.list_errors(UPDATE, id=id_, input=changes)


async def list_changes(api: Api, id_: str, first: int = 100) -> list[Json]:
    """Returns the changes of all pages."""
    changes: list[Json] = []
    after = None
    while True:
        page = (await api.fetch(CHANGES, id=id_, first=first, after=after))["changes"]
        changes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return changes
        after = page["pageInfo"]["endCursor"]


async def list_transitions(
    api: Api, id_: str, first: int, type_: TransitionType | None = None
) -> list[Json]:
    """Returns the transitions of all pages."""
    transitions: list[Json] = []
    arguments: Json = {"id": id_, "first": first, "type": type_ and type_.value}
    while True:
        page = (await api.fetch(TRANSITIONS, **arguments))["transitions"]
        transitions += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return transitions
        arguments["after"] = page["pageInfo"]["endCursor"]
