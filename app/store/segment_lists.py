"""Reads pages of segments in each of their orders."""

from collections.abc import Collection, Mapping
from functools import reduce
from typing import Any

from app.domain.ids import EntityKind
from app.domain.segment_lists import (
    ListedSegment,
    ListPosition,
    SegmentOrder,
    SegmentSelection,
    SortValue,
)
from app.domain.segments import MAX_NAME_LENGTH
from app.filters.case_folding import literal_regex
from app.filters.fields import is_storable
from app.store.collections import (
    SEGMENT_NAME_COLLATION,
    SEGMENT_ORDER_FIELDS,
    Database,
)
from app.store.ids import to_object_id, to_object_ids
from app.store.segments import as_segment

Query = dict[str, Any]


class SegmentLists:
    """Sorted lists over the segments collection. An index serves each order."""

    def __init__(self, database: Database) -> None:
        self._collection = database.segments

    async def page(
        self,
        selection: SegmentSelection,
        used_ids: Collection[str],
        order: SegmentOrder,
        after: ListPosition | None,
        limit: int,
        *,
        descending: bool,
    ) -> list[ListedSegment]:
        """Returns at most `limit` of the selected segments after a position.

        `used_ids` are the segments that something uses; they matter only if `selection.unused` is
        set.
        """
        field, direction = SEGMENT_ORDER_FIELDS[order], -1 if descending else 1
        query = _selection_query(selection, used_ids)
        if after is not None:
            query = {"$and": [query, query_after(field, after, descending=descending)]}
        cursor = self._collection.find(
            query,
            sort=[(field, direction), ("_id", direction)],
            limit=limit,
            collation=SEGMENT_NAME_COLLATION if order is SegmentOrder.NAME else None,
        )
        return [_as_listed_segment(document, field) async for document in cursor]

    async def count(self, selection: SegmentSelection, used_ids: Collection[str]) -> int:
        """Returns the number of selected segments."""
        return int(await self._collection.count_documents(_selection_query(selection, used_ids)))


def _selection_query(selection: SegmentSelection, used_ids: Collection[str]) -> Query:
    query: Query = {}
    if search := selection.search:
        # No name is longer, and MongoDB rejects longer patterns.
        is_findable = len(search) <= MAX_NAME_LENGTH and is_storable(search)
        query["name"] = {"$regex": literal_regex(search, ignore_case=True)} if is_findable else None
    if selection.kinds is not None:
        query["kind"] = {"$in": [kind.value for kind in selection.kinds]}
    if selection.unused is not None:
        operator = "$nin" if selection.unused else "$in"
        query["_id"] = {operator: to_object_ids(EntityKind.SEGMENT, used_ids)}
    return query


def query_after(field: str, after: ListPosition, *, descending: bool) -> Query:
    """Returns the query of the segments after a position. A missing value is less than any other;
    $lt and $gt compare values of the same type only."""
    later_id = {"$lt" if descending else "$gt": to_object_id(EntityKind.SEGMENT, after.segment_id)}
    queries: list[Query] = [{field: after.value, "_id": later_id}]
    if after.value is not None:
        queries.append(
            {field: {"$not": {"$gte": after.value}} if descending else {"$gt": after.value}}
        )
    elif not descending:
        queries.append({field: {"$ne": None}})
    return {"$or": queries}


def _as_listed_segment(document: Mapping[str, Any], field: str) -> ListedSegment:
    segment = as_segment(document)
    value: SortValue = reduce(_get_key, field.split("."), document)  # type: ignore[assignment]
    return ListedSegment(segment, ListPosition(value, segment.id))


def _get_key(document: Any, key: str) -> Any:
    return None if document is None else document.get(key)
