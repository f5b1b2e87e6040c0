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

from tests.engine.model.crowds import Sizes
from tests.engine.model.run import Outcome, Plan, run

_MOST_TOLD = 20


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
    add, sizes = parser.add_argument, Sizes()
    add("--kills", type=int, default=20, help="of a worker, Valkey, mongod (of a secondary, of 3)")
    add("--elections", type=int, default=0, help="step-downs, kills and hangs of the primary")
    add(
        "--members",
        type=int,
        choices=(1, 3),
        default=None,
        help="of the replica set; 3 where there are elections, else 1",
    )
    add("--workers", type=int, default=1, help="processes of `segments worker`")
    add("--seed", type=int, default=0, help="of the choices; the timing differs in each run")
    add("--busy", type=int, default=sizes.busy, help="customers with many events")
    add("--events", type=int, default=sizes.events, help="that each of these has at first")
    add("--wave", type=int, default=sizes.wave, help="customers that are inserted in bulk at once")
    add(
        "--settle",
        type=float,
        default=Plan.settle_seconds,
        help="seconds in which the engine must catch up in the end",
    )
    add("--folder", type=Path, default=None, help="where data and logs are kept afterwards")
    chosen = parser.parse_args()
    chosen.members = chosen.members or (3 if chosen.elections else 1)
    if chosen.elections and chosen.members == 1:
        parser.error("one member alone has no elections: --members 3")
    return chosen


async def _run(folder: Path, plan: Plan) -> Outcome:
    """Ends in order, with all parts, when it is asked to."""
    this = asyncio.current_task()
    assert this
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    return await run(folder, plan)


def main() -> int:
    # What is killed complains; errors are kept, and shown where the API answers INTERNAL.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    chosen = _read_arguments()
    plan = Plan(
        seed=chosen.seed,
        kills=chosen.kills,
        elections=chosen.elections,
        workers=chosen.workers,
        members=chosen.members,
        sizes=Sizes(chosen.busy, chosen.events, chosen.wave),
        settle_seconds=chosen.settle,
    )
    with tempfile.TemporaryDirectory() as passing:
        try:
            outcome = asyncio.run(_run(chosen.folder or Path(passing), plan))
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 130
    print(outcome)
    _print("cut off", outcome.cut_off)
    _print("INTERNAL", outcome.answers.internal)
    for problem in outcome.problems[:_MOST_TOLD]:
        print(f"problem: {problem}")
    return 1 if outcome.problems or outcome.answers.internal else 0


def _print(name: str, reasons: Counter[str]) -> None:
    for reason, number in reasons.most_common(_MOST_TOLD):
        print(f"{name}: {number} x {reason}")


if __name__ == "__main__":
    sys.exit(main())
