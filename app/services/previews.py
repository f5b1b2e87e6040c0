"""What a filter would select, before it is saved."""

import asyncio
from dataclasses import dataclass, field

from app.domain.inputs import CustomerRef
from app.errors import UserErrorCode, input_error
from app.filters import Filter, Now, describe
from app.filters.filter_json import FilterJson
from app.filters.tree import AllOf, Measure, NoneOf
from app.filters.walk import measures
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.evaluation import evaluate
from app.services.memberships import Judgement, Memberships
from app.services.query_planner import PlannedQuery, QueryPlanner
from app.services.size_estimates import MemberCount, SizeEstimator
from app.store import Store

_PATH = "filter"


@dataclass(frozen=True)
class Preview:
    """A filter that is not saved, with the definitions and the instant of its evaluation."""

    filter_json: FilterJson
    tree: Filter
    definitions: Definitions
    now: Now

    async def parse_by(self, definitions: Definitions) -> Filter:
        """Returns the filter as these definitions parse it, which may be later ones. Raises
        InputError."""
        if definitions is self.definitions:
            return self.tree
        return await definitions.parse_input_filter(self.filter_json, _PATH)


@dataclass(frozen=True)
class SegmentDifference:
    """The customers who would enter a segment, leave it and stay in it if it had another filter.
    All are judged at the same instant."""

    entering: PlannedQuery
    leaving: PlannedQuery
    staying: PlannedQuery
    _count_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def count(self, query: PlannedQuery) -> int:
        """Returns the number of customers of one of the queries. Counts one query at a time: all at
        once would take every thread that queries about all customers have."""
        async with self._count_lock:
            return await query.count()


class Previews:
    """Evaluates filters that are not saved."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        query_planner: QueryPlanner,
        memberships: Memberships,
    ) -> None:
        self._definitions = definitions
        self._query_planner = query_planner
        self._memberships = memberships
        self._size_estimator = SizeEstimator(store)

    async def parse(self, filter_json: FilterJson, now: Now) -> Preview:
        """Returns the preview of a filter. Raises InputError if it is invalid."""
        definitions = await self._definitions.latest()
        tree = await definitions.parse_input_filter(filter_json, _PATH)
        return Preview(filter_json, tree, definitions, now)

    def describe(self, preview: Preview) -> str:
        """Returns the filter as one English sentence."""
        return describe(preview.tree)

    def query(self, preview: Preview) -> PlannedQuery:
        """Returns the query for the customers who match the filter."""
        return self._query_planner.plan(preview.tree, preview.now)

    async def count_within(self, preview: Preview, seconds: float) -> MemberCount:
        """Returns the number of customers who match the filter; an estimate from a sample if
        MongoDB has not counted them in `seconds`. MongoDB then stops counting."""
        count = await self.query(preview).count_within(seconds)
        if count is not None:
            return MemberCount(count)
        return await self._size_estimator.estimate(preview.tree, preview.now)

    async def compare(self, preview: Preview, segment_id: str) -> SegmentDifference:
        """Compares the filter with that of a segment. Raises NOT_FOUND for an unknown segment, and
        SEGMENT_CYCLE if the segment can't have the filter because it would contain itself."""
        definitions, now = preview.definitions, preview.now
        segment = definitions.segments.get(segment_id)
        if segment is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such segment.", "segmentId")
        await definitions.parse_input_filter(preview.filter_json, _PATH, own_segment_id=segment_id)
        before, after = await definitions.load_filter_tree(segment), preview.tree
        plan = self._query_planner.plan
        return SegmentDifference(
            entering=plan(AllOf((after, NoneOf((before,)))), now),
            leaving=plan(AllOf((before, NoneOf((after,)))), now),
            staying=plan(AllOf((after, before)), now),
        )

    async def judge(
        self, preview: Preview, customer_ref: CustomerRef, overrides: object
    ) -> Judgement:
        """Judges a customer by the filter. `overrides` replace fields of the stored profile. A
        customer with an unknown sourceId is judged by the overrides alone. Raises InputError for an
        unknown customer id or invalid overrides."""

        async def collect_measures(definitions: Definitions) -> list[Measure]:
            return measures(await preview.parse_by(definitions))

        definitions, _, evaluation = await self._memberships.load_evaluation(
            customer_ref, overrides, preview.now, collect_measures, lambda _: None
        )
        tree = await preview.parse_by(definitions)
        holds = await evaluate(evaluation.facts, lambda: evaluation.holds(tree))
        return Judgement(holds, tree, evaluation)
