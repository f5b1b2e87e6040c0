"""The matcher with 10 to 100,000 segments against a loop over compiled closures.

    python -m tests.benchmarks.matcher [--sizes N ...] [--customers N] [--rounds N]

80 % of the segments are conjunctions of two to four conditions on attributes, 10 % are trees and
10 % have conditions on events of 50 names. The baseline calls the closure of each segment. The
matcher returns the next timer too, the baseline does not. Both evaluate the same customers in turn.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

import psutil

from app.filters import CustomerFacts, Filter, holds, parse
from app.filters.matcher import Matcher
from tests.benchmarks.compiled_closures import EvaluationContext, Predicate, compile_filter
from tests.benchmarks.random_filters import CATALOG, NOW, random_customer, random_filter

SEGMENT_COUNTS = (10, 1_000, 10_000, 100_000)
CUSTOMERS = 200
ROUNDS = 5
# The loop is slow, and takes as long for one customer as for another: a sample is enough.
_LOOP_SAMPLE_STRIDE = {10: 1, 1_000: 2, 10_000: 10, 100_000: 50}
MIN_SPEEDUP = 50
MAX_COST_RATIO = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SEGMENT_COUNTS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    rng = Random(50)
    customers = [random_customer(rng) for _ in range(arguments.customers)]
    comparisons = [_MatcherComparison(size, customers) for size in arguments.sizes]
    # The first round only warms up.
    rounds = [
        [comparison.measure_seconds() for comparison in comparisons]
        for _ in range(arguments.rounds + 1)
    ][1:]
    print(f"{'segments':>10}{'matcher':>12}{'loop':>12}{'faster':>9}{'of first':>10}", end="")
    print(f"{'compiling':>12}{'memory':>10}{'match':>8}{'timer':>8}")
    for number, comparison in enumerate(comparisons):
        matcher_seconds = [measured[number][0] for measured in rounds]
        loop_seconds = [measured[number][1] for measured in rounds]
        first_seconds = [measured[0][0] for measured in rounds]
        speedup = _median_ratio(loop_seconds, matcher_seconds)
        cost_ratio = _median_ratio(matcher_seconds, first_seconds)
        print(
            f"{comparison.segment_count:>10,}{statistics.median(matcher_seconds) * 1e6:>9.0f} µs"
            f"{statistics.median(loop_seconds) * 1e6:>9.0f} µs{speedup:>9.1f}{cost_ratio:>10.1f}"
            f"{comparison.compile_seconds:>10.2f} s{comparison.memory_bytes / 2**20:>7.0f} MB"
            f"{comparison.mean_matches:>8.0f}{comparison.timer_share:>8.0%}"
        )
    print(
        f"goals at 10,000: at least {MIN_SPEEDUP} times faster, at most {MAX_COST_RATIO} times the"
        " cost of 10"
    )


def _median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    pairs = zip(numerators, denominators, strict=True)
    return statistics.median(numerator / denominator for numerator, denominator in pairs)


class _MatcherComparison:
    """The same segments as a matcher and as closures, and the customers to evaluate."""

    def __init__(self, segment_count: int, customers: Sequence[CustomerFacts]) -> None:
        rng = Random(segment_count)
        filters = {slot: parse(random_filter(slot, rng), CATALOG) for slot in range(segment_count)}
        self.segment_count = segment_count
        self.matcher, self.compile_seconds, self.memory_bytes = _compile_matcher(
            filters, customers[0]
        )
        self._closures = [compile_filter(filter_) for filter_ in filters.values()]
        self._customers, self._loop_customers = (
            customers,
            customers[:: _LOOP_SAMPLE_STRIDE.get(segment_count, 50)],
        )
        _assert_agreement(self.matcher, self._closures, filters, self._loop_customers)
        matches = [self.matcher.match(facts, NOW) for facts in customers]
        self.mean_matches = statistics.mean(match.matching_slots.bit_count() for match in matches)
        self.timer_share = statistics.mean(match.next_timer_at is not None for match in matches)

    def measure_seconds(self) -> tuple[float, float]:
        """Returns the CPU seconds per customer of the matcher and of the loop."""
        return (
            _seconds_per_customer(self._customers, lambda facts: self.matcher.match(facts, NOW)),
            _seconds_per_customer(
                self._loop_customers, lambda facts: _evaluate_all(self._closures, facts)
            ),
        )


def _compile_matcher(
    filters: dict[int, Filter], customer: CustomerFacts
) -> tuple[Matcher, float, int]:
    """Returns the matcher, the CPU seconds that its compilation takes, and its memory in bytes.

    Includes the parts that the matcher compiles for the first calendar it sees.
    """
    process = psutil.Process()
    gc.collect()
    memory_before, started_at = process.memory_info().rss, time.process_time()
    matcher = Matcher(filters)
    matcher.match(customer, NOW)
    seconds = time.process_time() - started_at
    gc.collect()
    return matcher, seconds, process.memory_info().rss - memory_before


def _seconds_per_customer(
    customers: Sequence[CustomerFacts], evaluate: Callable[[CustomerFacts], object]
) -> float:
    """Returns the mean CPU seconds of one call."""
    started_at = time.process_time()
    for facts in customers:
        evaluate(facts)
    return (time.process_time() - started_at) / len(customers)


def _evaluate_all(closures: Sequence[Predicate], facts: CustomerFacts) -> list[bool]:
    context = EvaluationContext(facts, NOW)
    return [predicate(context) for predicate in closures]


def _assert_agreement(
    matcher: Matcher,
    closures: Sequence[Predicate],
    filters: dict[int, Filter],
    customers: Sequence[CustomerFacts],
) -> None:
    for facts in customers[:3]:
        match_bits = matcher.match(facts, NOW).matching_slots
        assert [bool(match_bits >> slot & 1) for slot in filters] == _evaluate_all(closures, facts)
        for slot in list(filters)[:1000]:
            assert bool(match_bits >> slot & 1) == holds(filters[slot], facts, NOW)


if __name__ == "__main__":
    main()
