"""What a filter is likely to leave: asked of a sample of the customers, with the other engine.

An estimate decides only which way a question goes; every way gives the same answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.domain.customers import Customer
from app.filters import Evaluation, Facts, Filter, Now, holds
from app.filters.evaluate import rows_of
from app.filters.measuring import is_counted
from app.filters.pipeline import Parts
from app.filters.ranges import Range
from app.filters.summaries import summarized
from app.filters.tree import AllOf, Measure
from app.filters.walk import measures
from app.store import Store

_SAMPLE = 512
_MOST_ROWS = 5_000
_SECONDS, _SECONDS_OF_A_NUMBER = 300, 5
_MOST_KEPT = 1_000


@dataclass(frozen=True)
class Estimate:
    """Shares of the customers: of whom that holds which is asked of the customer alone, that which
    is asked of rows, and both. How many measures of rows there are; and how many rows a customer
    has that are only counted, and that are read. Where ranges alone are asked, the share to which
    an index leads."""

    alone: float
    measured: float
    both: float
    measures: int
    counted_rows: float
    read_rows: float
    by_index: float | None


class Estimates:
    """Estimates, each kept for some minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._number: tuple[float, int] | None = None
        self._sample: tuple[float, Sequence[Customer]] | None = None
        # By the hash of the filter, which may be large; that of another would only cost time.
        self._kept: dict[int, tuple[float, Estimate]] = {}

    async def customers(self) -> int:
        """How many customers there are, or were some seconds ago."""
        if self._number is None or monotonic() - self._number[0] > _SECONDS_OF_A_NUMBER:
            self._number = monotonic(), await self._store.customers.number()
        return self._number[1]

    async def of(self, filter_: Filter, now: Now) -> Estimate:
        """An estimate for the filter, some minutes old at the most."""
        known_as = hash(filter_)
        kept = self._kept.get(known_as)
        if kept is None or _is_old(kept[0]):
            kept = monotonic(), await self._made(filter_, now)
            self._kept.pop(known_as, None)
            while len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[known_as] = kept
        return kept[1]

    async def _made(self, filter_: Filter, now: Now) -> Estimate:
        customers = await self._sampled()
        filter_ = summarized(filter_, now).sure
        needed = measures(filter_)
        ids = [customer.id for customer in customers]
        rows = await self._store.facts.of(ids, needed, now, most=_MOST_ROWS)
        parts = Parts.of(filter_, now)
        alone, measured = AllOf(tuple(parts.first)), AllOf(tuple(parts.measured))
        asked = [
            Evaluation(Facts(customer.document, rows[customer.id]), now) for customer in customers
        ]
        held = [(one.holds(alone), one.holds(measured)) for one in asked]
        counted = [measure for measure in needed if is_counted(measure)]
        read = [measure for measure in needed if not is_counted(measure)]
        return Estimate(
            _share(alone for alone, _ in held),
            _share(measured for _, measured in held),
            _share(alone and measured for alone, measured in held),
            len(needed),
            _rows(counted, asked),
            _rows(read, asked),
            await self._by_index(parts.ranges(now), customers, now),
        )

    async def _by_index(
        self, ranges: Sequence[Range], customers: Sequence[Customer], now: Now
    ) -> float | None:
        """The least share to which the index of a range leads: to all that lies on one side of one
        end, if it must do with one."""
        documents = [customer.document for customer in customers]
        shares: list[float] = []
        for one in ranges:
            if await self._store.customers.arrays_at(one.path):
                shares += (_share(one.half(which, of) for of in documents) for which in (0, 1))
            else:
                shares.append(_share(holds(one.condition, Facts(of), now) for of in documents))
        return min(shares, default=None)

    async def _sampled(self) -> Sequence[Customer]:
        if self._sample is None or _is_old(self._sample[0]):
            self._sample = monotonic(), await self._store.customers.sample(_SAMPLE)
        return self._sample[1]


def _rows(measures_: Sequence[Measure], asked: Sequence[Evaluation]) -> float:
    """How many rows a customer has for the measures, on the average."""
    rows = sum(len(rows_of(m, one.facts, one.now)) for m in measures_ for one in asked)
    return rows / max(len(asked), 1)


def _is_old(taken: float) -> bool:
    return monotonic() - taken > _SECONDS


def _share(held: Iterable[bool]) -> float:
    """The share of those of whom it held; of none, and of all, it may just not have been seen."""
    of = list(held)
    return (sum(of) + 0.5) / (len(of) + 1)
