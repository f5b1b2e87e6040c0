"""The matcher with 10 to 100,000 segments, against a loop over compiled closures.

    python -m tests.benchmarks.matcher [--sizes N ...] [--customers N] [--rounds N]

Of the segments 80 % are conjunctions of two to four conditions on attributes, 10 % trees, 10 %
with events of 50 names. The loop asks each segment's closure, and is not asked when to look again;
the matcher tells that too. Both are asked of the same customers in turn.
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
CUSTOMERS, ROUNDS = 200, 5
# The loop is slow, and as slow for one customer as for the next.
_LOOP_SAMPLE_STRIDE = {10: 1, 1_000: 2, 10_000: 10, 100_000: 50}
MIN_SPEEDUP, MAX_COST_RATIO = 50, 4


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
    print(f"{'compiling':>12}{'memory':>10}{'hold':>8}{'wake':>8}")
    for number, comparison in enumerate(comparisons):
        matcher_seconds, loop_seconds = (
            statistics.median(each[number][who] for each in rounds) for who in (0, 1)
        )
        speedup = statistics.median(each[number][1] / each[number][0] for each in rounds)
        cost_ratio = statistics.median(each[number][0] / each[0][0] for each in rounds)
        print(
            f"{comparison.segment_count:>10,}{matcher_seconds * 1e6:>9.0f} µs{loop_seconds * 1e6:>9.0f} µs{speedup:>9.1f}",
            end="",
        )
        print(
            f"{cost_ratio:>10.1f}{comparison.compile_seconds:>10.2f} s{comparison.memory_bytes / 2**20:>7.0f} MB",
            end="",
        )
        print(f"{comparison.mean_matches:>8.0f}{comparison.timer_share:>8.0%}")
    print(
        f"wanted at 10,000: at least {MIN_SPEEDUP} times faster, at most {MAX_COST_RATIO} times the cost of 10"
    )


class _MatcherComparison:
    """So many segments in both forms, to be asked of the same people."""

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
        """Seconds of CPU that one customer takes: the matcher, and the loop."""
        return (
            _seconds_per_customer(self._customers, lambda facts: self.matcher.match(facts, NOW)),
            _seconds_per_customer(
                self._loop_customers, lambda facts: _evaluate_all(self._closures, facts)
            ),
        )


def _compile_matcher(
    filters: dict[int, Filter], customer: CustomerFacts
) -> tuple[Matcher, float, int]:
    """With the seconds it took, and the bytes it takes; what waits for a calendar included."""
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
    """What one customer takes."""
    started_at = time.process_time()
    for facts in customers:
        evaluate(facts)
    return (time.process_time() - started_at) / len(customers)


def _evaluate_all(closures: Sequence[Predicate], facts: CustomerFacts) -> list[bool]:
    context = EvaluationContext(facts, NOW)
    return [held(context) for held in closures]


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
