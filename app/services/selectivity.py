"""What a filter is likely to leave: asked of a sample of the customers, with the other engine.

An estimate decides only which way a question goes; every way gives the same answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.domain.customers import Customer
from app.filters import CustomerFacts, Evaluation, Filter, Now, holds
from app.filters.evaluate import matching_rows
from app.filters.index_ranges import IndexRange
from app.filters.measure_stages import is_covered_by_index
from app.filters.pipeline import FilterParts
from app.filters.summary_rewrite import rewrite_with_summaries
from app.filters.tree import AllOf, Measure
from app.filters.walk import measures
from app.store import Store

_SAMPLE_SIZE = 512
_MAX_ROWS = 5_000
_CACHE_SECONDS, _COUNT_CACHE_SECONDS = 300, 5
_MAX_CACHED_ESTIMATES = 1_000


@dataclass(frozen=True)
class SelectivityEstimate:
    """Shares of the customers: of whom that holds which is asked of the customer alone, that which
    is asked of rows, and both. How many measures of rows there are; and how many rows a customer
    has that are only counted, and that are read. Where ranges alone are asked, the share to which
    an index leads."""

    customer_share: float
    rows_share: float
    combined_share: float
    measure_count: int
    counted_rows_per_customer: float
    read_rows_per_customer: float
    index_share: float | None


class SelectivityEstimator:
    """Estimates, each kept for some minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached_count: tuple[float, int] | None = None
        self._cached_sample: tuple[float, Sequence[Customer]] | None = None
        # By the hash of the filter, which may be large; that of another would only cost time.
        self._cache: dict[int, tuple[float, SelectivityEstimate]] = {}

    async def customer_count(self) -> int:
        """How many customers there are, or were some seconds ago."""
        if self._cached_count is None or monotonic() - self._cached_count[0] > _COUNT_CACHE_SECONDS:
            self._cached_count = monotonic(), await self._store.customers.estimate_count()
        return self._cached_count[1]

    async def estimate(self, filter_: Filter, now: Now) -> SelectivityEstimate:
        """An estimate for the filter, some minutes old at the most."""
        cache_key = hash(filter_)
        cached = self._cache.get(cache_key)
        if cached is None or _is_expired(cached[0]):
            cached = monotonic(), await self._compute(filter_, now)
            self._cache.pop(cache_key, None)
            while len(self._cache) >= _MAX_CACHED_ESTIMATES:
                del self._cache[next(iter(self._cache))]
            self._cache[cache_key] = cached
        return cached[1]

    async def _compute(self, filter_: Filter, now: Now) -> SelectivityEstimate:
        customers = await self._sampled_customers()
        filter_ = rewrite_with_summaries(filter_, now).definite_filter
        required_measures = measures(filter_)
        ids = [customer.id for customer in customers]
        rows = await self._store.customer_facts.read_rows(
            ids, required_measures, now, limit=_MAX_ROWS
        )
        parts = FilterParts.split(filter_, now)
        customer_filter, rows_filter = (
            AllOf(tuple(parts.document_filters)),
            AllOf(tuple(parts.measure_conjuncts)),
        )
        evaluations = [
            Evaluation(CustomerFacts(customer.document, rows[customer.id]), now)
            for customer in customers
        ]
        outcomes = [
            (evaluation.holds(customer_filter), evaluation.holds(rows_filter))
            for evaluation in evaluations
        ]
        counted_measures = [
            measure for measure in required_measures if is_covered_by_index(measure)
        ]
        read_measures = [
            measure for measure in required_measures if not is_covered_by_index(measure)
        ]
        return SelectivityEstimate(
            _smoothed_share(customer_filter for customer_filter, _ in outcomes),
            _smoothed_share(rows_filter for _, rows_filter in outcomes),
            _smoothed_share(
                customer_filter and rows_filter for customer_filter, rows_filter in outcomes
            ),
            len(required_measures),
            _rows_per_customer(counted_measures, evaluations),
            _rows_per_customer(read_measures, evaluations),
            await self._index_share(parts.index_ranges(now), customers, now),
        )

    async def _index_share(
        self, ranges: Sequence[IndexRange], customers: Sequence[Customer], now: Now
    ) -> float | None:
        """The least share to which the index of a range leads: to all that lies on one side of one
        end, if it must do with one."""
        documents = [customer.document for customer in customers]
        shares: list[float] = []
        for range_ in ranges:
            if await self._store.customers.has_arrays_at(range_.path):
                shares += (
                    _smoothed_share(range_.matches_bound(side, document) for document in documents)
                    for side in (0, 1)
                )
            else:
                shares.append(
                    _smoothed_share(
                        holds(range_.condition, CustomerFacts(document), now)
                        for document in documents
                    )
                )
        return min(shares, default=None)

    async def _sampled_customers(self) -> Sequence[Customer]:
        if self._cached_sample is None or _is_expired(self._cached_sample[0]):
            self._cached_sample = monotonic(), await self._store.customers.sample(_SAMPLE_SIZE)
        return self._cached_sample[1]


def _rows_per_customer(
    measures_of_rows: Sequence[Measure], evaluations: Sequence[Evaluation]
) -> float:
    """How many rows a customer has for the measures, on the average."""
    rows = sum(
        len(matching_rows(measure, evaluation.facts, evaluation.now))
        for measure in measures_of_rows
        for evaluation in evaluations
    )
    return rows / max(len(evaluations), 1)


def _is_expired(cached_at_seconds: float) -> bool:
    return monotonic() - cached_at_seconds > _CACHE_SECONDS


def _smoothed_share(outcomes: Iterable[bool]) -> float:
    """The share of those of whom it held; of none, and of all, it may just not have been seen."""
    values = list(outcomes)
    return (sum(values) + 0.5) / (len(values) + 1)
