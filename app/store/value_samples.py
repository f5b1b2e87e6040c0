"""Samples of the values in customers and events, which help people to write filters."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.filters.case_folding import literal_regex
from app.filters.fields import AttributeType, Field
from app.filters.sources import (
    CUSTOMERS_COLLECTION,
    EVENTS_COLLECTION,
    RESERVED_EVENT_NAMES,
    RowSource,
    event_source,
)
from app.store.query_budget import QueryBudget

_SAMPLE_SIZE = 1_000
_MAX_SCANNED_DOCUMENTS = 100_000
_SAMPLED_ROWS_PER_EVENT_NAME = 100
_EVENT_NAMES_COLLECTION = "eventNames"

_TYPES_BY_BSON_NAME = {
    "string": AttributeType.STRING,
    "int": AttributeType.NUMBER,
    "long": AttributeType.NUMBER,
    "double": AttributeType.NUMBER,
    "bool": AttributeType.BOOLEAN,
    "date": AttributeType.DATETIME,
    "point": AttributeType.GEOPOINT,
    "object": AttributeType.OBJECT,
}


SampledTypes = Mapping[str, tuple[AttributeType, bool]]
"""By key, the most frequent type of its values, and whether the values are arrays."""


class EventSample(NamedTuple):
    """The instant of the last event of a name, None without one, and the types of the caller's own
    properties in the latest of its events."""

    last_at: datetime | None
    property_types: SampledTypes


class ValueSamples:
    """Samples customers, events and orders. Results are approximate."""

    def __init__(self, query_budget: QueryBudget) -> None:
        self._query_budget = query_budget

    async def metadata_types(self, *keys: str) -> SampledTypes:
        """The types of the metadata in a sample of customers, or of the object at some keys in
        it."""
        object_path = ".".join(("metadata", *keys))
        stages = [{"$sample": {"size": _SAMPLE_SIZE}}, *_type_stages(object_path)]
        return _to_types(await self._query_budget.aggregate(CUSTOMERS_COLLECTION, stages))

    async def events(self, names: Iterable[str]) -> dict[str, EventSample]:
        """Samples the latest events of each name, by name.

        One query reads all custom events; orders and their items take one query each.
        """
        distinct_names = set(names)
        reserved_sources = [
            event_source(name) for name in RESERVED_EVENT_NAMES if name in distinct_names
        ]
        custom_samples, reserved_samples = await asyncio.gather(
            self._custom_events(distinct_names.difference(RESERVED_EVENT_NAMES)),
            asyncio.gather(*map(self._latest_rows, reserved_sources)),
        )
        return custom_samples | {
            source.name: sample
            for source, sample in zip(reserved_sources, reserved_samples, strict=True)
        }

    async def _custom_events(self, names: Collection[str]) -> dict[str, EventSample]:
        if not names:
            return {}
        lookup = {
            "from": EVENTS_COLLECTION,
            "localField": "_id",
            "foreignField": "name",
            "pipeline": _latest_rows_stages("properties"),
            "as": "sample",
        }
        stages: list[dict[str, Any]] = [
            {"$match": {"_id": {"$in": list(names)}}},
            {"$lookup": lookup},
        ]
        rows = await self._query_budget.aggregate(_EVENT_NAMES_COLLECTION, stages)
        return {row["_id"]: _to_event_sample(row["sample"]) for row in rows}

    async def _latest_rows(self, source: RowSource) -> EventSample:
        stages = [
            {"$match": dict(source.predicate)},
            *_latest_rows_stages(".".join(source.free_properties_keys), source.array_key),
        ]
        return _to_event_sample(await self._query_budget.aggregate(source.collection, stages))

    async def frequent_values(
        self, field: Field, prefix: str | None, limit: int, source: RowSource | None = None
    ) -> list[Any]:
        """At most `limit` values of a field, most frequent first: of customers, or of the rows of a
        source.

        With `prefix`, only texts that start with it, ignoring case.
        """
        prefix_condition = (
            {} if prefix is None else {"$regex": "^" + literal_regex(prefix, ignore_case=True)}
        )
        stages: list[dict[str, Any]] = [
            {"$match": {field.mongo_path: prefix_condition or {"$exists": True}}},
            {"$limit": _MAX_SCANNED_DOCUMENTS},
        ]
        if source is not None:
            stages.insert(0, {"$match": dict(source.predicate)})
            stages += [{"$unwind": f"${source.array_key}"}] if source.array_key else []
        stages += [
            {"$project": {"value": f"${field.mongo_path}"}},
            {"$unwind": "$value"},
            {
                "$match": {
                    "value": {"$not": {"$type": ["object", "array", "null"]}, **prefix_condition}
                }
            },
            {"$group": {"_id": "$value", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": limit},
        ]
        collection = CUSTOMERS_COLLECTION if source is None else source.collection
        return [row["_id"] for row in await self._query_budget.aggregate(collection, stages)]


def _latest_rows_stages(object_path: str, array_key: str | None = None) -> list[dict[str, Any]]:
    """Stages from all events of one name to the instant of the last one, and the types in the
    object at a path in the latest of them."""
    unwind = [{"$unwind": f"${array_key}"}] if array_key else []
    latest: list[dict[str, Any]] = [
        {"$sort": {"at": -1}},
        {"$limit": _SAMPLED_ROWS_PER_EVENT_NAME},
    ]
    return [
        *latest,
        {
            "$facet": {
                "last": [{"$limit": 1}, {"$project": {"_id": 0, "at": 1}}],
                "types": [*unwind, *_type_stages(object_path)],
            }
        },
    ]


def _to_event_sample(rows: list[dict[str, Any]]) -> EventSample:
    (row,) = rows
    last_rows = row["last"]
    return EventSample(last_rows[0]["at"] if last_rows else None, _to_types(row["types"]))


def _type_stages(object_path: str) -> list[dict[str, Any]]:
    """Stages that count the types of the values in the object at a path, by key."""
    is_object = {"$eq": [{"$type": f"${object_path}"}, "object"]}
    is_point = {"$and": [{"$isNumber": "$value.lat"}, {"$isNumber": "$value.lon"}]}
    return [
        # A query would also match an array of objects.
        {"$match": {"$expr": is_object}},
        {"$project": {"entry": {"$objectToArray": f"${object_path}"}}},
        {"$unwind": "$entry"},
        {
            "$project": {
                "key": "$entry.k",
                "array": {"$isArray": "$entry.v"},
                "value": {"$cond": [{"$isArray": "$entry.v"}, {"$first": "$entry.v"}, "$entry.v"]},
            }
        },
        {
            "$group": {
                "_id": {
                    "key": "$key",
                    "array": "$array",
                    "type": {"$cond": [is_point, "point", {"$type": "$value"}]},
                },
                "count": {"$sum": 1},
            }
        },
        {"$sort": {"count": -1, "_id": 1}},
    ]


def _to_types(rows: list[dict[str, Any]]) -> dict[str, tuple[AttributeType, bool]]:
    """By key, the type of the most frequent group; `rows` are the output of `_type_stages`."""
    types: dict[str, tuple[AttributeType, bool]] = {}
    for row in rows:
        group = row["_id"]
        if group["type"] in _TYPES_BY_BSON_NAME:
            types.setdefault(group["key"], (_TYPES_BY_BSON_NAME[group["type"]], group["array"]))
    return types
