"""What is older than the retention goes from the beginning of the log, and is missed by nobody."""

import asyncio
from datetime import datetime, timedelta

import pytest

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running
from tests.club import CURSOR, LOG, NOW, Club
from workers.jobs import trim_transitions

HOUR = timedelta(hours=1)


async def trim(api: Api, before: datetime) -> int:
    """Deletes what happened before that instant."""
    return await api.services.transitions.trim(HOUR, before + HOUR)


async def log(api: Api, **asked: object) -> Json:
    return await api.answer(LOG, **asked)


def sequences(answer: Json) -> list[int]:
    return [told["sequence"] for told in answer["data"]["segmentTransitions"]["nodes"]]


async def test_a_cursor_is_good_or_refused_with_the_oldest_that_is(
    mongod: Mongod, valkey: Valkey
) -> None:
    async with running(mongod, valkey) as api:
        club, start = Club(api), await api.ask(CURSOR)
        await api.upsert("ann")
        segment = await club.segment("all")
        cursors = [start]
        for number in range(6):
            await club.enters(segment, "ann", at=NOW + number * HOUR)
            cursors.append(await api.ask(CURSOR))

        # Nothing goes that a reader has still before it.
        assert await trim(api, NOW + 9 * HOUR) == 0
        await club.earn()
        assert await trim(api, NOW + 3 * HOUR) == 3
        assert await trim(api, NOW + 3 * HOUR) == 0

        assert sequences(await log(api)) == [4, 5, 6]
        for place, cursor in enumerate(cursors):
            answer = await log(api, after=cursor)
            if place >= 3:
                assert sequences(answer) == list(range(place + 1, 7))
                continue
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "CURSOR_EXPIRED"
            assert error["extensions"]["oldestCursor"] == cursors[3]

        assert await trim(api, NOW + 9 * HOUR) == 3
        assert sequences(await log(api)) == []
        assert await api.ask(CURSOR) == cursors[6]
        await club.enters(segment, "ann")
        assert sequences(await log(api, after=cursors[6])) == [7]


async def test_the_log_has_no_holes(mongod: Mongod, valkey: Valkey) -> None:
    async with running(mongod, valkey) as api:
        club = Club(api)
        await api.upsert("ann")
        segment = await club.segment("all")
        for hours in (0, 5, 0):
            await club.enters(segment, "ann", at=NOW + hours * HOUR)
        await club.earn()
        assert await trim(api, NOW + HOUR) == 1
        assert sequences(await log(api)) == [2, 3]


async def test_members_still_say_when_they_entered(mongod: Mongod, valkey: Valkey) -> None:
    async with running(mongod, valkey) as api:
        club = Club(api)
        names = ("stays", "left", "again", "never", "gone")
        for name in names:
            await api.upsert(name)
        segment = await club.segment("all")
        rule = await club.rule(await club.program("points"), segment, 10, maxPerCustomer=1)
        await club.enters(segment, "stays", "left", "again", "gone", at=NOW)
        await club.earn()
        for who, crosses, hours in (
            ("left", club.leaves, 1),
            ("gone", club.leaves, 1),
            ("again", club.leaves, 1),
            ("again", club.enters, 2),
            ("left", club.enters, 8),
            ("again", club.leaves, 9),
            ("again", club.enters, 10),
        ):
            await crosses(segment, who, at=NOW + hours * HOUR)
        await club.earn()
        expected = await club.entered_at(segment)
        assert expected == {
            "stays": "2026-03-29T12:00:00Z",
            "left": "2026-03-29T20:00:00Z",
            "again": "2026-03-29T22:00:00Z",
            "never": None,
            "gone": None,
        }

        for hours in range(12):
            both = await asyncio.gather(trim(api, NOW + hours * HOUR), trim(api, NOW))
            assert await club.entered_at(segment) == expected, both
        assert api.database.transitions.count_documents({}) == 0

        # Nor has anybody forgotten who was given points.
        await club.enters(segment, "stays")
        await club.earn()
        (entry,) = await club.ledger("stays")
        assert entry["transition"] is None
        await club.end_rule(rule)
        await api.ask("mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }", id=segment)
        # From now on none is added; the sweeper removes these.
        kept = api.database.entrances.count_documents({})
        await trim(api, NOW + HOUR)
        assert api.database.entrances.count_documents({}) == kept


@pytest.mark.parametrize("days", [None, 1])
async def test_the_job_keeps_all_unless_it_is_told_otherwise(
    mongod: Mongod, valkey: Valkey, days: float | None
) -> None:
    async with running(mongod, valkey, transition_retention_days=days) as api:
        club = Club(api)
        await api.upsert("ann")
        await club.enters(await club.segment("all"), "ann", at=NOW - timedelta(days=400))
        await club.earn()
        await trim_transitions({"services": api.services, "settings": api.settings})
        assert api.database.transitions.count_documents({}) == (0 if days else 1)
