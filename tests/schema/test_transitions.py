"""The log of transitions, as people read it."""

from datetime import timedelta

import pytest
import pytest_asyncio

from tests.api import Api, Json
from tests.club import CURSOR, LOG, NOW, Club

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = (
    "query($id: ID!) { node(id: $id) { id ... on SegmentTransition { sequence type"
    " segment { name } customer { sourceId } } } }"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(api: Api) -> Club:
    return Club(api)


async def since(api: Api, cursor: str | None, **asked: object) -> list[Json]:
    return list((await api.ask(LOG, after=cursor, **asked))["nodes"])


async def test_an_empty_log_has_an_end_from_which_one_can_go_on(api: Api, club: Club) -> None:
    start = await api.ask(CURSOR)
    assert await since(api, start) == []

    await api.upsert("first")
    segment = await club.segment("log: first")
    await club.enters(segment, "first")

    (only,) = await since(api, start)
    assert only["sequence"] == 1
    assert await since(api, await api.ask(CURSOR)) == []


async def test_a_transition_says_what_happened(api: Api, club: Club) -> None:
    start = await api.ask(CURSOR)
    await api.upsert("told")
    segment = await club.segment("log: told")
    program = await club.program("log: told")
    await club.rule(program, segment)
    await club.enters(segment, "told", at=NOW + timedelta(milliseconds=5))

    (told,) = await since(api, start)
    assert told == {
        "id": told["id"],
        "sequence": told["sequence"],
        "cursor": await api.ask(CURSOR),
        "type": "ENTERED",
        "cause": "LIVE",
        "at": "2026-03-29T12:00:00.005Z",
        "segmentId": segment,
        "segmentName": "log: told",
        "customerSourceId": "told",
        "segment": {"id": segment, "kind": "ACTIVE"},
        "customer": {"sourceId": "told"},
    }
    node = await api.ask(NODE, id=told["id"])
    assert (node["sequence"], node["segment"]["name"]) == (told["sequence"], "log: told")
    assert await api.ask(NODE, id="trn_" + "f" * 24) is None


async def test_what_was_deleted_is_null_and_its_name_stays(api: Api, club: Club) -> None:
    start = await api.ask(CURSOR)
    await api.upsert("gone")
    segment = await club.segment("log: gone")
    await club.enters(segment, "gone")
    await api.ask('mutation { customerDelete(customer: {sourceId: "gone"}) { deletedId } }')
    await api.ask("mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }", id=segment)

    (told,) = await since(api, start)
    assert (told["segment"], told["customer"]) == (None, None)
    assert (told["segmentName"], told["customerSourceId"]) == ("log: gone", "gone")


async def test_pages_of_all_of_segments_and_of_one_customer(api: Api, club: Club) -> None:
    start = await api.ask(CURSOR)
    names = [f"paged-{number}" for number in range(3)]
    for name in names:
        await api.upsert(name)
    ones = await club.segment("log: ones")
    others = await club.segment("log: others")
    for segment in (ones, others, ones):
        await club.enters(segment, *names)

    whole = await since(api, start, first=100)
    sequences = [told["sequence"] for told in whole]
    assert sequences == list(range(sequences[0], sequences[0] + 9))
    paged, cursor, more = [], start, True
    while more:
        page = await api.ask(LOG, after=cursor, first=2)
        paged += page["nodes"]
        assert [edge["cursor"] for edge in page["edges"]] == [t["cursor"] for t in page["nodes"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert paged == whole

    for ids, who in (([ones], None), ([ones, others], None), (None, names[1]), ([ones], names[1])):
        asked = {"ids": ids, "who": who and {"sourceId": who}}
        assert await since(api, start, **asked) == [
            told
            for told in whole
            if (ids is None or told["segmentId"] in ids) and who in (None, told["customerSourceId"])
        ]
    assert await since(api, start, ids=[]) == []


async def test_members_of_an_active_segment_say_when_they_entered(api: Api, club: Club) -> None:
    for name in ("baseline", "entered", "again"):
        await api.upsert(name, metadata={"in": True})
    condition = {"attribute": {"path": "metadata.in", "operator": "IS", "value": True}}
    segment = await club.segment("log: members", filter=condition)
    await club.enters(segment, "entered")
    assert await club.entered_at(segment) == dict.fromkeys(["baseline", "entered", "again"])

    await club.rule(await club.program("log: members"), segment)
    await club.enters(segment, "again", at=NOW)
    await club.leaves(segment, "again", at=NOW + timedelta(hours=1))
    await club.enters(segment, "again", at=NOW + timedelta(hours=2))

    assert await club.entered_at(segment) == {
        "baseline": None,
        "entered": "2026-03-29T12:00:00Z",
        "again": "2026-03-29T14:00:00Z",
    }
    # Whom the log has not in it yet again has entered at a moment that nobody can tell.
    await club.leaves(segment, "again")
    assert (await club.entered_at(segment))["again"] is None


async def test_what_happened_stands_in_the_timeline(api: Api, club: Club) -> None:
    await api.upsert("lived")
    segment = await club.segment("log: lived")
    await club.rule(await club.program("log: lived"), segment)
    await api.many(
        "eventsTrack",
        [{"customer": {"sourceId": "lived"}, "name": "seen", "at": "2026-03-29T12:00:00Z"}],
    )
    await club.enters(segment, "lived", at=NOW)
    await club.earn()

    query = (
        "timeline(first: 1%s) { nodes { __typename ... on SegmentTransition { type }"
        " ... on LedgerEntry { points } } pageInfo { endCursor hasNextPage } }"
    )
    found, after, more = [], "", True
    while more:
        page = (await api.customer("lived", query % after))["timeline"]
        found += page["nodes"]
        more = page["pageInfo"]["hasNextPage"]
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    # Of one moment, the entry comes after the event; the points when they were given.
    assert found == [
        {"__typename": "LedgerEntry", "points": 10},
        {"__typename": "SegmentTransition", "type": "ENTERED"},
        {"__typename": "CustomEvent"},
    ]
