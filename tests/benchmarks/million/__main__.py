"""Filters on a million customers against the best that is written by hand, in one run.

    python -m tests.benchmarks.million [--customers N] [--data DIR] [--only NAME] [--rounds N]

The shop is built once, and found again by later runs.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

import psutil
from motor.motor_asyncio import AsyncIOMotorClient

from tests.benchmarks.million import report
from tests.benchmarks.million.build import shop
from tests.benchmarks.million.measure import Judge, Result
from tests.benchmarks.million.ours import ours
from tests.benchmarks.million.questions import QUESTIONS
from tests.benchmarks.million.theirs import Theirs

CUSTOMERS = 1_000_000


def folder(customers: int) -> Path:
    """Where a shop of so many customers lies when nobody says where."""
    return Path(tempfile.gettempdir()) / f"segments-benchmark-{customers}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the shop")
    parser.add_argument("--only", action="append", help="the name of a question; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with shop(given.data or folder(given.customers), given.customers) as url:
        memory = psutil.virtual_memory().total / 2**30
        print(f"{given.customers:,} customers; {psutil.cpu_count()} cores, {memory:.0f} GiB memory")
        results = asyncio.run(_judge(url, given))
    print("\n".join(["", *report.table(results)]))
    for result in results:
        if result.question.name == "design":
            print("\n".join(["", *report.plain(result)]))
    wrong = report.disagreements(results)
    print("\n".join(["", f"DISAGREEMENTS: {len(wrong)}", *wrong]))


async def _judge(url: str, given: Any) -> list[Result]:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(url)
    results = []
    async with ours(url) as program:
        judge = Judge(program, Theirs(client), given.rounds, given.customers)
        for question in QUESTIONS:
            if not given.only or question.name in given.only:
                results.append(await judge.judge(question))
                print("\n".join(report.details(results[-1])), flush=True)
    client.close()
    return results


if __name__ == "__main__":
    main()
