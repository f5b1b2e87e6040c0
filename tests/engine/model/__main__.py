"""python -m tests.engine.model --kills 50 --workers 2 --seed 1"""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tests.engine.model.run import run

# What is killed complains.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
parser = argparse.ArgumentParser()
parser.add_argument("--kills", type=int, default=20)
parser.add_argument("--workers", type=int, default=1)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--folder", type=Path, help="kept afterwards, with all logs")
chosen = parser.parse_args()
with tempfile.TemporaryDirectory() as passing:
    folder = chosen.folder or Path(passing)
    outcome = asyncio.run(run(folder, chosen.seed, chosen.kills, chosen.workers))
print(outcome)
for problem in outcome.problems[:20]:
    print(problem)
sys.exit(bool(outcome.problems))
