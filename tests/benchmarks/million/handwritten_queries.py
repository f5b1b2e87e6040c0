"""Runs the handwritten plans with the same client, codecs and options as the program."""

from typing import Any

from bson import CodecOptions, ObjectId
from bson.codec_options import DatetimeConversion
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from tests.benchmarks.million.build import DATABASE
from tests.benchmarks.million.handwritten_plans import (
    PAGE_SIZE,
    AggregationPlan,
    CountPlan,
    FindPlan,
    MembershipSteps,
    Plan,
    Stages,
)


class HandwrittenQueries:
    """Runs handwritten plans."""

    def __init__(self, client: AsyncIOMotorClient[Any]) -> None:
        codecs: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_CLAMP
        )
        self._database: AsyncIOMotorDatabase[dict[str, Any]] = client.get_database(
            DATABASE, codec_options=codecs
        )

    async def count(self, plan: Plan, timeout_seconds: float) -> int:
        """Returns the number of members. Raises ExecutionTimeout after `timeout_seconds`."""
        match plan:
            case FindPlan():
                return await self._count_command(plan, timeout_seconds)
            case AggregationPlan():
                return await self._count_rows(plan, plan.count_stages, timeout_seconds)
            case CountPlan():
                return await self._count_rows(plan, plan.stages, timeout_seconds)
        raise TypeError(plan)

    async def page(self, plan: Plan, timeout_seconds: float) -> list[ObjectId]:
        """Returns the ids of the first members. Reads their whole documents."""
        match plan:
            case FindPlan():
                cursor = self._database[plan.collection].find(
                    plan.query, hint=plan.hint, sort=[("_id", 1)], limit=PAGE_SIZE
                )
                rows = await cursor.max_time_ms(_milliseconds(timeout_seconds)).to_list(None)
            case AggregationPlan():
                rows = await self._aggregate(plan, plan.page_stages, timeout_seconds)
            case _:
                raise TypeError(plan)
        return [row["_id"] for row in rows]

    async def is_member(self, plan: Plan, source_id: str) -> bool:
        """Whether the customer is a member, by a plan that evaluates customers one by one."""
        customer_filter = {"sourceId": source_id}
        match plan:
            case FindPlan():
                query = {**customer_filter, "$and": [plan.query]}
                return await self._database.customers.find_one(query, {"_id": 1}) is not None
            case AggregationPlan():
                stages = [
                    {"$match": customer_filter},
                    *plan.stages,
                    *plan.late_stages,
                    {"$project": {"_id": 1}},
                ]
                return bool(await self._database.customers.aggregate(stages).to_list(None))
        raise TypeError(plan)

    async def is_member_in_steps(self, steps: MembershipSteps, source_id: str) -> bool:
        query = {"sourceId": source_id, **({"$and": [steps.query]} if steps.query else {})}
        customer = await self._database.customers.find_one(query, {"_id": 1})
        if customer is None or not steps.collection:
            return customer is not None
        stages = [{"$match": {"customerId": customer["_id"]}}, *steps.stages]
        rows = await self._database[steps.collection].aggregate(stages).to_list(None)
        return bool(rows) is not steps.expects_none

    async def _count_command(self, plan: FindPlan, timeout_seconds: float) -> int:
        command = {
            "count": plan.collection,
            "query": plan.query,
            "maxTimeMS": _milliseconds(timeout_seconds),
        }
        if plan.hint:
            command["hint"] = plan.hint
        return int((await self._database.command(command))["n"])

    async def _count_rows(self, plan: Plan, stages: Stages, timeout_seconds: float) -> int:
        return sum(
            [int(row["count"]) for row in await self._aggregate(plan, stages, timeout_seconds)]
        )

    async def _aggregate(
        self, plan: Plan, stages: Stages, timeout_seconds: float
    ) -> list[dict[str, Any]]:
        options: dict[str, Any] = {
            "maxTimeMS": _milliseconds(timeout_seconds),
            "allowDiskUse": True,
        }
        if plan.hint:
            options["hint"] = plan.hint
        cursor = self._database[plan.collection].aggregate(
            list(stages), batchSize=PAGE_SIZE + 1, **options
        )
        return await cursor.to_list(None)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)
