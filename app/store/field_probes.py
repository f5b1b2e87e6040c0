"""Asks many small questions about stored rows in one query: whether any row has a field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.filters.fields import Field
from app.filters.sources import CUSTOMERS_COLLECTION, RowSource
from app.store.query_budget import QueryBudget, Stage

# The rows that a probe reads of a source, and a probe for arrays of customers.
SAMPLE_SIZE = 1_000


@dataclass(frozen=True)
class FieldProbe:
    """Whether any customer, or with `source` any of its newest rows, has a value at a field.

    With `behind_array`, whether the field lies behind an array in a sample of customers, or in the
    newest rows of `source`.
    """

    field: Field
    source: RowSource | None = None
    behind_array: bool = False


class FieldProbes:
    """Answers probes. The cost does not depend on the number of rows."""

    def __init__(self, query_budget: QueryBudget) -> None:
        self._query_budget = query_budget

    async def positive(self, probes: Iterable[FieldProbe]) -> set[FieldProbe]:
        """The probes whose answer is yes."""
        numbered_probes = list(dict.fromkeys(probes))
        if not numbered_probes:
            return set()
        pipelines = [
            [
                *_stages(probe),
                {"$limit": 1},
                {"$project": {"_id": 0, "probe": {"$literal": number}}},
            ]
            for number, probe in enumerate(numbered_probes)
        ]
        unions: list[Stage] = [
            {"$unionWith": {"coll": _collection(probe), "pipeline": pipeline}}
            for probe, pipeline in zip(numbered_probes[1:], pipelines[1:], strict=True)
        ]
        rows = await self._query_budget.aggregate(
            _collection(numbered_probes[0]), [*pipelines[0], *unions]
        )
        return {numbered_probes[row["probe"]] for row in rows}


def _collection(probe: FieldProbe) -> str:
    return probe.source.collection if probe.source else CUSTOMERS_COLLECTION


def _stages(probe: FieldProbe) -> list[Stage]:
    exists: dict[str, Any] = {probe.field.mongo_path: {"$exists": True}}
    sample: list[Stage] = (
        [{"$match": dict(probe.source.predicate)}, {"$sort": {"at": -1}}, {"$limit": SAMPLE_SIZE}]
        if probe.source
        else [{"$match": exists}, {"$limit": SAMPLE_SIZE}]
    )
    if not probe.behind_array:
        return [*sample, {"$match": exists}]
    keys = probe.field.document_keys
    parents = [".".join(keys[:end]) for end in range(2, len(keys))]
    is_behind_array = {**exists, "$or": [{parent: {"$type": "array"}} for parent in parents]}
    return [*sample, {"$match": is_behind_array}]
