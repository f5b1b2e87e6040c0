"""The members of segments: pages of them, their number, and when they entered."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from app.domain.customers import Customer
from app.domain.segments import Segment
from app.filters import Now
from app.services.concurrent_results import gather_results
from app.services.definitions_reader import DefinitionsReader
from app.services.query_planner import PlannedQuery, QueryPlanner
from app.store import Store

Result = TypeVar("Result")

# The third thread of population queries stays free for other operations.
_CONCURRENT_QUERIES = 2


class SegmentMembers:
    """Queries the members of segments."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, query_planner: QueryPlanner
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._query_planner = query_planner

    async def pages(
        self,
        segments: Sequence[Segment],
        after: str | None,
        limit: int,
        now: Now,
        *,
        with_metadata: bool = True,
    ) -> list[list[Customer] | BaseException]:
        """Returns, for each segment, at most `limit` members as of `now`, ordered by id, after the
        id `after`; or the exception that its query raised.

        One query reads the members of all static segments. Each filter has a query of its own.
        """
        static_pages = await self._store.members.pages(
            _static_ids(segments), after, limit, with_metadata=with_metadata
        )
        return await self._query_each(
            segments,
            now,
            lambda segment: static_pages.get(segment.id, []),
            lambda query: query.page(after, limit, with_metadata=with_metadata),
        )

    async def entered_at(
        self, members: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], datetime]:
        """Returns when these members last entered; `members` are the ids of an active segment and
        of a customer. Customers who were members when the segment was activated are left out."""
        customer_ids_by_segment: dict[str, list[str]] = {}
        for segment_id, customer_id in members:
            customer_ids_by_segment.setdefault(segment_id, []).append(customer_id)
        return await self._store.transitions.entered_at(customer_ids_by_segment)

    async def count(self, segment: Segment, now: Now) -> int:
        """Returns the number of members as of `now`."""
        (count,) = await self.counts([segment], now)
        if isinstance(count, BaseException):
            raise count
        return count

    async def counts(self, segments: Sequence[Segment], now: Now) -> list[int | BaseException]:
        """Returns, for each segment, the number of members as of `now`, or the exception that its
        query raised. One query counts all static segments. Each filter has a query of its own."""
        static_ids = _static_ids(segments)
        static_counts = await self._store.members.counts(static_ids) if static_ids else {}
        return await self._query_each(
            segments,
            now,
            lambda segment: static_counts.get(segment.id, 0),
            lambda query: query.count(),
        )

    async def _query_each(
        self,
        segments: Sequence[Segment],
        now: Now,
        read_static: Callable[[Segment], Result],
        run_query: Callable[[PlannedQuery], Awaitable[Result]],
    ) -> list[Result | BaseException]:
        """Returns the result for each segment, or the exception that it raised. Queries each
        distinct filter once, two filters at a time."""
        # Two versions of one segment may have been read, with different filters.
        versions = [(segment.id, segment.updated_at) for segment in segments]
        filters = {
            version: segment
            for version, segment in zip(versions, segments, strict=True)
            if segment.filter is not None
        }
        if not filters:
            return [read_static(segment) for segment in segments]
        definitions = await self._definitions.latest()

        async def query_filter(segment: Segment) -> Result:
            tree = await definitions.load_filter_tree(segment)
            return await run_query(self._query_planner.plan(tree, now))

        results = await gather_results(query_filter, filters.values(), _CONCURRENT_QUERIES)
        results_by_version = dict(zip(filters, results, strict=True))
        return [
            results_by_version[version] if version in filters else read_static(segment)
            for version, segment in zip(versions, segments, strict=True)
        ]

    async def needs_full_scan(self, segment: Segment, now: Now) -> bool:
        """Whether counting the members scans a whole collection."""
        if segment.filter is None:
            return False
        tree = await (await self._definitions.latest()).load_filter_tree(segment)
        return await self._query_planner.plan(tree, now).needs_full_scan()


def _static_ids(segments: Iterable[Segment]) -> list[str]:
    return list({segment.id: None for segment in segments if segment.filter is None})
