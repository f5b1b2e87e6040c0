"""Estimates the number of customers that match a filter from a random sample of them."""

from dataclasses import dataclass, replace
from math import sqrt
from time import monotonic

from app.filters import Filter, Now, plans
from app.store import Store
from app.store.customers import ID_INDEX, ids_query

_SAMPLE_SIZE = 2_000
_SAMPLE_CACHE_SECONDS = 300
_MAX_SECONDS = 5.0
# The normal distribution has 95% of its values within this many standard deviations.
_DEVIATIONS_OF_95_PERCENT = 1.96


@dataclass(frozen=True, slots=True)
class MemberCount:
    """A number of members. With a probability of 95%, an estimate differs from the true number by
    at most `margin_of_error`."""

    value: int
    margin_of_error: int = 0
    is_exact: bool = True


class SizeEstimator:
    """Counts the matches in a sample, which it keeps for five minutes: while somebody edits a
    filter, an estimate changes only with the filter."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached_sample: tuple[float, list[str]] | None = None

    async def estimate(self, tree: Filter, now: Now) -> MemberCount:
        """Returns an estimate of the number of customers that match the filter at an instant.

        Raises QueryTimeout if MongoDB does not count the matches in the sample within 5 seconds.
        """
        sample = await self._sample()
        sampled_count, matching_count = [
            await self._count_in_sample(filter_, sample, now) for filter_ in (None, tree)
        ]
        customer_count = await self._store.customers.estimate_count()
        return estimate_from_sample(matching_count, sampled_count, customer_count)

    async def _sample(self) -> list[str]:
        if (
            self._cached_sample is None
            or monotonic() - self._cached_sample[0] > _SAMPLE_CACHE_SECONDS
        ):
            # MongoDB may return a customer twice.
            ids = list(set(await self._store.customers.sample_ids(_SAMPLE_SIZE)))
            self._cached_sample = monotonic(), ids
        return self._cached_sample[1]

    async def _count_in_sample(self, filter_: Filter | None, sample: list[str], now: Now) -> int:
        pipeline = replace(next(plans(filter_, now, ids_query(sample))), hint=ID_INDEX)
        return await self._store.matching_customers.within(_MAX_SECONDS).count(pipeline)


def estimate_from_sample(
    matching_count: int, sampled_count: int, customer_count: int
) -> MemberCount:
    """Returns the estimate for all customers if `matching_count` of a random sample match.

    The margin is that of Agresti and Coull, which is not 0 if none or all of the sample match. It
    shrinks to 0 if the sample has all customers.
    """
    customer_count = max(customer_count, sampled_count)
    if not sampled_count:
        return MemberCount(0, customer_count, is_exact=False)
    squared = _DEVIATIONS_OF_95_PERCENT**2
    share = (matching_count + squared / 2) / (sampled_count + squared)
    deviation = sqrt(share * (1 - share) / (sampled_count + squared))
    unsampled_share = (customer_count - sampled_count) / max(customer_count - 1, 1)
    margin = _DEVIATIONS_OF_95_PERCENT * deviation * sqrt(unsampled_share) * customer_count
    return MemberCount(
        round(customer_count * matching_count / sampled_count), round(margin), is_exact=False
    )
