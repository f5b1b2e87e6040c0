"""Runs the model test for as long as you like; exits with status 1 if it finds a problem.

python -m tests.engine.model --members 3 --kills 100 --elections 25 --workers 4 --seed 1
"""

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import structlog

from tests.engine.model.bulk_workload import WorkloadSizes
from tests.engine.model.run import RunPlan, RunResult, run_model_test

_MAX_PRINTED = 20


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.engine.model",
        description="Runs random operations on a shop, through the API and directly in MongoDB,"
        " while processes are killed and MongoDB elects new primaries. Then compares the"
        " transition log with a replay of all commits, the ledger with the log, and the stored"
        " events with the responses of the API. The exit status is 1 if something differs, or if"
        " the API has responded with INTERNAL.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_argument, sizes = parser.add_argument, WorkloadSizes()
    add_argument(
        "--kills",
        type=int,
        default=20,
        help="kills of a worker, Valkey or mongod (a secondary, if there are 3 members)",
    )
    add_argument(
        "--elections", type=int, default=0, help="step-downs, kills and hangs of the primary"
    )
    add_argument(
        "--members",
        type=int,
        choices=(1, 3),
        default=None,
        help="members of the replica set; by default 3 if there are elections, else 1",
    )
    add_argument("--workers", type=int, default=1, help="processes of `segments worker`")
    add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the random choices; the timing differs in each run",
    )
    add_argument(
        "--busy", type=int, default=sizes.busy_customers, help="customers with many events"
    )
    add_argument(
        "--events",
        type=int,
        default=sizes.events_per_busy_customer,
        help="events that each of these has at first",
    )
    add_argument(
        "--wave",
        type=int,
        default=sizes.customers_per_batch,
        help="customers in one bulk insert",
    )
    add_argument(
        "--settle",
        type=float,
        default=RunPlan.catch_up_seconds,
        help="seconds within which the engine must catch up in the end",
    )
    add_argument(
        "--folder", type=Path, default=None, help="folder that keeps data and logs after the run"
    )
    arguments = parser.parse_args()
    arguments.members = arguments.members or (3 if arguments.elections else 1)
    if arguments.elections and arguments.members == 1:
        parser.error("--elections needs --members 3: a single member holds no elections")
    return arguments


async def _run(folder: Path, plan: RunPlan) -> RunResult:
    """Stops all processes in order on SIGTERM."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_model_test(folder, plan)


def main() -> int:
    arguments = _read_arguments()
    # Killed processes cause many warnings. Errors are shown with each INTERNAL.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    plan = RunPlan(
        seed=arguments.seed,
        kills=arguments.kills,
        elections=arguments.elections,
        workers=arguments.workers,
        members=arguments.members,
        sizes=WorkloadSizes(arguments.busy, arguments.events, arguments.wave),
        catch_up_seconds=arguments.settle,
    )
    with tempfile.TemporaryDirectory() as temporary_folder:
        try:
            outcome = asyncio.run(_run(arguments.folder or Path(temporary_folder), plan))
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 130
    print(outcome)
    _print_reasons("failed", outcome.failed_operations)
    _print_reasons("INTERNAL", outcome.response_log.internal_errors)
    for problem in outcome.problems[:_MAX_PRINTED]:
        print(f"problem: {problem}")
    return 1 if outcome.problems or outcome.response_log.internal_errors else 0


def _print_reasons(name: str, reasons: Counter[str]) -> None:
    for reason, number in reasons.most_common(_MAX_PRINTED):
        print(f"{name}: {number} x {reason}")


if __name__ == "__main__":
    sys.exit(main())
