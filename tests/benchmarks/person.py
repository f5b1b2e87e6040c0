"""One person's membership at a thousand and at a million customers, in one run.

    python -m tests.benchmarks.person [--customers N] [--data DIR] [--small DIR] [--rounds N]

The same people: the first thousand of the large shop are those of the small one.
"""

import argparse
import asyncio
import statistics
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.million.__main__ import CUSTOMERS, folder
from tests.benchmarks.million.build import shop
from tests.benchmarks.million.ours import Ours, ours
from tests.benchmarks.million.question import attribute, event
from tests.benchmarks.million.shop import source_id

FEW = 1_000
PEOPLE = 300
WANTED = 1.2

_VIP = attribute("metadata.vip", "IS", True)
_PURCHASES = event("purchase", 2, 30)
_FILTERS = {
    "attribute": _VIP,
    "events": _PURCHASES,
    "both": {"all": [_VIP, _PURCHASES]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the large shop")
    parser.add_argument("--small", type=Path, help="the folder of the small shop")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with ExitStack() as open_:
        small = open_.enter_context(shop(given.small or folder(FEW), FEW))
        large = given.data or folder(given.customers)
        addresses = [small, open_.enter_context(shop(large, given.customers))]
        asyncio.run(_report(addresses, given))


async def _report(addresses: list[str], given: Any) -> None:
    print(f"One membership, the median of {PEOPLE} people; at most {WANTED} is wanted")
    print(f"{'filter':12}{FEW:>16,}{given.customers:>16,}{'ratio':>8}")
    async with AsyncExitStack() as open_:
        programs = [await open_.enter_async_context(ours(address)) for address in addresses]
        for name, filter_ in _FILTERS.items():
            few, many = await _medians(programs, name, filter_, given.rounds)
            print(f"{name:12}{few * 1e6:13.0f} µs{many * 1e6:13.0f} µs{many / few:8.2f}")


async def _medians(programs: list[Ours], name: str, filter_: Any, rounds: int) -> list[float]:
    """Seconds that one membership takes in each of the shops, which are asked in turns."""
    title = f"benchmark {name} {time.time_ns()}"
    segments = [await program.save(title, filter_) for program in programs]
    people = [source_id(number) for number in Random(2026).sample(range(FEW), PEOPLE)]
    times: list[list[float]] = [[] for _ in programs]
    # The first round only warms up.
    for count in range(rounds + 1):
        for person in people:
            answers = set()
            for program, segment, taken in zip(programs, segments, times, strict=True):
                began = time.perf_counter()
                answers.add(await program.is_member(person, segment))
                if count:
                    taken.append(time.perf_counter() - began)
            assert len(answers) == 1, person
    for program, segment in zip(programs, segments, strict=True):
        await program.delete(segment)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    main()
