"""Reads the customers whom a pipeline selects in the order of their ids, window by window.

A window is a range of customer ids, and is read in one snapshot: all its customers, rows and
members are as of the same instant. MongoDB keeps a snapshot for five minutes.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.filters import Pipeline
from app.filters.operators import Query
from app.filters.pipeline import Plan
from app.filters.sources import CUSTOMERS_COLLECTION
from app.store.collections import Database
from app.store.connection import CODEC_OPTIONS
from app.store.ids import to_object_id, to_public_id
from app.store.reads import retry_read
from app.store.snapshots import snapshot_session

Document = dict[str, Any]
Stage = dict[str, Any]

# The more, the fewer switches between the threads that read and those that write rows.
_DOCUMENTS_PER_BATCH = 2_500
_IDS_PER_QUERY = 10_000
# A window may need a scan of all rows.
_MAX_WINDOW_MILLISECONDS = 600_000
# The text of a row is many times larger than its document if columns lie inside each other.
_MAX_BYTES_PER_BATCH = 1024 * 1024
# Naive instants, in UTC: they are faster to decode and to format.
_CODEC_OPTIONS = CODEC_OPTIONS.with_options(tz_aware=False, tzinfo=None)
_ONLY_ID: Stage = {"$project": {"_id": 1}}
_SORT_BY_ID: Stage = {"$sort": {"_id": 1}}


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """A batch of customer documents in BSON: at most 1 MiB, or one document."""

    bson_bytes: bytes

    def decode(self) -> list[Document]:
        """Decodes the documents. Call it in a thread: a large batch takes many milliseconds."""
        return bson.decode_all(self.bson_bytes, _CODEC_OPTIONS)


def _split(bson_bytes: bytes) -> Iterator[DocumentBatch]:
    """Splits a batch that MongoDB sent, which has at most 16 MiB."""
    if len(bson_bytes) <= _MAX_BYTES_PER_BATCH:
        yield DocumentBatch(bson_bytes)
        return
    start = end = 0
    while end < len(bson_bytes):
        # A document begins with its length.
        next_end = end + int.from_bytes(bson_bytes[end : end + 4], "little")
        if start < end and next_end - start > _MAX_BYTES_PER_BATCH:
            yield DocumentBatch(bson_bytes[start:end])
            start = end
        end = next_end
    yield DocumentBatch(bson_bytes[start:])


class MemberWindows:
    """Windows over the customers collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._customers = database[CUSTOMERS_COLLECTION]

    async def max_customer_id(self) -> str | None:
        """The greatest id of a customer; None if there are no customers."""
        row = await self._customers.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return None if row is None else to_public_id(EntityKind.CUSTOMER, row["_id"])

    async def end_of_window(self, after: str | None, through: str, size: int) -> str:
        """The id of the `size`-th customer after the id `after`, but at most `through`."""

        async def read() -> list[Document]:
            query = {"_id": id_range(after, through)}
            cursor = self._customers.find(query, {"_id": 1}, sort=[("_id", 1)])
            return list(await cursor.skip(size - 1).limit(1).to_list(None))

        rows = await retry_read(read)
        return to_public_id(EntityKind.CUSTOMER, rows[0]["_id"]) if rows else through

    async def read(
        self, pipeline: Pipeline, projection: Mapping[str, Any]
    ) -> AsyncGenerator[DocumentBatch, None]:
        """Yields the selected customers by id, with the projected fields and `_id`.

        The pipeline is for one window: it restricts the ids itself.
        """
        async with snapshot_session(self._database.client) as session:
            supplement_ids = (
                await self._selected_ids(pipeline.supplement, session)
                if pipeline.supplement
                else []
            )
            if pipeline.plan is Plan.ID_SCAN and not supplement_ids:
                cursor = self._open_cursor(pipeline, projection, session)
                try:
                    async for bson_bytes in cursor:
                        for batch in _split(bson_bytes):
                            yield batch
                finally:
                    if cursor.alive:
                        await cursor.close()
                return
            selected_ids = await self._selected_ids(pipeline, session)
            ids = sorted({*selected_ids, *supplement_ids})
            for first in range(0, len(ids), _DOCUMENTS_PER_BATCH):
                batches = self._customers.find_raw_batches(
                    {"_id": {"$in": ids[first : first + _DOCUMENTS_PER_BATCH]}},
                    {"_id": 1, **projection},
                    sort=[("_id", 1)],
                    batch_size=_DOCUMENTS_PER_BATCH + 1,
                    session=session,
                )
                async for bson_bytes in batches:
                    for batch in _split(bson_bytes):
                        yield batch

    def _open_cursor(
        self,
        pipeline: Pipeline,
        projection: Mapping[str, Any],
        session: AsyncIOMotorClientSession,
    ) -> Any:
        """A cursor of raw batches over the customers of an ID_SCAN."""
        options: dict[str, Any] = {"session": session, "hint": {"_id": 1}}
        fields = {"_id": 1, **projection}
        if pipeline.query is not None:
            # A little faster than `aggregate`.
            return self._customers.find_raw_batches(
                pipeline.query,
                fields,
                sort=[("_id", 1)],
                batch_size=_DOCUMENTS_PER_BATCH,
                **options,
            )
        return self._customers.aggregate_raw_batches(
            [*_by_id(pipeline.filter_stages), {"$project": fields}],
            batchSize=_DOCUMENTS_PER_BATCH,
            **options,
        )

    async def _selected_ids(
        self, pipeline: Pipeline, session: AsyncIOMotorClientSession
    ) -> list[ObjectId]:
        """The ids of the customers whom the pipeline selects without its supplement. Rows of
        deleted customers may contribute ids that no customer has."""
        if not pipeline.joins_customers:
            stages = [*pipeline.candidate_stages, *pipeline.filter_stages]
            return await self._ids(pipeline.collection, stages, session)
        candidate_ids = await self._ids(pipeline.collection, pipeline.candidate_stages, session)
        ids: list[ObjectId] = []
        for first in range(0, len(candidate_ids), _IDS_PER_QUERY):
            match = {"$match": {"_id": {"$in": candidate_ids[first : first + _IDS_PER_QUERY]}}}
            stages = [match, *pipeline.filter_stages]
            ids += await self._ids(CUSTOMERS_COLLECTION, stages, session)
        return ids

    async def _ids(
        self, collection: str, stages: Sequence[Stage], session: AsyncIOMotorClientSession
    ) -> list[ObjectId]:
        cursor = self._database[collection].aggregate(
            [*stages, _ONLY_ID],
            session=session,
            batchSize=_IDS_PER_QUERY,
            allowDiskUse=True,
            maxTimeMS=_MAX_WINDOW_MILLISECONDS,
        )
        return [row["_id"] for row in await cursor.to_list(None)]


def id_range(after: str | None, through: str) -> Query:
    """The range of customer ids after `after`, up to and including `through`, as a query."""
    last = {"$lte": to_object_id(EntityKind.CUSTOMER, through)}
    return last if after is None else {"$gt": to_object_id(EntityKind.CUSTOMER, after), **last}


def _by_id(filter_stages: Sequence[Stage]) -> list[Stage]:
    """The stages, with the order right after the leading predicate, where an index serves it."""
    has_leading_match = bool(filter_stages) and "$match" in filter_stages[0]
    return [
        *filter_stages[:has_leading_match],
        _SORT_BY_ID,
        *filter_stages[has_leading_match:],
    ]
