"""Compiles a filter to MongoDB aggregation pipelines that find the customers who meet it.

`plans` yields alternative pipelines with the same result. The query planner, in
`services/query_planner.py`, estimates their costs and picks one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from app.filters import measure_stages
from app.filters.calendar import Now
from app.filters.conjuncts import conjuncts, holds_without_rows
from app.filters.index_ranges import IndexRange, as_index_ranges
from app.filters.measure_stages import SCRATCH_FIELD
from app.filters.operators import Query
from app.filters.predicates import and_query
from app.filters.query_builder import QueryBuilder
from app.filters.sources import CUSTOMERS_COLLECTION, RowSource
from app.filters.substring_index import SubstringCandidates, substring_candidates
from app.filters.summary_rewrite import SummaryRewrite, rewrite_with_summaries, summary_prefilters
from app.filters.tree import AllOf, EventCondition, Filter, NoneOf
from app.filters.walk import inlined_depth, inlined_query_bytes, measures, query_bytes

Stage = dict[str, Any]

_MATCHED_FIELD = "_matched"
# MongoDB allows a hundred levels of nesting, and its planner is slow with thousands of conditions.
# Beyond these limits each nested segment is evaluated once, by a $lookup.
_MAX_INLINED_BYTES = 2_000_000
_MAX_INLINED_DEPTH = 45
# The supplement contains the filter twice: a larger one would exceed MongoDB's 16 MiB.
_MAX_REPEATED_BYTES = 6_000_000


class Plan(Enum):
    """How a pipeline finds customers. All plans give the same result.

    The first four scan customers and look up the rows of each. INDEX_SCAN uses an index on the
    filter's attributes. SUBSTRING_SCAN does the same, and may use the substring index, too. ID_SCAN
    and COLLECTION_SCAN have the same stages, which no such index serves; `MatchingCustomers` runs
    them with different hints. ID_SCAN walks the index on `_id`, so that a page stops as soon as it
    is full. COLLECTION_SCAN reads all customers in the order of storage, which is the fastest way
    to read all of them.

    The last two group the rows of all customers. ROWS_JOIN then joins the customers whose rows
    match; ROWS_UNION adds the customers by $unionWith in the same pass.
    """

    INDEX_SCAN = "index scan"
    SUBSTRING_SCAN = "substring scan"
    ID_SCAN = "id scan"
    COLLECTION_SCAN = "collection scan"
    ROWS_JOIN = "rows join"
    ROWS_UNION = "rows union"


@dataclass(frozen=True)
class Pipeline:
    """The stages that find exactly the customers who meet a filter.

    `candidate_stages` run on `collection` and return documents with customer ids, in any order.
    Without `joins_customers` these customers are the result. With it, `filter_stages` run on these
    customers in `customers`. If there are no candidate stages, they run on all customers.
    `filter_stages` keep the order of their input.

    `customer_scans` is the number of times that `candidate_stages` read all customers.
    `hint` is the index to scan in `customers`; None leaves the choice to MongoDB or to the plan.
    `supplement` finds the members that these stages miss, usually none. It finds no member that
    these stages find, too.
    """

    plan: Plan
    collection: str = CUSTOMERS_COLLECTION
    candidate_stages: list[Stage] = field(default_factory=list)
    filter_stages: list[Stage] = field(default_factory=list)
    joins_customers: bool = False
    customer_scans: int = 0
    hint: Mapping[str, int] | None = None
    supplement: "Pipeline | None" = None

    @property
    def query(self) -> Query | None:
        """The query for the customers if the pipeline is a single query, else None."""
        match self.candidate_stages, self.filter_stages:
            case [], [{"$match": query}]:
                return dict(query)
        return None


@dataclass(frozen=True)
class _Scope:
    """The customers among whom a pipeline looks: those who meet a search, those with an `_id` in a
    range, or both. None stands for no limit."""

    search_query: Query | None = None
    id_range: Query | None = None

    @property
    def document_queries(self) -> list[Query]:
        """The limits as queries for customer documents."""
        return [
            *([self.search_query] if self.search_query else []),
            *([{"_id": self.id_range}] if self.id_range else []),
        ]

    def limit_rows(self, stages: list[Stage]) -> list[Stage]:
        """Restricts stages on a row collection to rows of customers in the id range."""
        return self._limit("customerId", stages)

    def limit_customers(self, stages: list[Stage]) -> list[Stage]:
        """Restricts stages on `customers` to the id range."""
        return self._limit("_id", stages)

    def _limit(self, field_name: str, stages: list[Stage]) -> list[Stage]:
        return [{"$match": {field_name: self.id_range}}, *stages] if self.id_range else stages


def plans(
    filter_: Filter | None,
    now: Now,
    search_query: Query | None = None,
    id_range: Query | None = None,
) -> Iterator[Pipeline]:
    """Yields alternative pipelines for the customers who meet the filter and the search, and whose
    `_id` lies in the range, such as {"$gt": a, "$lte": b}.

    Without a filter all customers meet it. The first pipeline is an INDEX_SCAN, the default. The
    cost of all pipelines but an INDEX_SCAN is in proportion to the customers in the range.
    """
    scope = _Scope(search_query, id_range)
    if filter_ is None or query_bytes(filter_) > _MAX_REPEATED_BYTES:
        yield from _plans_without_supplement(filter_, now, scope)
        return
    rewrite = rewrite_with_summaries(filter_, now)
    supplement = (
        _uncertain_customers_pipeline(filter_, rewrite, now, scope)
        if rewrite.uncertain_sources
        else None
    )
    for pipeline in _plans_without_supplement(rewrite.definite_filter, now, scope):
        yield replace(pipeline, supplement=supplement)


def _plans_without_supplement(
    filter_: Filter | None, now: Now, scope: _Scope
) -> Iterator[Pipeline]:
    parts = FilterParts.split(filter_, now)
    yield _customers_first_pipeline(parts, now, scope, Plan.INDEX_SCAN)
    if parts.substring_candidates:
        yield _customers_first_pipeline(parts, now, scope, Plan.SUBSTRING_SCAN)
    yield _customers_first_pipeline(parts, now, scope, Plan.ID_SCAN)
    if parts.index_ranges(now):
        yield _customers_first_pipeline(parts, now, scope, Plan.COLLECTION_SCAN)
    if parts.undivided_filter is not None or not parts.measure_conjuncts:
        return
    yield _rows_first_pipeline(parts, now, scope, Plan.ROWS_UNION)
    if not all(holds_without_rows(part, now) for part in parts.measure_conjuncts):
        yield _rows_first_pipeline(parts, now, scope, Plan.ROWS_JOIN)


def _customers_first_pipeline(
    parts: "FilterParts", now: Now, scope: _Scope, plan: Plan
) -> Pipeline:
    """Scans customers: first the conditions on the document, then the measures by $lookup.

    Conjuncts with fewer measures come first, so that later lookups run for fewer customers.
    """
    builder = QueryBuilder(now, use_indexes=plan in (Plan.INDEX_SCAN, Plan.SUBSTRING_SCAN))
    candidates = parts.substring_candidates if plan is Plan.SUBSTRING_SCAN else None
    stages = _match_stages(
        [
            *scope.document_queries,
            *([candidates.query] if candidates else []),
            *map(builder.query, parts.document_filters),
        ]
    )
    if parts.undivided_filter is not None:
        stages += builder.segment_stages(parts.undivided_filter)
    for conjunct in sorted(parts.measure_conjuncts, key=lambda filter_: len(measures(filter_))):
        stages += [*builder.lookup_stages(conjunct), {"$match": builder.query(conjunct)}]
    if parts.measure_conjuncts:
        stages.append({"$unset": SCRATCH_FIELD})
    return Pipeline(plan, filter_stages=stages)


def _rows_first_pipeline(parts: "FilterParts", now: Now, scope: _Scope, plan: Plan) -> Pipeline:
    """Groups the rows of all customers in one pass.

    ROWS_UNION evaluates the conditions on documents for all customers in the same pass. ROWS_JOIN
    evaluates them for the customers whose rows match. It misses customers without rows, so it is
    a valid plan only if the filter cannot hold for those.
    """
    builder = QueryBuilder(now)
    document_filters = (
        parts.document_filters if plan is Plan.ROWS_UNION else parts.document_conjuncts
    )
    document_stages = _match_stages(
        [*scope.document_queries, *map(builder.query, document_filters)]
    )
    row_predicates = [
        builder.query(conjunct, rows_only=True) for conjunct in parts.measure_conjuncts
    ]
    customer_branches = [
        _UnionBranch(
            CUSTOMERS_COLLECTION, scope.limit_customers([{"$match": query}, _flag_stage(name)])
        )
        for name, query in builder.document_queries.items()
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
        _UnionBranch(
            measure.source.collection,
            scope.limit_rows(measure_stages.group_stages(measure, name, now)),
        )
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
    filter_: Filter, rewrite: SummaryRewrite, now: Now, scope: _Scope
) -> Pipeline:
    """Finds the members that the summary rewrite misses, by their rows dated after `now`."""
    branches = [
        _UnionBranch(source.collection, scope.limit_rows(_newer_rows_stages(source, now)))
        for source in rewrite.uncertain_sources
    ]
    candidate_stages = _union_stages(branches, (), is_distinct=False)
    missed_filter = AllOf((filter_, NoneOf((rewrite.definite_filter,))))
    pipeline = _customers_first_pipeline(
        FilterParts.split(missed_filter, now), now, scope, Plan.ID_SCAN
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
    """The conjuncts of a filter, by the data that they read.

    `document_conjuncts` read only the customer's document; `measure_conjuncts` read rows too.
    `prefilters` are conditions on the document that the measure conjuncts imply: they exclude
    customers early. `undivided_filter` is a filter that is too large to split, or None.
    """

    document_conjuncts: list[Filter] = field(default_factory=list)
    measure_conjuncts: list[Filter] = field(default_factory=list)
    prefilters: list[Filter] = field(default_factory=list)
    undivided_filter: Filter | None = None

    @property
    def document_filters(self) -> list[Filter]:
        """All conditions on the document: the conjuncts and the prefilters."""
        return [*self.document_conjuncts, *self.prefilters]

    @property
    def substring_candidates(self) -> SubstringCandidates | None:
        """The candidates by the longest text that a conjunct looks for; None if the substring index
        serves none of the conjuncts."""
        return max(
            filter(None, map(substring_candidates, self.document_conjuncts)),
            key=lambda candidates: len(candidates.text),
            default=None,
        )

    def index_ranges(self, now: Now) -> list[IndexRange]:
        """The conjuncts as ranges if the filter consists only of those, else an empty list."""
        return [] if self.measure_conjuncts else as_index_ranges(self.document_conjuncts, now)

    @classmethod
    def split(cls, filter_: Filter | None, now: Now) -> "FilterParts":
        """Splits a filter, with its nested segments inlined; None has no parts."""
        if filter_ is None:
            return cls()
        if not _can_be_inlined(filter_):
            return cls(measure_conjuncts=[filter_], undivided_filter=filter_)
        parts = cls()
        for conjunct in conjuncts(filter_):
            reads_rows = bool(measures(conjunct))
            (parts.measure_conjuncts if reads_rows else parts.document_conjuncts).append(conjunct)
            if isinstance(conjunct, EventCondition):
                parts.prefilters.extend(summary_prefilters(conjunct, now))
        return parts


def _can_be_inlined(filter_: Filter) -> bool:
    """Whether each reference to a nested segment can be replaced by the segment's filter."""
    if inlined_depth(filter_) > _MAX_INLINED_DEPTH:
        return False
    inlined_bytes = inlined_query_bytes(filter_)
    return inlined_bytes <= _MAX_INLINED_BYTES or inlined_bytes == query_bytes(filter_)


@dataclass(frozen=True)
class _UnionBranch:
    """Stages on a collection that return documents with customer ids."""

    collection: str
    stages: list[Stage]


def _union_stages(
    branches: list[_UnionBranch], field_names: Iterable[str], *, is_distinct: bool = True
) -> list[Stage]:
    """Unites the branches to one document for each customer.

    `is_distinct` says that each branch already returns a customer once.
    """
    first_branch, *other_branches = branches
    if not other_branches and is_distinct:
        return first_branch.stages
    unions = [
        {"$unionWith": {"coll": branch.collection, "pipeline": branch.stages}}
        for branch in other_branches
    ]
    return [*first_branch.stages, *unions, measure_stages.merge_by_customer_stage(field_names)]


def _flag_stage(field_name: str) -> Stage:
    return {"$project": {field_name: {"$literal": True}}}


def _match_stages(queries: list[Query]) -> list[Stage]:
    return [{"$match": and_query(queries)}] if queries else []
