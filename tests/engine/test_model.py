"""Two short runs of the model test: kills of processes, and elections of the replica set.

`python -m tests.engine.model --help` runs it for longer.
"""

from pathlib import Path

import pytest

from tests.engine.model.bulk_workload import WorkloadSizes
from tests.engine.model.run import RunPlan, run_model_test

SMALL_SIZES = WorkloadSizes(busy_customers=1, events_per_busy_customer=500, customers_per_batch=200)


# Each takes less than a minute on two idle cores.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "plan",
    [
        RunPlan(seed=1, kills=5, workers=2, sizes=SMALL_SIZES),
        RunPlan(seed=2, kills=1, elections=3, workers=2, members=3, sizes=SMALL_SIZES),
    ],
    ids=["kills", "elections"],
)
async def test_log_equals_replay_of_all_commits(tmp_path: Path, plan: RunPlan) -> None:
    outcome = await run_model_test(tmp_path, plan)

    assert outcome.problems == []
    assert not outcome.response_log.internal_errors
    assert outcome.kills.total() == plan.kills
    assert outcome.elections.total() == plan.elections
    assert set(outcome.causes) == {"LIVE", "TIME", "DELETED", "DEFINITION"}
