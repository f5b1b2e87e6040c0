"""What stands in customers: looked at in a sample, to help people who write filters."""

from typing import Any

from app.filters.fields import AttributeType, Field
from app.filters.folding import pattern
from app.filters.pipeline import CUSTOMERS
from app.store.questions import Questions

# So many customers tell what is usual; so many more are too long to wait for.
_SAMPLE = 1_000
_MOST_LOOKED_AT = 100_000

_TYPES = {
    "string": AttributeType.STRING,
    "int": AttributeType.NUMBER,
    "long": AttributeType.NUMBER,
    "double": AttributeType.NUMBER,
    "bool": AttributeType.BOOLEAN,
    "date": AttributeType.DATETIME,
    "point": AttributeType.GEOPOINT,
    "object": AttributeType.OBJECT,
}


class Seen:
    """Questions of the customers collection whose answers need not be whole."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def metadata(self) -> dict[str, tuple[AttributeType, bool]]:
        """The keys of metadata with the type that most of their values have, and whether those
        are arrays of it."""
        is_point = {"$and": [{"$isNumber": "$one.lat"}, {"$isNumber": "$one.lon"}]}
        stages: list[dict[str, Any]] = [
            {"$sample": {"size": _SAMPLE}},
            {"$project": {"pair": {"$objectToArray": "$metadata"}}},
            {"$unwind": "$pair"},
            {
                "$project": {
                    "key": "$pair.k",
                    "array": {"$isArray": "$pair.v"},
                    "one": {"$cond": [{"$isArray": "$pair.v"}, {"$first": "$pair.v"}, "$pair.v"]},
                }
            },
            {
                "$group": {
                    "_id": {
                        "key": "$key",
                        "array": "$array",
                        "type": {"$cond": [is_point, "point", {"$type": "$one"}]},
                    },
                    "count": {"$sum": 1},
                }
            },
            {"$sort": {"count": -1, "_id": 1}},
        ]
        seen: dict[str, tuple[AttributeType, bool]] = {}
        for row in await self._questions.answer(CUSTOMERS, stages):
            kind = row["_id"]
            if kind["type"] in _TYPES:
                seen.setdefault(kind["key"], (_TYPES[kind["type"]], kind["array"]))
        return seen

    async def frequent(self, field: Field, prefix: str | None, most: int) -> list[Any]:
        """The values at the field, the most frequent first: texts that begin with the prefix,
        whatever their case, or all where there is none."""
        begins = {} if prefix is None else {"$regex": "^" + pattern(prefix, ignore_case=True)}
        stages: list[dict[str, Any]] = [
            {"$match": {field.address: begins or {"$exists": True}}},
            {"$limit": _MOST_LOOKED_AT},
            {"$project": {"value": f"${field.address}"}},
            {"$unwind": "$value"},
            {"$match": {"value": {"$not": {"$type": ["object", "array", "null"]}, **begins}}},
            {"$group": {"_id": "$value", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": most},
        ]
        return [row["_id"] for row in await self._questions.answer(CUSTOMERS, stages)]
