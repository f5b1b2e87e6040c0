"""python -m tests.engine.model --members 3 --kills 100 --elections 25 --workers 4 --seed 1"""

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
        description="Lets everything happen to a shop at once, by the API and past it, while its"
        " parts are killed and MongoDB elects new primaries. In the end the log of transitions is"
        " held against a replay of all that was committed, the ledger against the log, and the"
        " stored events against the API's answers. Exit status 1 where something differs, or where"
        " the API has answered INTERNAL.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_argument, sizes = parser.add_argument, WorkloadSizes()
    add_argument(
        "--kills", type=int, default=20, help="of a worker, Valkey, mongod (of a secondary, of 3)"
    )
    add_argument(
        "--elections", type=int, default=0, help="step-downs, kills and hangs of the primary"
    )
    add_argument(
        "--members",
        type=int,
        choices=(1, 3),
        default=None,
        help="of the replica set; 3 where there are elections, else 1",
    )
    add_argument("--workers", type=int, default=1, help="processes of `segments worker`")
    add_argument(
        "--seed", type=int, default=0, help="of the choices; the timing differs in each run"
    )
    add_argument(
        "--busy", type=int, default=sizes.busy_customers, help="customers with many events"
    )
    add_argument(
        "--events",
        type=int,
        default=sizes.events_per_busy_customer,
        help="that each of these has at first",
    )
    add_argument(
        "--wave",
        type=int,
        default=sizes.customers_per_batch,
        help="customers that are inserted in bulk at once",
    )
    add_argument(
        "--settle",
        type=float,
        default=RunPlan.catch_up_seconds,
        help="seconds in which the engine must catch up in the end",
    )
    add_argument(
        "--folder", type=Path, default=None, help="where data and logs are kept afterwards"
    )
    arguments = parser.parse_args()
    arguments.members = arguments.members or (3 if arguments.elections else 1)
    if arguments.elections and arguments.members == 1:
        parser.error("one member alone has no elections: --members 3")
    return arguments


async def _run(folder: Path, plan: RunPlan) -> RunResult:
    """Ends in order, with all parts, when it is asked to."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_model_test(folder, plan)


def main() -> int:
    # What is killed complains; errors are kept, and shown where the API answers INTERNAL.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    arguments = _read_arguments()
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
    _print_reasons("cut off", outcome.failed_operations)
    _print_reasons("INTERNAL", outcome.response_log.internal_errors)
    for problem in outcome.problems[:_MAX_PRINTED]:
        print(f"problem: {problem}")
    return 1 if outcome.problems or outcome.response_log.internal_errors else 0


def _print_reasons(name: str, reasons: Counter[str]) -> None:
    for reason, number in reasons.most_common(_MAX_PRINTED):
        print(f"{name}: {number} x {reason}")


if __name__ == "__main__":
    sys.exit(main())
