"""Runs the crash test for as long as you like; exits with status 1 if it finds a problem.

python -m tests.deliveries.crashes --transitions 5000 --faults 60 --workers 4
"""

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
from pathlib import Path

import structlog

from tests.deliveries.crashes.run import RunPlan, RunResult, run_crash_test
from tests.deliveries.crashes.workload import CHANGING_CUSTOMERS

_MAX_PRINTED = 20


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.deliveries.crashes",
        description="Moves customers into and out of segments with distributions, codes, earning"
        " rules and referral tiers, while workers, mongod and Valkey are killed and Valkey is"
        " emptied. Then compares the deliveries, the ledger, the rewards, the codes and the"
        " received webhooks with the transition log. The exit status is 1 if something differs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_argument, default = parser.add_argument, RunPlan()
    add_argument(
        "--transitions",
        type=int,
        default=default.transitions,
        help=f"at least this many, rounded up to a multiple of {CHANGING_CUSTOMERS}",
    )
    add_argument("--faults", type=int, default=default.faults, help="kills, and losses of Valkey")
    add_argument(
        "--workers", type=int, default=default.workers, help="processes of `segments worker`"
    )
    add_argument(
        "--seed",
        type=int,
        default=default.seed,
        help="seed of the random choices; the timing differs in each run",
    )
    add_argument(
        "--complete",
        type=float,
        default=default.completion_seconds,
        help="seconds within which all must be done after the last fault",
    )
    add_argument(
        "--folder", type=Path, default=None, help="folder that keeps data and logs after the run"
    )
    return parser.parse_args()


async def _run(folder: Path, plan: RunPlan) -> RunResult:
    """Stops all processes in order on SIGTERM."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_crash_test(folder, plan)


def main() -> int:
    arguments = _read_arguments()
    # Killed processes cause many warnings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    plan = RunPlan(
        turns=-(-arguments.transitions // CHANGING_CUSTOMERS),
        faults=arguments.faults,
        workers=arguments.workers,
        seed=arguments.seed,
        completion_seconds=arguments.complete,
    )
    with tempfile.TemporaryDirectory() as temporary_folder:
        try:
            result = asyncio.run(_run(arguments.folder or Path(temporary_folder), plan))
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 130
    print(result)
    for problem in result.problems[:_MAX_PRINTED]:
        print(f"problem: {problem}")
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
