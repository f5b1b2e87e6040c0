"""Filters on a million customers against the fastest of several handwritten plans, in one run.

    python -m tests.benchmarks.million [--customers N] [--data DIR] [--only NAME] [--rounds N]

The shop is built once; later runs reuse it.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import psutil
from motor.motor_asyncio import AsyncIOMotorClient

from tests.benchmarks.million import report
from tests.benchmarks.million.build import CUSTOMERS, default_folder, running_shop
from tests.benchmarks.million.filter_cases import FILTER_CASES
from tests.benchmarks.million.handwritten_queries import HandwrittenQueries
from tests.benchmarks.million.plan_comparison import PlanComparison, Result
from tests.benchmarks.million.program_under_test import open_program


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the shop")
    parser.add_argument("--only", action="append", help="the name of a filter; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with running_shop(
        arguments.data or default_folder(arguments.customers), arguments.customers
    ) as url:
        memory_gib = psutil.virtual_memory().total / 2**30
        cores = psutil.cpu_count()
        print(f"{arguments.customers:,} customers; {cores} cores, {memory_gib:.0f} GiB memory")
        results = asyncio.run(_compare(url, arguments))
    print("\n".join(["", *report.table_lines(results)]))
    for result in results:
        if result.filter_case.name == "design":
            print("\n".join(["", *report.plain_lookup_lines(result)]))
    wrong = report.list_disagreements(results)
    print("\n".join(["", f"DISAGREEMENTS: {len(wrong)}", *wrong]))


async def _compare(url: str, arguments: Any) -> list[Result]:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(url)
    results = []
    async with open_program(url) as program:
        comparison = PlanComparison(
            program, HandwrittenQueries(client), arguments.rounds, arguments.customers
        )
        for filter_case in FILTER_CASES:
            if not arguments.only or filter_case.name in arguments.only:
                results.append(await comparison.compare(filter_case))
                print("\n".join(report.detail_lines(results[-1])), flush=True)
    client.close()
    return results


if __name__ == "__main__":
    main()
