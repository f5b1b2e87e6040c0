"""Samples of the values in customers, which help people to write filters."""

from typing import Any

from app.filters.case_folding import literal_regex
from app.filters.fields import AttributeType, Field
from app.filters.sources import CUSTOMERS_COLLECTION
from app.store.query_budget import QueryBudget

_SAMPLE_SIZE = 1_000
_MAX_SCANNED_CUSTOMERS = 100_000

# A query would also match an array of objects.
_HAS_METADATA = {"$expr": {"$eq": [{"$type": "$metadata"}, "object"]}}

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


class ValueSamples:
    """Samples the customers collection. Results are approximate."""

    def __init__(self, query_budget: QueryBudget) -> None:
        self._query_budget = query_budget

    async def metadata_types(self) -> dict[str, tuple[AttributeType, bool]]:
        """By metadata key in a sample of customers, the most frequent type of its values, and
        whether the values are arrays."""
        is_point = {"$and": [{"$isNumber": "$value.lat"}, {"$isNumber": "$value.lon"}]}
        stages: list[dict[str, Any]] = [
            {"$sample": {"size": _SAMPLE_SIZE}},
            {"$match": _HAS_METADATA},
            {"$project": {"entry": {"$objectToArray": "$metadata"}}},
            {"$unwind": "$entry"},
            {
                "$project": {
                    "key": "$entry.k",
                    "array": {"$isArray": "$entry.v"},
                    "value": {
                        "$cond": [{"$isArray": "$entry.v"}, {"$first": "$entry.v"}, "$entry.v"]
                    },
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
        types: dict[str, tuple[AttributeType, bool]] = {}
        for row in await self._query_budget.aggregate(CUSTOMERS_COLLECTION, stages):
            group = row["_id"]
            if group["type"] in _TYPES_BY_BSON_NAME:
                types.setdefault(group["key"], (_TYPES_BY_BSON_NAME[group["type"]], group["array"]))
        return types

    async def frequent_values(self, field: Field, prefix: str | None, limit: int) -> list[Any]:
        """At most `limit` values of a field, most frequent first.

        With `prefix`, only texts that start with it, ignoring case.
        """
        prefix_condition = (
            {} if prefix is None else {"$regex": "^" + literal_regex(prefix, ignore_case=True)}
        )
        stages: list[dict[str, Any]] = [
            {"$match": {field.mongo_path: prefix_condition or {"$exists": True}}},
            {"$limit": _MAX_SCANNED_CUSTOMERS},
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
        return [
            row["_id"] for row in await self._query_budget.aggregate(CUSTOMERS_COLLECTION, stages)
        ]
