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

from app.filters import Facts, Filter, holds, parse
from app.filters.matcher import Matcher
from tests.benchmarks.closures import Asked, Held, compiled
from tests.benchmarks.segments import CATALOG, NOW, customer, segment

SIZES = (10, 1_000, 10_000, 100_000)
CUSTOMERS, ROUNDS = 200, 5
# The loop is slow, and as slow for one customer as for the next.
_A_SHARE = {10: 1, 1_000: 2, 10_000: 10, 100_000: 50}
FASTER, DEARER = 50, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    random = Random(50)
    people = [customer(random) for _ in range(given.customers)]
    shops = [_Shop(size, people) for size in given.sizes]
    # The first round only warms up.
    rounds = [[shop.costs() for shop in shops] for _ in range(given.rounds + 1)][1:]
    print(f"{'segments':>10}{'matcher':>12}{'loop':>12}{'faster':>9}{'of first':>10}", end="")
    print(f"{'compiling':>12}{'memory':>10}{'hold':>8}{'wake':>8}")
    for number, shop in enumerate(shops):
        mine, loop = (statistics.median(each[number][who] for each in rounds) for who in (0, 1))
        faster = statistics.median(each[number][1] / each[number][0] for each in rounds)
        dearer = statistics.median(each[number][0] / each[0][0] for each in rounds)
        print(f"{shop.size:>10,}{mine * 1e6:>9.0f} µs{loop * 1e6:>9.0f} µs{faster:>9.1f}", end="")
        print(f"{dearer:>10.1f}{shop.compiling:>10.2f} s{shop.memory / 2**20:>7.0f} MB", end="")
        print(f"{shop.held:>8.0f}{shop.woken:>8.0%}")
    print(
        f"wanted at 10,000: at least {FASTER} times faster, at most {DEARER} times the cost of 10"
    )


class _Shop:
    """So many segments in both forms, to be asked of the same people."""

    def __init__(self, size: int, people: Sequence[Facts]) -> None:
        dice = Random(size)
        filters = {slot: parse(segment(slot, dice), CATALOG) for slot in range(size)}
        self.size = size
        self.matcher, self.compiling, self.memory = _compiled(filters, people[0])
        self._closures = [compiled(filter_) for filter_ in filters.values()]
        self._people, self._few = people, people[:: _A_SHARE.get(size, 50)]
        _agree(self.matcher, self._closures, filters, self._few)
        matches = [self.matcher.match(facts, NOW) for facts in people]
        self.held = statistics.mean(match.holds.bit_count() for match in matches)
        self.woken = statistics.mean(match.wakes_at is not None for match in matches)

    def costs(self) -> tuple[float, float]:
        """Seconds of CPU that one customer takes: the matcher, and the loop."""
        return (
            _seconds(self._people, lambda facts: self.matcher.match(facts, NOW)),
            _seconds(self._few, lambda facts: _all_held(self._closures, facts)),
        )


def _compiled(filters: dict[int, Filter], someone: Facts) -> tuple[Matcher, float, int]:
    """With the seconds it took, and the bytes it takes; what waits for a calendar included."""
    process = psutil.Process()
    gc.collect()
    before, began = process.memory_info().rss, time.process_time()
    matcher = Matcher(filters)
    matcher.match(someone, NOW)
    took = time.process_time() - began
    gc.collect()
    return matcher, took, process.memory_info().rss - before


def _seconds(people: Sequence[Facts], ask: Callable[[Facts], object]) -> float:
    """What one customer takes."""
    began = time.process_time()
    for facts in people:
        ask(facts)
    return (time.process_time() - began) / len(people)


def _all_held(closures: Sequence[Held], facts: Facts) -> list[bool]:
    asked = Asked(facts, NOW)
    return [held(asked) for held in closures]


def _agree(
    matcher: Matcher, closures: Sequence[Held], filters: dict[int, Filter], people: Sequence[Facts]
) -> None:
    for facts in people[:3]:
        found = matcher.match(facts, NOW).holds
        assert [bool(found >> slot & 1) for slot in filters] == _all_held(closures, facts)
        for slot in list(filters)[:1000]:
            assert bool(found >> slot & 1) == holds(filters[slot], facts, NOW)


if __name__ == "__main__":
    main()
