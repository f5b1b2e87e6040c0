"""What is large in the shop: customers with thousands of events, bulk writes past the program,
segments with thousands of members."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from tests.engine.conftest import Shop
from tests.engine.model.answers import WatchedApi
from tests.engine.model.conditions import event, is_

Json = dict[str, Any]

# As many as MongoDB 8 writes in one entry of the oplog.
_INSERTED_AT_ONCE = 500
_MOST_WAVES = 3
# Of a customer's clicks at first; later ones are younger.
_SPAN_SECONDS = 120


@dataclass(frozen=True)
class Sizes:
    """How many customers have how many events, and how many customers come in one wave."""

    busy: int = 3
    events: int = 10_000
    wave: int = 1_500


class Crowds:
    """Chooses something large to do, and does it. Nothing of it need succeed."""

    def __init__(
        self,
        shop: Shop,
        api: WatchedApi,
        client: MongoClient[Json],
        chance: random.Random,
        sizes: Sizes,
    ) -> None:
        self._shop = shop
        self._api = api
        self._client = client
        self._database = client[api.database.name]
        self._chance = chance
        self._sizes = sizes
        self._names = 0
        self._last_wave = 0
        self._waves: list[int] = []
        self._segments: list[str] = []

    async def begin(self) -> None:
        """The busy customers, and active segments that ask about all of their events."""
        for number in range(self._sizes.busy):
            await self._come(f"busy{number}")
        now = datetime.now(UTC)
        for filter_ in (
            self._clicks("PT20S", value=self._sizes.events // 25),
            self._clicks("PT30S", ("SUM", "amount"), "GREATER_THAN", self._sizes.events // 2),
            self._clicks("PT10S", ("AVG", "amount"), "GREATER_THAN_OR_EQUAL", 6),
            self._clicks("PT5S", ("MIN", "amount"), "LESS_THAN", -45),
            self._clicks("PT4S", ("MAX", "amount"), "GREATER_THAN_OR_EQUAL", 58),
            self._clicks("PT3S", ("DISTINCT_COUNT", "sku"), "GREATER_THAN_OR_EQUAL", 30),
            event("click", where=[_KIND_B], within={"last": "PT15S"}, value=100),
            event("click", where=[_KIND_B, _GAIN], value=self._sizes.events // 4),
            event("click", value=self._sizes.events + 300),
            event(
                "click",
                within={"between": {"from": _text(now - timedelta(seconds=60)), "to": _text(now)}},
                aggregate={"function": "SUM", "property": "amount"},
                operator="LESS_THAN",
                value=self._sizes.events,
            ),
        ):
            await self._active({"any": [filter_]})
        # However short the run is.
        for _ in range(2):
            await self.wave()
        await self.segment_of_a_wave()

    async def step(self) -> None:
        """Something large."""
        ways: list[Callable[[], Awaitable[None]]] = [
            *[self.wave] * 2,
            *[self.wave_leaves] * 2,
            self.wave_changes,
            self.segment_of_a_wave,
            self.delete_segment_of_a_wave,
            self.busy_one_goes,
        ]
        await self._chance.choice(ways)()

    async def clicks(self) -> None:
        """Events of a busy customer, by the API; some of them come late."""
        chance, now = self._chance, datetime.now(UTC)
        who = {"sourceId": self._busy_one()}
        rows = [
            {
                "customer": who,
                "name": "click",
                "at": _text(now - timedelta(seconds=chance.random() * chance.choice([0, 8, 40]))),
                "properties": self._properties(),
            }
            for _ in range(chance.randrange(1, 12))
        ]
        await self._api.track(rows)

    async def clicks_past_the_program(self) -> None:
        number = self._chance.randrange(1, self._sizes.events // 20)
        await self._click(self._busy_one(), number, seconds=30)

    async def wave(self) -> None:
        """Many customers at once, past the program: by turns together in the oplog, and each by
        itself."""
        if len(self._waves) >= _MOST_WAVES:
            return
        self._last_wave += 1
        wave, now, chance = self._last_wave, datetime.now(UTC), self._chance
        self._waves.append(wave)
        rows: list[Json] = [
            {
                "_id": ObjectId(),
                "sourceId": f"wave {wave}.{number}",
                "createdAt": now,
                "updatedAt": now,
                "version": 1,
                "metadata": {
                    "wave": wave,
                    "vip": chance.random() < 0.3,
                    "level": chance.randrange(4),
                },
            }
            for number in range(self._sizes.wave)
        ]
        await asyncio.to_thread(self._insert, rows, together=wave % 2 == 1)

    def _insert(self, rows: list[Json], *, together: bool) -> None:
        customers = self._database.customers
        if not together:
            customers.insert_many(rows, ordered=False)
            return
        with self._client.start_session() as session:
            for first in range(0, len(rows), _INSERTED_AT_ONCE):
                some = rows[first : first + _INSERTED_AT_ONCE]

                def insert(own: ClientSession, some: list[Json] = some) -> None:
                    customers.insert_many(some, session=own)

                session.with_transaction(insert)

    async def wave_changes(self) -> None:
        if self._waves:
            query = {"metadata.wave": self._chance.choice(self._waves)}
            vip = {"metadata.vip": self._chance.random() < 0.5}
            change = {"$set": vip, "$inc": {"version": 1}}
            await asyncio.to_thread(self._database.customers.update_many, query, change)

    async def wave_leaves(self) -> None:
        if len(self._waves) > 1:
            query = {"metadata.wave": self._waves.pop(0)}
            await asyncio.to_thread(self._database.customers.delete_many, query)

    async def segment_of_a_wave(self) -> None:
        if self._waves:
            wave = self._chance.choice(self._waves)
            await self._active(is_("metadata.wave", "GREATER_THAN_OR_EQUAL", wave))

    async def delete_segment_of_a_wave(self) -> None:
        if self._segments:
            query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
            await self._api.ask(query, id=self._segments.pop(0))

    async def busy_one_goes(self) -> None:
        """Deleted with all its events; the same comes anew."""
        who = self._busy_one()
        await self._shop.delete(who)
        await self._come(who)

    async def _come(self, who: str) -> None:
        await self._api.upsert(who, metadata={"level": 9})
        await self._click(who, self._sizes.events, seconds=_SPAN_SECONDS)

    async def _click(self, who: str, number: int, *, seconds: float) -> None:
        """Past the program: so many events within the last seconds, which bring one version."""
        chance, now = self._chance, datetime.now(UTC)
        ats = sorted(now - timedelta(seconds=seconds * chance.random()) for _ in range(number))
        rows = [
            {"name": "click", "at": at, "properties": self._properties(), "_id": ObjectId()}
            for at in ats
        ]
        database = self._database

        def click(session: ClientSession) -> None:
            found = database.customers.find_one({"sourceId": who}, {"version": 1}, session=session)
            if found is None:
                return
            database.customers.update_one(
                {"_id": found["_id"]},
                {
                    "$inc": {"version": 1, "events.click.count": number},
                    "$min": {"events.click.firstAt": ats[0]},
                    "$max": {"events.click.lastAt": ats[-1]},
                },
                session=session,
            )
            brought = {"customerId": found["_id"], "since": found["version"] + 1}
            database.events.insert_many([{**row, **brought} for row in rows], session=session)

        def do() -> None:
            with self._client.start_session() as session:
                session.with_transaction(click)

        await asyncio.to_thread(do)

    async def _active(self, filter_: Json) -> None:
        self._names += 1
        name = f"Crowd {self._names} {self._chance.random()}"
        segment = await self._shop.active(name, filter_)
        if "attribute" in filter_:
            self._segments.append(segment)

    def _busy_one(self) -> str:
        return f"busy{self._chance.randrange(self._sizes.busy)}"

    def _properties(self) -> Json:
        chance = self._chance
        return {
            "amount": chance.randrange(-50, 61) / chance.choice([1, 1, 4]),
            "sku": f"s{chance.randrange(40)}",
            "kind": chance.choice("abc"),
        }

    def _clicks(
        self,
        last: str,
        aggregate: tuple[str, str] | None = None,
        operator: str = "GREATER_THAN_OR_EQUAL",
        value: int = 1,
    ) -> Json:
        asked: Json = {"within": {"last": last}, "operator": operator, "value": value}
        if aggregate:
            asked["aggregate"] = dict(zip(("function", "property"), aggregate, strict=True))
        return event("click", **asked)


_KIND_B = {"path": "kind", "operator": "IS", "value": "b"}
_GAIN = {"path": "amount", "operator": "GREATER_THAN", "value": 0}


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
