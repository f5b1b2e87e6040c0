"""The transition log over GraphQL."""

from datetime import timedelta

import pytest

from tests.api import Api, Json
from tests.loyalty_client import CURSOR_QUERY, NOW, TRANSITIONS_QUERY, LoyaltyClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = (
    "query($id: ID!) { node(id: $id) { id ... on SegmentTransition { sequence type"
    " segment { name } customer { sourceId } } } }"
)


async def list_transitions_after(api: Api, cursor: str | None, **variables: object) -> list[Json]:
    return list((await api.fetch(TRANSITIONS_QUERY, after=cursor, **variables))["nodes"])


async def test_an_empty_log_has_an_end_from_which_one_can_go_on(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    start = await api.fetch(CURSOR_QUERY)
    assert await list_transitions_after(api, start) == []

    await api.upsert("first")
    segment = await loyalty_client.create_segment("log: first")
    await loyalty_client.append_entered(segment, "first")

    (only,) = await list_transitions_after(api, start)
    assert only["sequence"] == 1
    assert await list_transitions_after(api, await api.fetch(CURSOR_QUERY)) == []


async def test_a_transition_says_what_happened(api: Api, loyalty_client: LoyaltyClient) -> None:
    start = await api.fetch(CURSOR_QUERY)
    await api.upsert("told")
    segment = await loyalty_client.create_segment("log: told")
    program = await loyalty_client.create_program("log: told")
    await loyalty_client.create_rule(program, segment)
    await loyalty_client.append_entered(segment, "told", at=NOW + timedelta(milliseconds=5))

    (told,) = await list_transitions_after(api, start)
    assert told == {
        "id": told["id"],
        "sequence": told["sequence"],
        "cursor": await api.fetch(CURSOR_QUERY),
        "type": "ENTERED",
        "cause": "LIVE",
        "at": "2026-03-29T12:00:00.005Z",
        "segmentId": segment,
        "segmentName": "log: told",
        "customerSourceId": "told",
        "segment": {"id": segment, "kind": "ACTIVE"},
        "customer": {"sourceId": "told"},
    }
    node = await api.fetch(NODE, id=told["id"])
    assert (node["sequence"], node["segment"]["name"]) == (told["sequence"], "log: told")
    assert await api.fetch(NODE, id="trn_" + "f" * 24) is None


async def test_what_was_deleted_is_null_and_its_name_stays(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    start = await api.fetch(CURSOR_QUERY)
    await api.upsert("gone")
    segment = await loyalty_client.create_segment("log: gone")
    await loyalty_client.append_entered(segment, "gone")
    await api.fetch('mutation { customerDelete(customer: {sourceId: "gone"}) { deletedId } }')
    await api.fetch("mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }", id=segment)

    (told,) = await list_transitions_after(api, start)
    assert (told["segment"], told["customer"]) == (None, None)
    assert (told["segmentName"], told["customerSourceId"]) == ("log: gone", "gone")


async def test_pages_of_all_of_segments_and_of_one_customer(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    start = await api.fetch(CURSOR_QUERY)
    names = [f"paged-{number}" for number in range(3)]
    for name in names:
        await api.upsert(name)
    ones = await loyalty_client.create_segment("log: ones")
    others = await loyalty_client.create_segment("log: others")
    for segment in (ones, others, ones):
        await loyalty_client.append_entered(segment, *names)

    whole = await list_transitions_after(api, start, first=100)
    sequences = [told["sequence"] for told in whole]
    assert sequences == list(range(sequences[0], sequences[0] + 9))
    paged, cursor, more = [], start, True
    while more:
        page = await api.fetch(TRANSITIONS_QUERY, after=cursor, first=2)
        paged += page["nodes"]
        assert [edge["cursor"] for edge in page["edges"]] == [t["cursor"] for t in page["nodes"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert paged == whole

    for ids, who in (([ones], None), ([ones, others], None), (None, names[1]), ([ones], names[1])):
        asked = {"ids": ids, "who": who and {"sourceId": who}}
        assert await list_transitions_after(api, start, **asked) == [
            told
            for told in whole
            if (ids is None or told["segmentId"] in ids) and who in (None, told["customerSourceId"])
        ]
    assert await list_transitions_after(api, start, ids=[]) == []


async def test_the_customers_of_a_page_have_a_limit_of_bytes(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    start = await api.fetch(CURSOR_QUERY)
    names = [f"huge {number}" for number in range(17)]
    for name in names:
        await api.upsert(name, name=name, metadata={"text": "x" * 1_000_000})
    await loyalty_client.append_entered(await loyalty_client.create_segment("log: huge"), *names)
    query = (
        "query($after: String, $first: Int) { segmentTransitions(first: $first, after: $after)"
        " { nodes { customer { name %s } } } }"
    )

    # What is not asked for is not read.
    page = await api.fetch(query % "", after=start, first=100)
    assert [row["customer"]["name"] for row in page["nodes"]] == names
    few = await api.fetch(query % "metadata", after=start, first=10)
    assert {len(row["customer"]["metadata"]["text"]) for row in few["nodes"]} == {1_000_000}
    errors = await api.list_errors(query % "metadata", after=start, first=100)
    assert {error.partition(" ")[0] for error in errors} == {"QUERY_TOO_COMPLEX"}


async def test_members_of_an_active_segment_say_when_they_entered(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    for name in ("baseline", "entered", "again"):
        await api.upsert(name, metadata={"in": True})
    condition = {"attribute": {"path": "metadata.in", "operator": "IS", "value": True}}
    segment = await loyalty_client.create_segment("log: members", filter=condition)
    await loyalty_client.append_entered(segment, "entered")
    assert await loyalty_client.fetch_entered_at(segment) == dict.fromkeys(
        ["baseline", "entered", "again"]
    )

    await loyalty_client.create_rule(await loyalty_client.create_program("log: members"), segment)
    await loyalty_client.append_entered(segment, "again", at=NOW)
    await loyalty_client.append_left(segment, "again", at=NOW + timedelta(hours=1))
    await loyalty_client.append_entered(segment, "again", at=NOW + timedelta(hours=2))

    assert await loyalty_client.fetch_entered_at(segment) == {
        "baseline": None,
        "entered": "2026-03-29T12:00:00Z",
        "again": "2026-03-29T14:00:00Z",
    }
    # Whom the log has not in it yet again has entered at a moment that nobody can tell.
    await loyalty_client.append_left(segment, "again")
    assert (await loyalty_client.fetch_entered_at(segment))["again"] is None


async def test_what_happened_stands_in_the_timeline(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("lived")
    segment = await loyalty_client.create_segment("log: lived")
    await loyalty_client.create_rule(await loyalty_client.create_program("log: lived"), segment)
    await api.bulk_upsert(
        "eventsTrack",
        [{"customer": {"sourceId": "lived"}, "name": "seen", "at": "2026-03-29T12:00:00Z"}],
    )
    await loyalty_client.append_entered(segment, "lived", at=NOW)
    await loyalty_client.run_consumers()

    query = (
        "timeline(first: 1%s) { nodes { __typename ... on SegmentTransition { type }"
        " ... on LedgerEntry { points } } pageInfo { endCursor hasNextPage } }"
    )
    found, after, more = [], "", True
    while more:
        page = (await api.fetch_customer("lived", query % after))["timeline"]
        found += page["nodes"]
        more = page["pageInfo"]["hasNextPage"]
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    # Of one moment, the entry comes after the event; the points when they were given.
    assert found == [
        {"__typename": "LedgerEntry", "points": 10},
        {"__typename": "SegmentTransition", "type": "ENTERED"},
        {"__typename": "CustomEvent"},
    ]
