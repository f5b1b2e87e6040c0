"""A filter as an aggregation: the population's engine, and the ways that it may go."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, assert_never

from app.filters import measure_stages
from app.filters.calendar import Now
from app.filters.conjuncts import conjuncts, holds_without_rows
from app.filters.index_ranges import IndexRange, as_index_ranges
from app.filters.measure_stages import SCRATCH_FIELD
from app.filters.operators import Query
from app.filters.predicates import and_query, condition_query, negatable_query
from app.filters.sources import RowSource
from app.filters.summary_rewrite import SummaryRewrite, rewrite_with_summaries, summary_prefilters
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
from app.filters.walk import (
    inlined_depth,
    inlined_query_bytes,
    measures,
    nested_segments,
    query_bytes,
)

Stage = dict[str, Any]

CUSTOMERS_COLLECTION = "customers"
_MATCHED_FIELD = "_listed"
# MongoDB takes a hundred levels and plans slowly for thousands of conditions: of more than this,
# segments are asked one by one.
_MAX_INLINED_BYTES, _MAX_INLINED_DEPTH = 2_000_000, 45
# What is asked of those in doubt holds the filter twice.
_MAX_REPEATED_BYTES = 6_000_000


class Plan(Enum):
    """From customer to customer, each of whose rows are looked up: as an index finds them, one
    after the other by their ids, or as they lie there; or from the rows of all of them, to which
    the customers are joined: those whom the rows leave, or all in the same pass."""

    INDEX_SCAN = "customers"
    ID_SCAN = "by id"
    COLLECTION_SCAN = "in place"
    ROWS_JOIN = "join"
    ROWS_UNION = "union"


@dataclass(frozen=True)
class Pipeline:
    """Stages that find just the customers of whom a filter holds.

    `gather`, from the collection on, leaves documents with the ids of customers, in any order; they
    are the ones, or with `join` those among whom they are. `refine` is asked of these customers
    themselves, of all where nothing is gathered; it keeps some of them, and their order. `passes`
    tells how often `gather` goes through all customers. `also` finds those who are missing, all of
    them others: very few, and mostly none.
    """

    plan: "Plan"
    collection: str = CUSTOMERS_COLLECTION
    candidate_stages: list[Stage] = field(default_factory=list)
    filter_stages: list[Stage] = field(default_factory=list)
    joins_customers: bool = False
    customer_scans: int = 0
    supplement: "Pipeline | None" = None

    @property
    def query(self) -> Query | None:
        """The predicate of the customers, where it alone says who they are."""
        match self.candidate_stages, self.filter_stages:
            case [], [{"$match": query}]:
                return dict(query)
        return None


def plans(
    filter_: Filter | None, now: Now, search_query: Query | None = None
) -> Iterator[Pipeline]:
    """Every way to those of whom the filter holds, and whom the search finds."""
    if filter_ is None or query_bytes(filter_) > _MAX_REPEATED_BYTES:
        yield from _plans_without_supplement(filter_, now, search_query)
        return
    rewrite = rewrite_with_summaries(filter_, now)
    supplement = (
        _uncertain_customers_pipeline(filter_, rewrite, now, search_query)
        if rewrite.uncertain_sources
        else None
    )
    for pipeline in _plans_without_supplement(rewrite.definite_filter, now, search_query):
        yield replace(pipeline, supplement=supplement)


def _plans_without_supplement(
    filter_: Filter | None, now: Now, search_query: Query | None
) -> Iterator[Pipeline]:
    parts = FilterParts.split(filter_, now)
    yield _customers_first_pipeline(parts, now, search_query, Plan.INDEX_SCAN)
    yield _customers_first_pipeline(parts, now, search_query, Plan.ID_SCAN)
    if parts.index_ranges(now):
        yield _customers_first_pipeline(parts, now, search_query, Plan.COLLECTION_SCAN)
    if parts.undivided_filter is not None or not parts.measure_conjuncts:
        return
    yield _rows_first_pipeline(parts, now, search_query, Plan.ROWS_UNION)
    if not all(holds_without_rows(part, now) for part in parts.measure_conjuncts):
        yield _rows_first_pipeline(parts, now, search_query, Plan.ROWS_JOIN)


def _customers_first_pipeline(
    parts: "FilterParts", now: Now, search_query: Query | None, plan: Plan
) -> Pipeline:
    """From customer to customer: first what can be asked of the customer alone, where indexes may
    serve it; then the rows are looked up, measure by measure, of those who are left."""
    builder = _QueryBuilder(now, use_indexes=plan is Plan.INDEX_SCAN)
    stages = _match_stages(
        [*([search_query] if search_query else []), *map(builder.query, parts.document_filters)]
    )
    if parts.undivided_filter is not None:
        stages += builder.segment_stages(parts.undivided_filter)
    for part in sorted(parts.measure_conjuncts, key=lambda part: len(measures(part))):
        stages += [*builder.lookup_stages(part), {"$match": builder.query(part)}]
    if parts.measure_conjuncts:
        stages.append({"$unset": SCRATCH_FIELD})
    return Pipeline(plan, filter_stages=stages)


def _rows_first_pipeline(
    parts: "FilterParts", now: Now, search_query: Query | None, plan: Plan
) -> Pipeline:
    """From the rows of all customers, grouped in one pass.

    What is asked of the customer alone is asked of all customers in the same pass, or joined: of
    those whom the rows leave, where nobody else is to be found.
    """
    builder = _QueryBuilder(now)
    document_filters = (
        parts.document_filters if plan is Plan.ROWS_UNION else parts.document_conjuncts
    )
    document_stages = _match_stages(
        [*([search_query] if search_query else []), *map(builder.query, document_filters)]
    )
    row_predicates = [builder.query(part, rows_only=True) for part in parts.measure_conjuncts]
    customer_branches = [
        _UnionBranch(CUSTOMERS_COLLECTION, [{"$match": q}, _flag_stage(name)])
        for name, q in builder.document_queries.items()
    ]
    projection = measure_stages.measure_projection(builder.measure_names)
    projection |= {name: {"$ifNull": [f"${name}", False]} for name in builder.document_queries}
    if plan is Plan.ROWS_UNION:
        customer_branches.append(
            _UnionBranch(CUSTOMERS_COLLECTION, [*document_stages, _flag_stage(_MATCHED_FIELD)])
        )
        projection[_MATCHED_FIELD] = f"${_MATCHED_FIELD}"
        row_predicates.append({f"{SCRATCH_FIELD}.{_MATCHED_FIELD}": True})
    measure_branches = [
        _UnionBranch(measure.source.collection, measure_stages.group_stages(measure, name, now))
        for measure, name in builder.measure_names.items()
    ]
    candidate_stages = [
        *_union_stages([*measure_branches, *customer_branches], projection),
        {"$project": {SCRATCH_FIELD: projection}},
        {"$match": and_query(row_predicates)},
    ]
    joins_customers = plan is Plan.ROWS_JOIN
    filter_stages = document_stages if joins_customers else []
    return Pipeline(
        plan,
        measure_branches[0].collection,
        candidate_stages,
        filter_stages,
        joins_customers,
        customer_scans=len(customer_branches),
    )


def _uncertain_customers_pipeline(
    filter_: Filter, rewrite: SummaryRewrite, now: Now, search_query: Query | None
) -> Pipeline:
    """From the rows after `now`, mostly none, to their customers whom the summaries miss."""
    branches = [
        _UnionBranch(source.collection, _newer_rows_stages(source, now))
        for source in rewrite.uncertain_sources
    ]
    candidate_stages = _union_stages(branches, (), is_distinct=False)
    missed_filter = AllOf((filter_, NoneOf((rewrite.definite_filter,))))
    pipeline = _customers_first_pipeline(
        FilterParts.split(missed_filter, now), now, search_query, Plan.ID_SCAN
    )
    return replace(
        pipeline,
        collection=branches[0].collection,
        candidate_stages=candidate_stages,
        joins_customers=True,
    )


def _newer_rows_stages(source: RowSource, now: Now) -> list[Stage]:
    newer_rows = {**source.predicate, "at": {"$gt": now.at}}
    return [{"$match": newer_rows}, {"$project": {"_id": "$customerId"}}]


@dataclass(frozen=True)
class FilterParts:
    """What must hold, each part by itself: asked of the customer alone, or of rows as well; and
    what then is likely to hold of the customer. What is `too_large` to be taken apart, with the
    segments inside it, is asked as a whole."""

    document_conjuncts: list[Filter] = field(default_factory=list)
    measure_conjuncts: list[Filter] = field(default_factory=list)
    prefilters: list[Filter] = field(default_factory=list)
    undivided_filter: Filter | None = None

    @property
    def document_filters(self) -> list[Filter]:
        return [*self.document_conjuncts, *self.prefilters]

    def index_ranges(self, now: Now) -> list[IndexRange]:
        """The ranges of which all must hold, where nothing else must."""
        return [] if self.measure_conjuncts else as_index_ranges(self.document_conjuncts, now)

    @classmethod
    def split(cls, filter_: Filter | None, now: Now) -> "FilterParts":
        if filter_ is None:
            return cls()
        if not _can_be_inlined(filter_):
            return cls(measure_conjuncts=[filter_], undivided_filter=filter_)
        parts = cls()
        for part in conjuncts(filter_):
            (parts.measure_conjuncts if measures(part) else parts.document_conjuncts).append(part)
            if isinstance(part, EventCondition):
                parts.prefilters.extend(summary_prefilters(part, now))
        return parts


def _can_be_inlined(filter_: Filter) -> bool:
    """Whether the segments inside can be written out wherever they stand."""
    if inlined_depth(filter_) > _MAX_INLINED_DEPTH:
        return False
    inlined_bytes = inlined_query_bytes(filter_)
    return inlined_bytes <= _MAX_INLINED_BYTES or inlined_bytes == query_bytes(filter_)


@dataclass(frozen=True)
class _UnionBranch:
    """Where documents with customers' ids come from."""

    collection: str
    stages: list[Stage]


def _union_stages(
    branches: list[_UnionBranch], field_names: Iterable[str], *, is_distinct: bool = True
) -> list[Stage]:
    """One document for each customer whom one of the origins knows; once already, if `distinct`."""
    first, *other_branches = branches
    if not other_branches and is_distinct:
        return first.stages
    unions = [{"$unionWith": {"coll": o.collection, "pipeline": o.stages}} for o in other_branches]
    return [*first.stages, *unions, measure_stages.merge_by_customer_stage(field_names)]


def _flag_stage(field_name: str) -> Stage:
    return {"$project": {field_name: {"$literal": True}}}


def _match_stages(queries: list[Query]) -> list[Stage]:
    return [{"$match": and_query(queries)}] if queries else []


def _without_index(condition: AttributeCondition) -> AttributeCondition:
    """The same, said so that it is quick to tell of one customer after the other."""
    return replace(condition, operand=replace(condition.operand, indexed=False))


@dataclass
class _QueryBuilder:
    """Predicates, and the names under which they expect what is asked of elsewhere: measures of
    rows, what is asked apart of the customers alone, and segments."""

    now: Now
    use_indexes: bool = True
    measure_names: dict[Measure, str] = field(default_factory=dict)
    document_queries: dict[str, Query] = field(default_factory=dict)
    segment_names: dict[NestedSegment, str] = field(default_factory=dict)

    def query(self, filter_: Filter, *, rows_only: bool = False) -> Query:
        """The predicate. With `apart` nothing is asked of the customer in it: what it asks of the
        customer alone becomes a predicate of its own."""
        if rows_only and not measures(filter_):
            name = f"a{len(self.document_queries)}"
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
                return negatable_query(operator, lambda op: op.query(path, operand, self.now))
            case StaticMemberCondition(rows):
                return {self._measure_path(rows): {"$gte": 1}}
            case SegmentCondition(segment, member) if segment in self.segment_names:
                return {f"{SCRATCH_FIELD}.{self.segment_names[segment]}": member}
            case SegmentCondition(segment, member):
                inner = self.query(segment.tree, rows_only=rows_only)
                return inner if member else {"$nor": [inner]}
            case _:
                assert_never(filter_)

    def _measure_path(self, measure: Measure) -> str:
        name = self.measure_names.setdefault(measure, f"m{len(self.measure_names)}")
        return f"{SCRATCH_FIELD}.{name}"

    def lookup_stages(self, filter_: Filter) -> list[Stage]:
        """The stages that look up what the filter measures and is not there yet."""
        missing_measures = [m for m in measures(filter_) if m not in self.measure_names]
        for measure in missing_measures:
            self._measure_path(measure)
        return measure_stages.lookup_stages(
            {m: self.measure_names[m] for m in missing_measures}, self.now
        )

    def segment_stages(self, filter_: Filter) -> list[Stage]:
        """The stages that ask each of the segments inside once, the innermost first.

        A predicate yields no value that a later one could ask for; a look-up of the customer itself
        is there, or not.
        """
        stages = self.lookup_stages(filter_)
        for segment in nested_segments(filter_):
            segment_query = self.query(segment.tree)
            self.segment_names[segment] = name = f"s{len(self.segment_names)}"
            lookup = {
                "from": CUSTOMERS_COLLECTION,
                "localField": "_id",
                "foreignField": "_id",
                "let": {"known": f"${SCRATCH_FIELD}"},
                "pipeline": [
                    {"$set": {SCRATCH_FIELD: "$$known"}},
                    {"$match": segment_query},
                    {"$project": {"_id": 1}},
                ],
                "as": f"{SCRATCH_FIELD}.{name}",
            }
            is_found = {"$ne": [f"${SCRATCH_FIELD}.{name}", []]}
            stages += [{"$lookup": lookup}, {"$set": {f"{SCRATCH_FIELD}.{name}": is_found}}]
        return stages
