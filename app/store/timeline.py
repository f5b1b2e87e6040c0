"""Paging through the timelines of customers, newest first."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

from app.domain.ids import EntityKind, kind_of
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.reads import read_page

# At the same instant, entries of a later kind come first.
_KIND_ORDER = list(EntityKind)


async def read_latest_of_customers(
    collection: AsyncIOMotorCollection[dict[str, Any]],
    customer_ids: Iterable[str],
    limit: int,
    query: Mapping[str, Any],
    **options: Any,
) -> dict[str, list[dict[str, Any]]]:
    """Returns, by customer, at most `limit` rows of each that match the query, newest first.
    `options` are those of `read_latest`."""
    return await read_latest(
        collection, "customerId", EntityKind.CUSTOMER, customer_ids, limit, query, **options
    )


async def read_latest(
    collection: AsyncIOMotorCollection[dict[str, Any]],
    owner_field: str,
    owner_kind: EntityKind,
    owner_ids: Iterable[str],
    limit: int,
    query: Mapping[str, Any],
    *,
    key_field: str = "_id",
    order: Mapping[str, int] | None = None,
    projection: Mapping[str, Any] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Returns, by owner, at most `limit` rows of each that match the query, newest first.

    `order` sorts the rows, by default by `at` and `key_field`. `owner_field` has the owner of a
    row: its customer, for example. One command reads the rows of all owners. An owner without rows
    is left out. Raises PageTooLarge.
    """
    owners = [{"_id": key} for key in to_object_ids(owner_kind, owner_ids)]
    row_stages: list[dict[str, Any]] = [
        {"$match": query},
        {"$sort": order or {"at": -1, key_field: -1}},
        {"$limit": limit},
    ]
    if projection is not None:
        row_stages.append({"$project": projection})
    # With $unwind right after it, $lookup returns the rows one by one: together the rows of an
    # owner may exceed the size of a document.
    stages: list[dict[str, Any]] = [
        {"$documents": owners},
        {
            "$lookup": {
                "from": collection.name,
                "localField": "_id",
                "foreignField": owner_field,
                "pipeline": row_stages,
                "as": "row",
            }
        },
        {"$unwind": "$row"},
        {"$replaceRoot": {"newRoot": "$row"}},
    ]
    rows_by_owner: dict[str, list[dict[str, Any]]] = {}
    if owners:
        # Motor's stub declares the property as a collection.
        database: Database = collection.database  # type: ignore[assignment]
        cursor_options = {"batchSize": len(owners) * limit + 1}
        command = {"aggregate": 1, "pipeline": stages, "cursor": cursor_options}
        for row in await read_page(database, command):
            owner_id = to_public_id(owner_kind, row[owner_field])
            rows_by_owner.setdefault(owner_id, []).append(row)
    return rows_by_owner


def older_than(
    cursor: tuple[datetime, str] | None, kind: EntityKind, key_field: str = "_id"
) -> dict[str, Any]:
    """The predicate of rows that follow the cursor (an instant and an id), which are older."""
    if cursor is None:
        return {}
    at, id_ = cursor
    cursor_kind = kind_of(id_)
    if cursor_kind is kind:
        return {
            "$or": [{"at": {"$lt": at}}, {"at": at, key_field: {"$lt": to_object_id(kind, id_)}}]
        }
    is_later_kind = cursor_kind is not None and _KIND_ORDER.index(kind) < _KIND_ORDER.index(
        cursor_kind
    )
    return {"at": {"$lte" if is_later_kind else "$lt": at}}


def sort_key(at: datetime, id_: str) -> tuple[datetime, int, str]:
    """The sort key of an entry in the timeline; the greatest comes first."""
    kind = kind_of(id_)
    return at, -1 if kind is None else _KIND_ORDER.index(kind), id_
