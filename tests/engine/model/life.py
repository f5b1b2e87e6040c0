"""What happens in the shop: by the API, and past it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from tests.engine.conftest import Shop
from tests.engine.model.answers import WatchedApi
from tests.engine.model.conditions import event, is_
from tests.engine.model.crowds import Crowds, Sizes

Json = dict[str, Any]
CUSTOMERS = 24


VIP = is_("metadata.vip", "IS", True)
JUST_CAME = event("visit", within={"last": "PT0.7S"})
BOUGHT = event(
    "order",
    within={"last": "PT3S"},
    aggregate={"function": "SUM", "property": "amount"},
    value=300,
)


class Life:
    """Chooses what to do next, and does it. Nothing of it need succeed."""

    def __init__(
        self, api: WatchedApi, client: MongoClient[Json], chance: random.Random, sizes: Sizes
    ) -> None:
        self.shop = shop = Shop(api)
        self._api = api
        self._crowds = Crowds(shop, api, client, chance, sizes)
        self._client = client
        self._chance = chance
        self._inner: list[str] = []
        self._program = ""
        self._names = 0

    async def begin(self) -> None:
        """Segments of every kind, one inside the other."""
        for _ in range(6):
            await self.upsert()
        create = 'mutation { loyaltyProgramCreate(input: {name: "Club"}) { program { id } } }'
        self._program = (await self._api.ask(create))["program"]["id"]
        chance = self._chance
        for _ in range(2):
            self._inner.append(await self._segment(self._level()))
        nested = [{"segment": {"id": id_, "member": chance.random() < 0.7}} for id_ in self._inner]
        for filter_ in (
            VIP,
            {"all": [VIP, self._level()]},
            JUST_CAME,
            {"all": [VIP, {"none": [event("visit", within={"last": "PT1.5S"})]}]},
            BOUGHT,
            {"any": [*nested, is_("orders.totalCount", "GREATER_THAN_OR_EQUAL", 3)]},
            {"all": [nested[0], is_("createdAt", "MORE_THAN_AGO", "PT2S")]},
            is_("metadata.tags", "CONTAINS_ANY", ["a", "b"]),
            is_("updatedAt", "WITHIN_LAST", "PT1.2S"),
            is_("loyalty.points", "GREATER_THAN", 25),
        ):
            await self._active(filter_)
        await self._crowds.begin()

    async def step(self) -> None:
        """One thing more."""
        common: list[Callable[[], Awaitable[None]]] = [
            *[self.upsert] * 6,
            *[self.in_and_out] * 2,
            *[self.visit] * 5,
            *[self.order] * 5,
            *[self.past_the_program] * 5,
            self.twice_in_one_transaction,
            self.an_event_past_the_program,
            self.delete,
            self.delete_past_the_program,
            *[self._crowds.clicks] * 3,
            self._crowds.clicks_past_the_program,
        ]
        rare: list[Callable[[], Awaitable[None]]] = [
            self.edit,
            self.edit,
            self.activate,
            self.static_inside,
            self.delete_segment,
            self.delete_rule,
        ]
        dice = self._chance.random()
        if dice < 0.015:
            await self._crowds.step()
        else:
            await self._chance.choice(rare if dice < 0.055 else common)()

    def _who(self) -> str:
        return f"c{self._chance.randrange(CUSTOMERS)}"

    def _level(self) -> Json:
        operator = self._chance.choice(["GREATER_THAN_OR_EQUAL", "IS", "LESS_THAN"])
        return is_("metadata.level", operator, self._chance.randrange(4))

    def _metadata(self) -> Json:
        chance = self._chance
        every: Json = {
            "vip": chance.random() < 0.5,
            "level": chance.randrange(4),
            "tags": chance.sample("abc", chance.randrange(3)),
        }
        return {key: every[key] for key in chance.sample(sorted(every), chance.randrange(1, 4))}

    async def upsert(self) -> None:
        await self._api.upsert(self._who(), metadata=self._metadata())

    async def in_and_out(self) -> None:
        who = self._who()
        for vip in (True, False, True):
            await self._api.upsert(who, metadata={"vip": vip})

    async def visit(self) -> None:
        rows = [
            {"customer": {"sourceId": self._who()}, "name": "visit"}
            for _ in range(self._chance.randrange(1, 4))
        ]
        await self._api.track(rows)

    async def order(self) -> None:
        rows = [
            {
                "sourceId": f"o{self._chance.randrange(40)}",
                "customer": {"sourceId": self._who()},
                "amount": self._chance.randrange(300),
                "status": self._chance.choice(["PAID", "PAID", "FULFILLED", "CANCELED", "CREATED"]),
            }
            for _ in range(self._chance.randrange(1, 3))
        ]
        await self._api.many("ordersUpsert", rows)

    async def past_the_program(self) -> None:
        now = datetime.now(UTC)
        change: Json = {
            "$set": {
                "metadata.level": self._chance.randrange(4),
                "metadata.vip": self._chance.random() < 0.5,
                "updatedAt": now,
            }
        }
        if self._chance.random() < 0.7:
            change["$inc"] = {"version": 1}
        who = {"sourceId": self._who()}
        await asyncio.to_thread(self._api.database.customers.update_one, who, change)

    async def twice_in_one_transaction(self) -> None:
        who = {"sourceId": self._who()}

        def work(session: ClientSession) -> None:
            for vip in (True, False):
                change = {"$set": {"metadata.vip": vip}, "$inc": {"version": 1}}
                self._client[self._api.database.name].customers.update_one(
                    who, change, session=session
                )

        await self._transaction(work)

    async def an_event_past_the_program(self) -> None:
        database = self._client[self._api.database.name]
        now = datetime.now(UTC) - timedelta(milliseconds=self._chance.randrange(900))
        who = self._who()

        def work(session: ClientSession) -> None:
            found = database.customers.find_one({"sourceId": who}, session=session)
            if found is None:
                return
            database.customers.update_one(
                {"_id": found["_id"]},
                {
                    "$inc": {"version": 1, "events.visit.count": 1},
                    "$min": {"events.visit.firstAt": now},
                    "$max": {"events.visit.lastAt": now},
                },
                session=session,
            )
            row = {"customerId": found["_id"], "name": "visit", "at": now, "properties": {}}
            row["since"] = found["version"] + 1
            database.events.insert_one({"_id": ObjectId(), **row}, session=session)

        await self._transaction(work)

    async def _transaction(self, work: Callable[[ClientSession], None]) -> None:
        """In a thread: who waits here for a killed mongod must not keep it from being started."""

        def do() -> None:
            with self._client.start_session() as session:
                session.with_transaction(work)

        await asyncio.to_thread(do)

    async def delete(self) -> None:
        await self.shop.delete(self._who())

    async def delete_past_the_program(self) -> None:
        who = {"sourceId": self._who()}
        await asyncio.to_thread(self._api.database.customers.delete_one, who)

    async def edit(self) -> None:
        await self.shop.edit(self._chance.choice(self._inner), filter=self._level())

    async def activate(self) -> None:
        inner = {"segment": {"id": self._chance.choice(self._inner)}}
        some: Json = self._chance.choice(
            [self._level(), JUST_CAME, {"all": [inner, VIP]}, {"none": [BOUGHT, VIP]}]
        )
        await self._active(some)

    async def static_inside(self) -> None:
        refs = [{"sourceId": self._who()} for _ in range(6)]
        there = [ref for ref in refs if await self._api.customer(ref["sourceId"])]
        payload = await self._api.ask(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { message } } }",
            input={"name": self._name(), "definition": {"customers": there}},
        )
        if payload["segment"]:
            member = {"segment": {"id": payload["segment"]["id"]}}
            await self._active({"any": [member, self._level()]})

    async def delete_segment(self) -> None:
        active = self._api.database.segments.find({"kind": "ACTIVE"}).sort("_id", -1).limit(3)
        segment = self._chance.choice(await asyncio.to_thread(list, active))
        query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
        await self._api.ask(query, id=f"seg_{segment['_id']}")

    async def delete_rule(self) -> None:
        running = self._api.database.earningRules.find({"until": None})
        rules = await asyncio.to_thread(list, running)
        if len(rules) > 3:
            query = "mutation($id: ID!) { earningRuleDelete(id: $id) { userErrors { message } } }"
            await self._api.ask(query, id=f"ear_{self._chance.choice(rules)['_id']}")

    async def _segment(self, filter_: Json) -> str:
        return await self.shop.segment(self._name(), filter_)

    async def _active(self, filter_: Json) -> None:
        """By a rule that gives points, or as if by something else."""
        if self._chance.random() < 0.4:
            await self.shop.active(self._name(), filter_)
            return
        segment = await self._segment(filter_)
        rule = {"name": self._name(), "programId": self._program, "segmentId": segment}
        payload = await self._api.ask(
            "mutation($input: EarningRuleInput!) { earningRuleCreate(input: $input)"
            " { userErrors { message } } }",
            input={**rule, "points": {"fixed": self._chance.randint(1, 5)}},
        )
        assert not payload["userErrors"], payload

    def _name(self) -> str:
        self._names += 1
        return f"Segment {self._names} {self._chance.random()}"
