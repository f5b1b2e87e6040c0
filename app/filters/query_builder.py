"""Builds the MongoDB queries of a filter, with the stages that compute what they read."""

from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from app.filters import measure_stages
from app.filters.calendar import Now
from app.filters.measure_stages import SCRATCH_FIELD
from app.filters.operators import Query
from app.filters.predicates import condition_query, negatable_query
from app.filters.sources import CUSTOMERS_COLLECTION
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
)
from app.filters.walk import measures, nested_segments

Stage = dict[str, Any]


def _without_index(condition: AttributeCondition) -> AttributeCondition:
    """The same condition in the form that is fastest without an index."""
    return replace(condition, operand=replace(condition.operand, indexed=False))


@dataclass
class QueryBuilder:
    """Builds queries, and assigns the keys of the scratch field that they read.

    Measures, nested segments and separate queries on documents have such keys; other stages
    compute their values before the query runs.
    """

    now: Now
    use_indexes: bool = True
    measure_names: dict[Measure, str] = field(default_factory=dict)
    document_queries: dict[str, Query] = field(default_factory=dict)
    segment_names: dict[NestedSegment, str] = field(default_factory=dict)

    def query(self, filter_: Filter, *, rows_only: bool = False) -> Query:
        """The query for a filter.

        With `rows_only` it reads only the scratch field: the parts that read the document become
        entries of `document_queries`.
        """
        if rows_only and not measures(filter_):
            name = f"condition{len(self.document_queries)}"
            self.document_queries[name] = self.query(filter_)
            return {f"{SCRATCH_FIELD}.{name}": True}
        match filter_:
            case AllOf(branches):
                return {"$and": [self.query(branch, rows_only=rows_only) for branch in branches]}
            case AnyOf(branches):
                return {"$or": [self.query(branch, rows_only=rows_only) for branch in branches]}
            case NoneOf(branches):
                return {"$nor": [self.query(branch, rows_only=rows_only) for branch in branches]}
            case AttributeCondition():
                return condition_query(
                    filter_ if self.use_indexes else _without_index(filter_), self.now
                )
            case EventCondition(measure, operator, operand):
                path = self._measure_path(measure)
                return negatable_query(
                    operator, lambda positive: positive.query(path, operand, self.now)
                )
            case StaticMemberCondition(measure):
                return {self._measure_path(measure): {"$gte": 1}}
            case SegmentCondition(segment, is_member) if segment in self.segment_names:
                return {f"{SCRATCH_FIELD}.{self.segment_names[segment]}": is_member}
            case SegmentCondition(segment, is_member):
                segment_query = self.query(segment.tree, rows_only=rows_only)
                return segment_query if is_member else {"$nor": [segment_query]}
            case _:
                assert_never(filter_)

    def _measure_path(self, measure: Measure) -> str:
        name = self.measure_names.setdefault(measure, f"measure{len(self.measure_names)}")
        return f"{SCRATCH_FIELD}.{name}"

    def lookup_stages(self, filter_: Filter) -> list[Stage]:
        """Stages that compute the measures of the filter that no earlier stage has computed."""
        missing_measures = [
            measure for measure in measures(filter_) if measure not in self.measure_names
        ]
        for measure in missing_measures:
            self._measure_path(measure)
        return measure_stages.lookup_stages(
            {measure: self.measure_names[measure] for measure in missing_measures}, self.now
        )

    def segment_stages(self, filter_: Filter) -> list[Stage]:
        """Stages that evaluate each nested segment once, the innermost first.

        A query cannot store its result for a later stage. A $lookup of the customer in `customers`
        can: its array is empty if the query does not match.
        """
        stages = self.lookup_stages(filter_)
        for segment in nested_segments(filter_):
            segment_query = self.query(segment.tree)
            self.segment_names[segment] = name = f"segment{len(self.segment_names)}"
            lookup = {
                "from": CUSTOMERS_COLLECTION,
                "localField": "_id",
                "foreignField": "_id",
                "let": {"scratch": f"${SCRATCH_FIELD}"},
                "pipeline": [
                    {"$set": {SCRATCH_FIELD: "$$scratch"}},
                    {"$match": segment_query},
                    {"$project": {"_id": 1}},
                ],
                "as": f"{SCRATCH_FIELD}.{name}",
            }
            is_found = {"$ne": [f"${SCRATCH_FIELD}.{name}", []]}
            stages += [{"$lookup": lookup}, {"$set": {f"{SCRATCH_FIELD}.{name}": is_found}}]
        return stages
