"""When a membership will change by time alone, as the API tells it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.inputs import CustomerRef
from app.filters import Now
from app.filters.calendar import MILLISECOND, cut
from tests.api import Api, refusals

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation($in: SegmentCreateInput!) {
  segmentCreate(input: $in) { segment { id } userErrors { message } }
}"""
WHEN = """query($ref: CustomerRef!, $ids: [ID!], $overrides: JSON) {
  segmentMembership(customer: $ref, segmentIds: $ids, overrides: $overrides) {
    isMember changesAt
  }
}"""


async def _segment(api: Api, name: str, **definition: Any) -> str:
    made = await api.ask(CREATE, **{"in": {"name": name, "definition": definition}})
    return str(made["segment"]["id"])


async def _asked(api: Api, source_id: str, id_: str, overrides: Any = None) -> tuple[bool, Any]:
    ref = {"sourceId": source_id}
    (asked,) = await api.ask(WHEN, ref=ref, ids=[id_], overrides=overrides)
    at = asked["changesAt"]
    return asked["isMember"], at and datetime.fromisoformat(at)


def _bought(last: str, times: int) -> dict[str, Any]:
    return {"event": {"name": "bought", "within": {"last": last}, "value": times}}


async def test_a_window_is_left_by_the_oldest_event_that_counts(api: Api) -> None:
    now = cut(datetime.now(UTC))
    days = [now - timedelta(days=n) for n in (1, 10, 20)]
    bought = [
        {"name": "bought", "customer": {"sourceId": "window"}, "at": at.isoformat()} for at in days
    ]
    await api.many("eventsTrack", bought)
    twice = await _segment(api, "twice in 30 days", filter=_bought("P30D", 2))

    assert await _asked(api, "window", twice) == (True, days[1] + timedelta(days=30))


async def test_what_is_laid_over_counts_and_nothing_may_change(api: Api) -> None:
    lately = {"path": "orders.lastOrderAt", "operator": "WITHIN_LAST", "value": "PT1H"}
    recent = await _segment(api, "within the hour", filter={"attribute": lately})
    at = cut(datetime.now(UTC)) - timedelta(minutes=30)
    overrides = {"orders": {"lastOrderAt": at.isoformat()}}

    assert await _asked(api, "nobody", recent) == (False, None)
    changes = at + timedelta(hours=1) + MILLISECOND
    assert await _asked(api, "nobody", recent, overrides) == (True, changes)


async def test_a_list_does_not_change(api: Api) -> None:
    await api.upsert("listed")
    fixed = await _segment(api, "a list", customers=[{"sourceId": "listed"}])

    assert await _asked(api, "listed", fixed) == (True, None)


async def test_events_ahead_of_the_clock_are_seen_coming(api: Api) -> None:
    """What one clock took as now may lie ahead of another one."""
    customer = {"sourceId": "ahead"}
    at = cut(datetime.now(UTC))
    await api.many("eventsTrack", [{"name": "bought", "customer": customer, "at": at.isoformat()}])
    once = await _segment(api, "once in a day", filter=_bought("P1D", 1))
    calendar = api.services.calendar
    behind = Now(at - timedelta(minutes=2), calendar)

    (membership,) = await api.services.memberships.ask(
        CustomerRef.by_source_id("ahead"), [once], None, behind
    )
    assert (membership.is_member, membership.changes_at()) == (False, at)
    there = replace(behind, at=at)
    (membership,) = await api.services.memberships.ask(
        CustomerRef.by_source_id("ahead"), [once], None, there
    )
    assert (membership.is_member, membership.changes_at()) == (True, at + timedelta(days=1))


async def test_sums_that_no_number_can_hold_are_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are answered for some thousands of events, and lead to no answer for more of them."""
    customer = {"sourceId": "rich"}
    row = {"name": "found", "customer": customer, "properties": {"worth": 1.7e308}}
    now = datetime.now(UTC)
    # Where the first has left, two are left.
    ats = [(now - timedelta(minutes=ago)).isoformat() for ago in range(3)]
    await api.many("eventsTrack", [{**row, "at": at} for at in ats])
    worth = {"function": "SUM", "property": "worth"}
    event = {"name": "found", "within": {"last": "P30D"}, "aggregate": worth, "value": 1}
    rich = await _segment(api, "rich", filter={"event": event})

    is_member, at = await _asked(api, "rich", rich)
    assert is_member
    assert at is not None
    monkeypatch.setattr("app.filters.running.MOST_AFRESH", 0)
    answer = await api.answer(WHEN, ref=customer, ids=[rich])
    assert answer["data"]["segmentMembership"] == [{"isMember": True, "changesAt": None}]
    assert refusals(answer) == ["FILTER_TOO_COMPLEX"]
