"""The hand-written ways, run with the client, the codecs and the options that the program has."""

from typing import Any

from bson import CodecOptions, ObjectId
from bson.codec_options import DatetimeConversion
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from tests.benchmarks.million.build import DATABASE
from tests.benchmarks.million.by_hand import FIRST, Find, Number, Pipe, Stages, Steps, Way


class Theirs:
    """The answers of the hand-written ways."""

    def __init__(self, client: AsyncIOMotorClient[Any]) -> None:
        codecs: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_CLAMP
        )
        self._database: AsyncIOMotorDatabase[dict[str, Any]] = client.get_database(
            DATABASE, codec_options=codecs
        )

    async def count(self, way: Way, seconds: float) -> int:
        """ExecutionTimeout where it has not come to an end in so many seconds."""
        match way:
            case Find():
                return await self._count_command(way, seconds)
            case Pipe():
                return await self._count(way, way.count, seconds)
            case Number():
                return await self._count(way, way.stages, seconds)
        raise TypeError(way)

    async def page(self, way: Way, seconds: float) -> list[ObjectId]:
        """The ids of the first members, whose whole documents were brought."""
        match way:
            case Find():
                found = self._database[way.on].find(
                    way.query, hint=way.hint, sort=[("_id", 1)], limit=FIRST
                )
                rows = await found.max_time_ms(_milliseconds(seconds)).to_list(None)
            case Pipe():
                rows = await self._rows(way, way.page, seconds)
            case _:
                raise TypeError(way)
        return [row["_id"] for row in rows]

    async def is_member(self, way: Way, source_id: str) -> bool:
        """One customer alone put to a way that judges them row by row."""
        mine = {"sourceId": source_id}
        match way:
            case Find():
                query = {**mine, "$and": [way.query]}
                return await self._database.customers.find_one(query, {"_id": 1}) is not None
            case Pipe():
                stages = [{"$match": mine}, *way.stages, *way.late, {"$project": {"_id": 1}}]
                return bool(await self._database.customers.aggregate(stages).to_list(None))
        raise TypeError(way)

    async def stepped(self, steps: Steps, source_id: str) -> bool:
        query = {"sourceId": source_id, **({"$and": [steps.query]} if steps.query else {})}
        found = await self._database.customers.find_one(query, {"_id": 1})
        if found is None or not steps.on:
            return found is not None
        stages = [{"$match": {"customerId": found["_id"]}}, *steps.stages]
        rows = await self._database[steps.on].aggregate(stages).to_list(None)
        return bool(rows) is not steps.none

    async def _count_command(self, way: Find, seconds: float) -> int:
        command = {"count": way.on, "query": way.query, "maxTimeMS": _milliseconds(seconds)}
        if way.hint:
            command["hint"] = way.hint
        return int((await self._database.command(command))["n"])

    async def _count(self, way: Way, stages: Stages, seconds: float) -> int:
        return sum([int(row["count"]) for row in await self._rows(way, stages, seconds)])

    async def _rows(self, way: Way, stages: Stages, seconds: float) -> list[dict[str, Any]]:
        options: dict[str, Any] = {"maxTimeMS": _milliseconds(seconds), "allowDiskUse": True}
        if way.hint:
            options["hint"] = way.hint
        found = self._database[way.on].aggregate(list(stages), batchSize=FIRST + 1, **options)
        return await found.to_list(None)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)
