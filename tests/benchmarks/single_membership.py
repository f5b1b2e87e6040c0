"""One membership query with a million customers against one with a thousand, in one run.

    python -m tests.benchmarks.single_membership [--customers N] [--data DIR] [--small DIR]
        [--rounds N]

Both shops answer for the same customers: the first thousand of the large shop are the customers of
the small shop.
"""

import argparse
import asyncio
import statistics
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.million.activities import source_id
from tests.benchmarks.million.build import CUSTOMERS, default_folder, running_shop
from tests.benchmarks.million.filter_case import attribute, event
from tests.benchmarks.million.program_under_test import ProgramUnderTest, open_program

FEW_CUSTOMERS = 1_000
SAMPLED_CUSTOMERS = 300
MAX_RATIO = 1.2

_IS_VIP = attribute("metadata.vip", "IS", True)
_TWO_PURCHASES = event("purchase", 2, 30)
_FILTERS = {
    "attribute": _IS_VIP,
    "events": _TWO_PURCHASES,
    "both": {"all": [_IS_VIP, _TWO_PURCHASES]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the large shop")
    parser.add_argument("--small", type=Path, help="the folder of the small shop")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with ExitStack() as exit_stack:
        small_shop_url = exit_stack.enter_context(
            running_shop(arguments.small or default_folder(FEW_CUSTOMERS), FEW_CUSTOMERS)
        )
        large_shop_folder = arguments.data or default_folder(arguments.customers)
        addresses = [
            small_shop_url,
            exit_stack.enter_context(running_shop(large_shop_folder, arguments.customers)),
        ]
        asyncio.run(_report(addresses, arguments))


async def _report(addresses: list[str], arguments: Any) -> None:
    print(
        f"One membership, median of {SAMPLED_CUSTOMERS} customers; goal: ratio at most {MAX_RATIO}"
    )
    print(f"{'filter':12}{FEW_CUSTOMERS:>16,}{arguments.customers:>16,}{'ratio':>8}")
    async with AsyncExitStack() as exit_stack:
        programs = [
            await exit_stack.enter_async_context(open_program(address)) for address in addresses
        ]
        for name, filter_ in _FILTERS.items():
            few_seconds, many_seconds = await _measure_medians(
                programs, name, filter_, arguments.rounds
            )
            print(
                f"{name:12}{few_seconds * 1e6:13.0f} µs{many_seconds * 1e6:13.0f} µs"
                f"{many_seconds / few_seconds:8.2f}"
            )


async def _measure_medians(
    programs: list[ProgramUnderTest], name: str, filter_: Any, rounds: int
) -> list[float]:
    """Returns the median seconds of one membership in each shop. The shops take turns."""
    title = f"benchmark {name} {time.time_ns()}"
    segments = [await program.create_segment(title, filter_) for program in programs]
    source_ids = [
        source_id(number) for number in Random(2026).sample(range(FEW_CUSTOMERS), SAMPLED_CUSTOMERS)
    ]
    times: list[list[float]] = [[] for _ in programs]
    # The first round only warms up.
    for round_number in range(rounds + 1):
        for customer_source_id in source_ids:
            answers = set()
            for program, segment, seconds in zip(programs, segments, times, strict=True):
                started_at = time.perf_counter()
                answers.add(await program.is_member(customer_source_id, segment))
                if round_number:
                    seconds.append(time.perf_counter() - started_at)
            assert len(answers) == 1, customer_source_id
    for program, segment in zip(programs, segments, strict=True):
        await program.delete_segment(segment)
    return [statistics.median(seconds) for seconds in times]


if __name__ == "__main__":
    main()
