"""The retention deletes the oldest transitions, and no consumer misses one."""

import asyncio
from datetime import datetime, timedelta

import pytest

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running_api
from tests.loyalty_client import CURSOR_QUERY, NOW, TRANSITIONS_QUERY, LoyaltyClient
from workers.jobs import trim_transitions

HOUR = timedelta(hours=1)


async def trim_before(api: Api, before: datetime) -> int:
    """Deletes the transitions before an instant."""
    return await api.services.transitions.trim_log(HOUR, before + HOUR)


async def query_log(api: Api, **variables: object) -> Json:
    return await api.execute(TRANSITIONS_QUERY, **variables)


def sequences(answer: Json) -> list[int]:
    return [transition["sequence"] for transition in answer["data"]["segmentTransitions"]["nodes"]]


async def test_a_cursor_is_good_or_refused_with_the_oldest_that_is(
    mongod: Mongod, valkey: Valkey
) -> None:
    async with running_api(mongod, valkey) as api:
        club, start = LoyaltyClient(api), await api.fetch(CURSOR_QUERY)
        await api.upsert("ann")
        segment = await club.create_segment("all")
        cursors = [start]
        for number in range(6):
            await club.append_entered(segment, "ann", at=NOW + number * HOUR)
            cursors.append(await api.fetch(CURSOR_QUERY))

        # No transition is deleted before a consumer has processed it.
        assert await trim_before(api, NOW + 9 * HOUR) == 0
        await club.run_consumers()
        assert await trim_before(api, NOW + 3 * HOUR) == 3
        assert await trim_before(api, NOW + 3 * HOUR) == 0

        assert sequences(await query_log(api)) == [4, 5, 6]
        for place, cursor in enumerate(cursors):
            answer = await query_log(api, after=cursor)
            if place >= 3:
                assert sequences(answer) == list(range(place + 1, 7))
                continue
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "CURSOR_EXPIRED"
            assert error["extensions"]["oldestCursor"] == cursors[3]

        assert await trim_before(api, NOW + 9 * HOUR) == 3
        assert sequences(await query_log(api)) == []
        assert await api.fetch(CURSOR_QUERY) == cursors[6]
        await club.append_entered(segment, "ann")
        assert sequences(await query_log(api, after=cursors[6])) == [7]


async def test_the_log_has_no_holes(mongod: Mongod, valkey: Valkey) -> None:
    async with running_api(mongod, valkey) as api:
        club = LoyaltyClient(api)
        await api.upsert("ann")
        segment = await club.create_segment("all")
        for hours in (0, 5, 0):
            await club.append_entered(segment, "ann", at=NOW + hours * HOUR)
        await club.run_consumers()
        assert await trim_before(api, NOW + HOUR) == 1
        assert sequences(await query_log(api)) == [2, 3]


async def test_members_still_say_when_they_entered(mongod: Mongod, valkey: Valkey) -> None:
    async with running_api(mongod, valkey) as api:
        club = LoyaltyClient(api)
        names = ("stays", "left", "again", "never", "gone")
        for name in names:
            await api.upsert(name)
        segment = await club.create_segment("all")
        rule = await club.create_rule(
            await club.create_program("points"), segment, 10, maxPerCustomer=1
        )
        await club.append_entered(segment, "stays", "left", "again", "gone", at=NOW)
        await club.run_consumers()
        for who, append, hours in (
            ("left", club.append_left, 1),
            ("gone", club.append_left, 1),
            ("again", club.append_left, 1),
            ("again", club.append_entered, 2),
            ("left", club.append_entered, 8),
            ("again", club.append_left, 9),
            ("again", club.append_entered, 10),
        ):
            await append(segment, who, at=NOW + hours * HOUR)
        await club.run_consumers()
        expected = await club.fetch_entered_at(segment)
        assert expected == {
            "stays": "2026-03-29T12:00:00Z",
            "left": "2026-03-29T20:00:00Z",
            "again": "2026-03-29T22:00:00Z",
            "never": None,
            "gone": None,
        }

        for hours in range(12):
            both = await asyncio.gather(trim_before(api, NOW + hours * HOUR), trim_before(api, NOW))
            assert await club.fetch_entered_at(segment) == expected, both
        assert api.database.transitions.count_documents({}) == 0

        # The ledger still has the points.
        await club.append_entered(segment, "stays")
        await club.run_consumers()
        (entry,) = await club.fetch_ledger("stays")
        assert entry["transition"] is None
        await club.delete_rule(rule)
        await api.fetch("mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }", id=segment)
        # No row is added from now on; the sweeper removes these.
        kept = api.database.retainedEntrances.count_documents({})
        await trim_before(api, NOW + HOUR)
        assert api.database.retainedEntrances.count_documents({}) == kept


@pytest.mark.parametrize("days", [None, 1])
async def test_the_job_deletes_nothing_by_default(
    mongod: Mongod, valkey: Valkey, days: float | None
) -> None:
    async with running_api(mongod, valkey, transition_retention_days=days) as api:
        club = LoyaltyClient(api)
        await api.upsert("ann")
        await club.append_entered(
            await club.create_segment("all"), "ann", at=NOW - timedelta(days=400)
        )
        await club.run_consumers()
        await trim_transitions({"services": api.services, "settings": api.settings})
        assert api.database.transitions.count_documents({}) == (0 if days else 1)
