"""SegmentMembership.changesAt: when a membership changes by time alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.inputs import CustomerRef
from app.filters import Now
from app.filters.calendar import MILLISECOND, truncate_to_milliseconds
from tests.api import Api, list_errors

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation($in: SegmentCreateInput!) {
  segmentCreate(input: $in) { segment { id } userErrors { message } }
}"""
MEMBERSHIP_QUERY = """query($ref: CustomerRef!, $ids: [ID!], $overrides: JSON) {
  segmentMembership(customer: $ref, segmentIds: $ids, overrides: $overrides) {
    isMember changesAt
  }
}"""


async def create_segment(api: Api, name: str, **definition: Any) -> str:
    created = await api.fetch(CREATE, **{"in": {"name": name, "definition": definition}})
    return str(created["segment"]["id"])


async def fetch_membership(
    api: Api, source_id: str, id_: str, overrides: Any = None
) -> tuple[bool, Any]:
    ref = {"sourceId": source_id}
    (membership,) = await api.fetch(MEMBERSHIP_QUERY, ref=ref, ids=[id_], overrides=overrides)
    changes_at = membership["changesAt"]
    return membership["isMember"], changes_at and datetime.fromisoformat(changes_at)


def bought_filter(last: str, times: int) -> dict[str, Any]:
    return {"event": {"name": "bought", "within": {"last": last}, "value": times}}


async def test_a_window_is_left_by_the_oldest_event_that_counts(api: Api) -> None:
    now = truncate_to_milliseconds(datetime.now(UTC))
    days = [now - timedelta(days=n) for n in (1, 10, 20)]
    bought = [
        {"name": "bought", "customer": {"sourceId": "window"}, "at": at.isoformat()} for at in days
    ]
    await api.bulk_upsert("eventsTrack", bought)
    twice = await create_segment(api, "twice in 30 days", filter=bought_filter("P30D", 2))

    assert await fetch_membership(api, "window", twice) == (True, days[1] + timedelta(days=30))


async def test_an_event_enters_a_window_that_ends_before_now(api: Api) -> None:
    now = truncate_to_milliseconds(datetime.now(UTC))
    recent, old = now - timedelta(days=10), now - timedelta(days=45)
    for source_id, at in (("comes", recent), ("goes", old)):
        row = {"name": "browsed", "customer": {"sourceId": source_id}, "at": at.isoformat()}
        await api.bulk_upsert("eventsTrack", [row])
    window = {"ago": {"from": "P60D", "to": "P30D"}}
    browsed = await create_segment(
        api, "browsed two months ago", filter={"event": {"name": "browsed", "within": window}}
    )

    assert await fetch_membership(api, "comes", browsed) == (False, recent + timedelta(days=30))
    assert await fetch_membership(api, "goes", browsed) == (True, old + timedelta(days=60))


async def test_what_is_laid_over_counts_and_nothing_may_change(api: Api) -> None:
    lately = {"path": "orders.lastOrderAt", "operator": "WITHIN_LAST", "value": "PT1H"}
    recent = await create_segment(api, "within the hour", filter={"attribute": lately})
    at = truncate_to_milliseconds(datetime.now(UTC)) - timedelta(minutes=30)
    overrides = {"orders": {"lastOrderAt": at.isoformat()}}

    assert await fetch_membership(api, "nobody", recent) == (False, None)
    changes = at + timedelta(hours=1) + MILLISECOND
    assert await fetch_membership(api, "nobody", recent, overrides) == (True, changes)


async def test_a_list_does_not_change(api: Api) -> None:
    await api.upsert("listed")
    fixed = await create_segment(api, "a list", customers=[{"sourceId": "listed"}])

    assert await fetch_membership(api, "listed", fixed) == (True, None)


async def test_events_ahead_of_the_clock_are_seen_coming(api: Api) -> None:
    """One process's now may lie ahead of another process's clock."""
    customer = {"sourceId": "ahead"}
    at = truncate_to_milliseconds(datetime.now(UTC))
    await api.bulk_upsert(
        "eventsTrack", [{"name": "bought", "customer": customer, "at": at.isoformat()}]
    )
    once = await create_segment(api, "once in a day", filter=bought_filter("P1D", 1))
    calendar = api.services.calendar
    behind = Now(at - timedelta(minutes=2), calendar)

    (membership,) = await api.services.memberships.evaluate(
        CustomerRef.by_source_id("ahead"), [once], None, behind
    )
    assert (membership.is_member, await membership.next_change_at()) == (False, at)
    there = replace(behind, at=at)
    (membership,) = await api.services.memberships.evaluate(
        CustomerRef.by_source_id("ahead"), [once], None, there
    )
    assert (membership.is_member, await membership.next_change_at()) == (
        True,
        at + timedelta(days=1),
    )


async def test_sums_that_no_number_can_hold_are_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sums some thousands of events, and returns an error for more of them."""
    customer = {"sourceId": "rich"}
    row = {"name": "found", "customer": customer, "properties": {"worth": 1.7e308}}
    now = datetime.now(UTC)
    # Where the first has left, two are left.
    ats = [(now - timedelta(minutes=ago)).isoformat() for ago in range(3)]
    await api.bulk_upsert("eventsTrack", [{**row, "at": at} for at in ats])
    worth = {"function": "SUM", "property": "worth"}
    event = {"name": "found", "within": {"last": "P30D"}, "aggregate": worth, "value": 1}
    rich = await create_segment(api, "rich", filter={"event": event})

    is_member, at = await fetch_membership(api, "rich", rich)
    assert is_member
    assert at is not None
    monkeypatch.setattr("app.filters.incremental_aggregates.MAX_RECOMPUTED_VALUES", 0)
    answer = await api.execute(MEMBERSHIP_QUERY, ref=customer, ids=[rich])
    assert answer["data"]["segmentMembership"] == [{"isMember": True, "changesAt": None}]
    assert list_errors(answer) == ["FILTER_TOO_COMPLEX"]
