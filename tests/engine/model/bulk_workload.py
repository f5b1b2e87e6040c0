"""Large operations: customers with thousands of events, bulk writes directly in MongoDB, segments
with thousands of members."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from tests.engine.conftest import ShopWithEngine
from tests.engine.model.conditions import attribute, event
from tests.engine.model.response_log import RecordingApi

Json = dict[str, Any]

# The number of documents that MongoDB 8 writes in one oplog entry.
_MAX_ROWS_PER_OPLOG_ENTRY = 500
_MAX_BATCHES = 3
# The initial clicks of a customer lie within this time; later ones are younger.
_INITIAL_EVENTS_SECONDS = 120


@dataclass(frozen=True)
class WorkloadSizes:
    """How many customers have how many events, and how many customers one batch inserts."""

    busy_customers: int = 3
    events_per_busy_customer: int = 10_000
    customers_per_batch: int = 1_500


class BulkWorkload:
    """Runs random large operations. Any of them may fail."""

    def __init__(
        self,
        shop: ShopWithEngine,
        api: RecordingApi,
        client: MongoClient[Json],
        rng: random.Random,
        sizes: WorkloadSizes,
    ) -> None:
        self._shop = shop
        self._api = api
        self._client = client
        self._database = client[api.database.name]
        self._rng = rng
        self._sizes = sizes
        self._segment_count = 0
        self._last_batch = 0
        self._batches: list[int] = []
        self._batch_segments: list[str] = []

    async def create_initial_data(self) -> None:
        """Creates the busy customers, and active segments on all of their events."""
        for number in range(self._sizes.busy_customers):
            await self.create_busy_customer(f"busy{number}")
        now = datetime.now(UTC)
        for filter_ in (
            self.clicks_filter("PT20S", value=self._sizes.events_per_busy_customer // 25),
            self.clicks_filter(
                "PT30S",
                ("SUM", "amount"),
                "GREATER_THAN",
                self._sizes.events_per_busy_customer // 2,
            ),
            self.clicks_filter("PT10S", ("AVG", "amount"), "GREATER_THAN_OR_EQUAL", 6),
            self.clicks_filter("PT5S", ("MIN", "amount"), "LESS_THAN", -45),
            self.clicks_filter("PT4S", ("MAX", "amount"), "GREATER_THAN_OR_EQUAL", 58),
            self.clicks_filter("PT3S", ("DISTINCT_COUNT", "sku"), "GREATER_THAN_OR_EQUAL", 30),
            event("click", where=[_KIND_IS_B], within={"last": "PT15S"}, value=100),
            event(
                "click",
                within={"ago": {"from": "PT20S", "to": "PT5S"}},
                value=self._sizes.events_per_busy_customer // 30,
            ),
            event(
                "click",
                where=[_KIND_IS_B, _AMOUNT_IS_POSITIVE],
                value=self._sizes.events_per_busy_customer // 4,
            ),
            event("click", value=self._sizes.events_per_busy_customer + 300),
            event(
                "click",
                within={
                    "between": {
                        "from": to_timestamp(now - timedelta(seconds=60)),
                        "to": to_timestamp(now),
                    }
                },
                aggregate={"function": "SUM", "property": "amount"},
                operator="LESS_THAN",
                value=self._sizes.events_per_busy_customer,
            ),
        ):
            await self.create_active_segment({"any": [filter_]})
        # Even a short run has batches and a segment of one.
        for _ in range(2):
            await self.insert_batch()
        await self.create_segment_of_batch()

    async def run_random_operation(self) -> None:
        """Runs one large operation."""
        operations: list[Callable[[], Awaitable[None]]] = [
            *[self.insert_batch] * 2,
            *[self.delete_batch] * 2,
            self.update_batch,
            self.create_segment_of_batch,
            self.delete_segment_of_batch,
            self.recreate_busy_customer,
        ]
        await self._rng.choice(operations)()

    async def track_clicks(self) -> None:
        """Tracks events of a busy customer through the API; some of them have happened earlier."""
        rng, now = self._rng, datetime.now(UTC)
        customer_ref = {"sourceId": self.random_busy_customer()}
        rows = [
            {
                "customer": customer_ref,
                "name": "click",
                "at": to_timestamp(now - timedelta(seconds=rng.random() * rng.choice([0, 8, 40]))),
                "properties": self.random_properties(),
            }
            for _ in range(rng.randrange(1, 12))
        ]
        await self._api.track_events(rows)

    async def insert_clicks_in_mongodb(self) -> None:
        event_count = self._rng.randrange(1, self._sizes.events_per_busy_customer // 20)
        await self.insert_clicks(self.random_busy_customer(), event_count, seconds=30)

    async def insert_batch(self) -> None:
        """Inserts many customers directly in MongoDB.

        Every other batch uses transactions, so that its customers share an oplog entry.
        """
        if len(self._batches) >= _MAX_BATCHES:
            return
        self._last_batch += 1
        batch, now, rng = self._last_batch, datetime.now(UTC), self._rng
        self._batches.append(batch)
        rows: list[Json] = [
            {
                "_id": ObjectId(),
                "sourceId": f"batch {batch}.{number}",
                "createdAt": now,
                "updatedAt": now,
                "version": 1,
                "metadata": {
                    "wave": batch,
                    "vip": rng.random() < 0.3,
                    "level": rng.randrange(4),
                },
            }
            for number in range(self._sizes.customers_per_batch)
        ]
        await asyncio.to_thread(self.insert_customers, rows, in_transactions=batch % 2 == 1)

    def insert_customers(self, rows: list[Json], *, in_transactions: bool) -> None:
        customers = self._database.customers
        if not in_transactions:
            customers.insert_many(rows, ordered=False)
            return
        with self._client.start_session() as session:
            for first in range(0, len(rows), _MAX_ROWS_PER_OPLOG_ENTRY):
                chunk = rows[first : first + _MAX_ROWS_PER_OPLOG_ENTRY]

                def insert_chunk(
                    transaction_session: ClientSession, chunk: list[Json] = chunk
                ) -> None:
                    customers.insert_many(chunk, session=transaction_session)

                session.with_transaction(insert_chunk)

    async def update_batch(self) -> None:
        if self._batches:
            query = {"metadata.wave": self._rng.choice(self._batches)}
            vip = {"metadata.vip": self._rng.random() < 0.5}
            change = {"$set": vip, "$inc": {"version": 1}}
            await asyncio.to_thread(self._database.customers.update_many, query, change)

    async def delete_batch(self) -> None:
        if len(self._batches) > 1:
            query = {"metadata.wave": self._batches.pop(0)}
            await asyncio.to_thread(self._database.customers.delete_many, query)

    async def create_segment_of_batch(self) -> None:
        if self._batches:
            batch = self._rng.choice(self._batches)
            await self.create_active_segment(
                attribute("metadata.wave", "GREATER_THAN_OR_EQUAL", batch)
            )

    async def delete_segment_of_batch(self) -> None:
        if self._batch_segments:
            query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
            await self._api.fetch(query, id=self._batch_segments.pop(0))

    async def recreate_busy_customer(self) -> None:
        """Deletes a busy customer, and creates it again."""
        source_id = self.random_busy_customer()
        await self._shop.delete_customer(source_id)
        await self.create_busy_customer(source_id)

    async def create_busy_customer(self, source_id: str) -> None:
        await self._api.upsert(source_id, metadata={"level": 9})
        await self.insert_clicks(
            source_id, self._sizes.events_per_busy_customer, seconds=_INITIAL_EVENTS_SECONDS
        )

    async def insert_clicks(self, source_id: str, event_count: int, *, seconds: float) -> None:
        """Inserts events of the last `seconds` directly in MongoDB, as one version of the
        customer."""
        rng, now = self._rng, datetime.now(UTC)
        event_times = sorted(
            now - timedelta(seconds=seconds * rng.random()) for _ in range(event_count)
        )
        rows = [
            {"name": "click", "at": at, "properties": self.random_properties(), "_id": ObjectId()}
            for at in event_times
        ]
        database = self._database

        def click(session: ClientSession) -> None:
            customer = database.customers.find_one(
                {"sourceId": source_id}, {"version": 1}, session=session
            )
            if customer is None:
                return
            database.customers.update_one(
                {"_id": customer["_id"]},
                {
                    "$inc": {"version": 1, "events.click.count": event_count},
                    "$min": {"events.click.firstAt": event_times[0]},
                    "$max": {"events.click.lastAt": event_times[-1]},
                },
                session=session,
            )
            version_fields = {
                "customerId": customer["_id"],
                "sinceVersion": customer["version"] + 1,
            }
            database.events.insert_many(
                [{**row, **version_fields} for row in rows], session=session
            )

        def run_transaction() -> None:
            with self._client.start_session() as session:
                session.with_transaction(click)

        await asyncio.to_thread(run_transaction)

    async def create_active_segment(self, filter_: Json) -> None:
        self._segment_count += 1
        name = f"Bulk segment {self._segment_count} {self._rng.random()}"
        segment = await self._shop.create_active_segment(name, filter_)
        if "attribute" in filter_:
            self._batch_segments.append(segment)

    def random_busy_customer(self) -> str:
        return f"busy{self._rng.randrange(self._sizes.busy_customers)}"

    def random_properties(self) -> Json:
        rng = self._rng
        return {
            "amount": rng.randrange(-50, 61) / rng.choice([1, 1, 4]),
            "sku": f"s{rng.randrange(40)}",
            "kind": rng.choice("abc"),
        }

    def clicks_filter(
        self,
        last: str,
        aggregate: tuple[str, str] | None = None,
        operator: str = "GREATER_THAN_OR_EQUAL",
        value: int = 1,
    ) -> Json:
        parameters: Json = {"within": {"last": last}, "operator": operator, "value": value}
        if aggregate:
            parameters["aggregate"] = dict(zip(("function", "property"), aggregate, strict=True))
        return event("click", **parameters)


_KIND_IS_B = {"path": "kind", "operator": "IS", "value": "b"}
_AMOUNT_IS_POSITIVE = {"path": "amount", "operator": "GREATER_THAN", "value": 0}


def to_timestamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
