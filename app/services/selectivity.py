"""Estimates the selectivity of filters: evaluates them in process on a sample of customers.

An estimate only decides which plan a query uses. All plans give the same result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.domain.customers import Customer
from app.filters import CustomerFacts, Evaluation, Filter, Now
from app.filters.evaluate import matching_rows
from app.filters.index_ranges import IndexRange
from app.filters.measure_stages import is_covered_by_index
from app.filters.pipeline import FilterParts
from app.filters.summary_rewrite import rewrite_with_summaries
from app.filters.tree import AllOf, Measure
from app.filters.walk import measures
from app.store import Store
from app.worker_threads import raise_if_cancelled, run_in_thread

_SAMPLE_SIZE = 512
_MAX_ROWS = 5_000
_CACHE_SECONDS = 300
_COUNT_CACHE_SECONDS = 5
_MAX_CACHED_ESTIMATES = 1_000


@dataclass(frozen=True)
class SelectivityEstimate:
    """The estimated effect of a filter. Shares are between 0 and 1, of all customers."""

    # Customers that match the conditions on the customer document, on event and order rows, both.
    customer_share: float
    rows_share: float
    combined_share: float
    # Number of measures over rows, and average rows per customer that an index alone can count, or
    # that have to be read.
    measure_count: int
    counted_rows_per_customer: float
    read_rows_per_customer: float
    # Customers that the best index range contains; None if the filter has no index range.
    index_share: float | None
    # Customers that the substring index finds; None if it does not serve the filter.
    substring_share: float | None


class SelectivityEstimator:
    """Estimates the selectivity of filters, and caches each estimate for five minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached_count: tuple[float, int] | None = None
        self._cached_sample: tuple[float, Sequence[Customer]] | None = None
        # By the hash of the filter, which is smaller than the filter. A collision of two hashes
        # can only make a query slower.
        self._cache: dict[int, tuple[float, SelectivityEstimate]] = {}

    async def customer_count(self) -> int:
        """Returns the number of customers, at most five seconds old."""
        if self._cached_count is None or monotonic() - self._cached_count[0] > _COUNT_CACHE_SECONDS:
            self._cached_count = monotonic(), await self._store.customers.estimate_count()
        return self._cached_count[1]

    async def estimate(self, filter_: Filter, now: Now) -> SelectivityEstimate:
        """Returns an estimate for the filter, at most five minutes old."""
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
        ranges = [
            (range_, await self._store.customers.has_arrays_at(range_.path))
            for range_ in parts.index_ranges(now)
        ]
        evaluations = [
            Evaluation(CustomerFacts(customer.document, rows[customer.id]), now)
            for customer in customers
        ]
        return await run_in_thread(_judge_sample, parts, required_measures, ranges, evaluations)

    async def _sampled_customers(self) -> Sequence[Customer]:
        if self._cached_sample is None or _is_expired(self._cached_sample[0]):
            self._cached_sample = monotonic(), await self._store.customers.sample(_SAMPLE_SIZE)
        return self._cached_sample[1]


def _judge_sample(
    parts: FilterParts,
    required_measures: Sequence[Measure],
    ranges: Sequence[tuple[IndexRange, bool]],
    evaluations: Sequence[Evaluation],
) -> SelectivityEstimate:
    """Returns the estimate from the sampled customers. `ranges` tells of each index range whether
    its field holds arrays. Some thousand conditions take seconds: call it in a thread."""
    customer_filter = AllOf(tuple(parts.document_filters))
    rows_filter = AllOf(tuple(parts.measure_conjuncts))
    outcomes = []
    for evaluation in evaluations:
        raise_if_cancelled()
        outcomes.append((evaluation.holds(customer_filter), evaluation.holds(rows_filter)))
    counted_measures = [measure for measure in required_measures if is_covered_by_index(measure)]
    read_measures = [measure for measure in required_measures if not is_covered_by_index(measure)]
    return SelectivityEstimate(
        _smoothed_share(matches_customer for matches_customer, _ in outcomes),
        _smoothed_share(matches_rows for _, matches_rows in outcomes),
        _smoothed_share(all(outcome) for outcome in outcomes),
        len(required_measures),
        _rows_per_customer(counted_measures, evaluations),
        _rows_per_customer(read_measures, evaluations),
        _index_share(ranges, evaluations),
        _substring_share(parts, evaluations),
    )


def _index_share(
    ranges: Sequence[tuple[IndexRange, bool]], evaluations: Sequence[Evaluation]
) -> float | None:
    """Returns the smallest share that one of the index ranges contains. If the field holds arrays,
    MongoDB can use only one bound of a range, so each bound counts by itself."""
    documents = [evaluation.facts.document for evaluation in evaluations]
    shares: list[float] = []
    for range_, has_arrays in ranges:
        raise_if_cancelled()
        if has_arrays:
            shares += (
                _smoothed_share(range_.matches_bound(side, document) for document in documents)
                for side in (0, 1)
            )
        else:
            shares.append(
                _smoothed_share(evaluation.holds(range_.condition) for evaluation in evaluations)
            )
    return min(shares, default=None)


def _substring_share(parts: FilterParts, evaluations: Sequence[Evaluation]) -> float | None:
    candidates = parts.substring_candidates
    if candidates is None:
        return None
    return _smoothed_share(
        candidates.includes(evaluation.facts.document) for evaluation in evaluations
    )


def _rows_per_customer(
    measures_of_rows: Sequence[Measure], evaluations: Sequence[Evaluation]
) -> float:
    """Returns the average number of rows per customer that the measures cover."""
    rows = sum(
        len(matching_rows(measure, evaluation.facts, evaluation.now))
        for measure in measures_of_rows
        for evaluation in evaluations
    )
    return rows / max(len(evaluations), 1)


def _is_expired(cached_at_seconds: float) -> bool:
    return monotonic() - cached_at_seconds > _CACHE_SECONDS


def _smoothed_share(outcomes: Iterable[bool]) -> float:
    """Returns the share of True, never 0 or 1: in a sample, rare outcomes may be missing."""
    values = list(outcomes)
    return (sum(values) + 0.5) / (len(values) + 1)
