"""Random operations on the shop, through the API and directly in MongoDB."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from tests.engine.conftest import ShopWithEngine
from tests.engine.model.bulk_workload import BulkWorkload, WorkloadSizes
from tests.engine.model.conditions import attribute, event
from tests.engine.model.response_log import RecordingApi

Json = dict[str, Any]
CUSTOMERS = 24

IS_VIP = attribute("metadata.vip", "IS", True)
RECENT_VISIT = event("visit", within={"last": "PT0.7S"})
RECENT_ORDERS = event(
    "order",
    within={"last": "PT3S"},
    aggregate={"function": "SUM", "property": "amount"},
    value=300,
)

BOUGHT_SHOES = event(
    "order.item",
    where=[{"path": "category", "operator": "IS", "value": "shoes"}],
    within={"last": "PT2S"},
    value=2,
)
SPENT_ON_ITEMS = event("order.item", aggregate={"function": "SUM", "property": "amount"}, value=500)
DIFFERENT_PRODUCTS = event(
    "order.item",
    within={"last": "PT4S"},
    aggregate={"function": "DISTINCT_COUNT", "property": "sku"},
    value=3,
)


class Workload:
    """Runs random operations. Any of them may fail."""

    def __init__(
        self, api: RecordingApi, client: MongoClient[Json], rng: random.Random, sizes: WorkloadSizes
    ) -> None:
        self.shop = shop = ShopWithEngine(api)
        self._api = api
        self._bulk_workload = BulkWorkload(shop, api, client, rng, sizes)
        self._client = client
        self._rng = rng
        self._nested_segments: list[str] = []
        self._program_id = ""
        self._name_count = 0

    async def create_initial_data(self) -> None:
        """Creates customers, and segments of every kind, some nested."""
        for _ in range(6):
            await self.upsert_customer()
        create_program = (
            'mutation { loyaltyProgramCreate(input: {name: "Club"}) { program { id } } }'
        )
        self._program_id = (await self._api.fetch(create_program))["program"]["id"]
        rng = self._rng
        for _ in range(2):
            self._nested_segments.append(await self.create_segment(self.random_level_filter()))
        nested = [
            {"segment": {"id": id_, "member": rng.random() < 0.7}} for id_ in self._nested_segments
        ]
        for filter_ in (
            IS_VIP,
            {"all": [IS_VIP, self.random_level_filter()]},
            RECENT_VISIT,
            event("visit", within={"ago": {"from": "PT2.5S", "to": "PT0.4S"}}, value=2),
            {"all": [IS_VIP, {"none": [event("visit", within={"last": "PT1.5S"})]}]},
            RECENT_ORDERS,
            BOUGHT_SHOES,
            {"any": [SPENT_ON_ITEMS, event("order.item", value=12)]},
            {"all": [IS_VIP, DIFFERENT_PRODUCTS]},
            {"any": [*nested, attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 3)]},
            {"all": [nested[0], attribute("createdAt", "MORE_THAN_AGO", "PT2S")]},
            attribute("metadata.tags", "CONTAINS_ANY", ["a", "b"]),
            attribute("updatedAt", "WITHIN_LAST", "PT1.2S"),
            attribute("loyalty.points", "GREATER_THAN", 25),
        ):
            await self.create_active_segment(filter_)
        await self._bulk_workload.create_initial_data()

    async def run_random_operation(self) -> None:
        """Runs one operation."""
        common_operations: list[Callable[[], Awaitable[None]]] = [
            *[self.upsert_customer] * 6,
            *[self.toggle_vip] * 2,
            *[self.track_visits] * 5,
            *[self.upsert_orders] * 5,
            *[self.update_in_mongodb] * 5,
            self.update_twice_in_one_transaction,
            self.insert_event_in_mongodb,
            self.delete_customer,
            self.delete_in_mongodb,
            *[self._bulk_workload.track_clicks] * 3,
            self._bulk_workload.insert_clicks_in_mongodb,
        ]
        rare_operations: list[Callable[[], Awaitable[None]]] = [
            self.edit_nested_segment,
            self.edit_nested_segment,
            self.activate_segment,
            self.nest_static_segment,
            self.delete_segment,
            self.delete_rule,
        ]
        choice = self._rng.random()
        if choice < 0.015:
            await self._bulk_workload.run_random_operation()
        else:
            await self._rng.choice(rare_operations if choice < 0.055 else common_operations)()

    async def change_definitions_of_members(self) -> None:
        """Edits a segment inside an active one so that all with a level enter, and leave again.
        Random edits alone change nobody in some runs."""
        nested_segment = self._nested_segments[0]
        await self.create_active_segment({"segment": {"id": nested_segment}})
        for operator in ("LESS_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN"):
            filter_ = attribute("metadata.level", operator, 0)
            await self.shop.edit_segment(nested_segment, filter=filter_)

    def random_source_id(self) -> str:
        return f"c{self._rng.randrange(CUSTOMERS)}"

    def random_level_filter(self) -> Json:
        operator = self._rng.choice(["GREATER_THAN_OR_EQUAL", "IS", "LESS_THAN"])
        return attribute("metadata.level", operator, self._rng.randrange(4))

    def random_metadata(self) -> Json:
        rng = self._rng
        values: Json = {
            "vip": rng.random() < 0.5,
            "level": rng.randrange(4),
            "tags": rng.sample("abc", rng.randrange(3)),
        }
        return {key: values[key] for key in rng.sample(sorted(values), rng.randrange(1, 4))}

    async def upsert_customer(self) -> None:
        await self._api.upsert(self.random_source_id(), metadata=self.random_metadata())

    async def toggle_vip(self) -> None:
        source_id = self.random_source_id()
        for vip in (True, False, True):
            await self._api.upsert(source_id, metadata={"vip": vip})

    async def track_visits(self) -> None:
        rows = [
            {"customer": {"sourceId": self.random_source_id()}, "name": "visit"}
            for _ in range(self._rng.randrange(1, 4))
        ]
        await self._api.track_events(rows)

    async def upsert_orders(self) -> None:
        rows = [
            {
                "sourceId": f"o{self._rng.randrange(40)}",
                "customer": {"sourceId": self.random_source_id()},
                "amount": self._rng.randrange(300),
                "status": self._rng.choice(["PAID", "PAID", "FULFILLED", "CANCELED", "CREATED"]),
                **self.random_items(),
            }
            for _ in range(self._rng.randrange(1, 3))
        ]
        await self._api.bulk_upsert("ordersUpsert", rows)

    def random_items(self) -> Json:
        """Returns the field with the items of an order; some rows leave it out."""
        rng = self._rng
        if rng.random() < 0.3:
            return {}
        items = [
            {
                "sku": f"p{rng.randrange(5)}",
                "category": rng.choice(["shoes", "books"]),
                "quantity": rng.randrange(1, 4),
                "amount": rng.randrange(100),
            }
            for _ in range(rng.choice([0, 1, 2, 5, 20]))
        ]
        return {"items": items}

    async def update_in_mongodb(self) -> None:
        now = datetime.now(UTC)
        change: Json = {
            "$set": {
                "metadata.level": self._rng.randrange(4),
                "metadata.vip": self._rng.random() < 0.5,
                "updatedAt": now,
            }
        }
        if self._rng.random() < 0.7:
            change["$inc"] = {"version": 1}
        customer_filter = {"sourceId": self.random_source_id()}
        await asyncio.to_thread(self._api.database.customers.update_one, customer_filter, change)

    async def update_twice_in_one_transaction(self) -> None:
        customer_filter = {"sourceId": self.random_source_id()}

        def update_twice(session: ClientSession) -> None:
            for vip in (True, False):
                change = {"$set": {"metadata.vip": vip}, "$inc": {"version": 1}}
                self._client[self._api.database.name].customers.update_one(
                    customer_filter, change, session=session
                )

        await self._run_transaction(update_twice)

    async def insert_event_in_mongodb(self) -> None:
        database = self._client[self._api.database.name]
        now = datetime.now(UTC) - timedelta(milliseconds=self._rng.randrange(900))
        source_id = self.random_source_id()

        def insert_event(session: ClientSession) -> None:
            customer = database.customers.find_one({"sourceId": source_id}, session=session)
            if customer is None:
                return
            database.customers.update_one(
                {"_id": customer["_id"]},
                {
                    "$inc": {"version": 1, "events.visit.count": 1},
                    "$min": {"events.visit.firstAt": now},
                    "$max": {"events.visit.lastAt": now},
                },
                session=session,
            )
            row = {"customerId": customer["_id"], "name": "visit", "at": now, "properties": {}}
            row["sinceVersion"] = customer["version"] + 1
            database.events.insert_one({"_id": ObjectId(), **row}, session=session)

        await self._run_transaction(insert_event)

    async def _run_transaction(self, callback: Callable[[ClientSession], None]) -> None:
        """Runs in a thread: a wait for a killed mongod must not block the event loop that restarts
        it."""

        def run() -> None:
            with self._client.start_session() as session:
                session.with_transaction(callback)

        await asyncio.to_thread(run)

    async def delete_customer(self) -> None:
        await self.shop.delete_customer(self.random_source_id())

    async def delete_in_mongodb(self) -> None:
        customer_filter = {"sourceId": self.random_source_id()}
        await asyncio.to_thread(self._api.database.customers.delete_one, customer_filter)

    async def edit_nested_segment(self) -> None:
        await self.shop.edit_segment(
            self._rng.choice(self._nested_segments), filter=self.random_level_filter()
        )

    async def activate_segment(self) -> None:
        nested_condition = {"segment": {"id": self._rng.choice(self._nested_segments)}}
        filter_: Json = self._rng.choice(
            [
                self.random_level_filter(),
                RECENT_VISIT,
                {"all": [nested_condition, IS_VIP]},
                {"none": [RECENT_ORDERS, IS_VIP]},
            ]
        )
        await self.create_active_segment(filter_)

    async def nest_static_segment(self) -> None:
        refs = [{"sourceId": self.random_source_id()} for _ in range(6)]
        existing_refs = [ref for ref in refs if await self._api.fetch_customer(ref["sourceId"])]
        payload = await self._api.fetch(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { message } } }",
            input={"name": self.next_name(), "definition": {"customers": existing_refs}},
        )
        if payload["segment"]:
            membership_condition = {"segment": {"id": payload["segment"]["id"]}}
            await self.create_active_segment(
                {"any": [membership_condition, self.random_level_filter()]}
            )

    async def delete_segment(self) -> None:
        active = self._api.database.segments.find({"kind": "ACTIVE"}).sort("_id", -1).limit(3)
        segment = self._rng.choice(await asyncio.to_thread(list, active))
        query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
        await self._api.fetch(query, id=f"seg_{segment['_id']}")

    async def delete_rule(self) -> None:
        active_rules = self._api.database.earningRules.find({"untilSequence": None})
        rules = await asyncio.to_thread(list, active_rules)
        if len(rules) > 3:
            query = "mutation($id: ID!) { earningRuleDelete(id: $id) { userErrors { message } } }"
            await self._api.fetch(query, id=f"ear_{self._rng.choice(rules)['_id']}")

    async def create_segment(self, filter_: Json) -> str:
        return await self.shop.create_segment(self.next_name(), filter_)

    async def create_active_segment(self, filter_: Json) -> None:
        """Activates a segment by an earning rule, or directly."""
        if self._rng.random() < 0.4:
            await self.shop.create_active_segment(self.next_name(), filter_)
            return
        segment = await self.create_segment(filter_)
        rule = {"name": self.next_name(), "programId": self._program_id, "segmentId": segment}
        payload = await self._api.fetch(
            "mutation($input: EarningRuleInput!) { earningRuleCreate(input: $input)"
            " { userErrors { message } } }",
            input={**rule, "points": {"fixed": self._rng.randint(1, 5)}},
        )
        assert not payload["userErrors"], payload

    def next_name(self) -> str:
        self._name_count += 1
        return f"Segment {self._name_count} {self._rng.random()}"
