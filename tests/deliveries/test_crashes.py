"""A short run of the crash test. `python -m tests.deliveries.crashes --help` runs it for longer."""

from pathlib import Path

import pytest

from tests.deliveries.crashes.run import RunPlan, run_crash_test


@pytest.mark.timeout(300)
async def test_each_transition_takes_effect_once(tmp_path: Path) -> None:
    plan = RunPlan(turns=6, faults=10, workers=2, seed=3)
    result = await run_crash_test(tmp_path, plan)
    print(result)

    assert result.problems == []
    assert result.kills.keys() == {"worker", "mongod", "valkey", "flush"}
    assert result.counts["transitions"] == result.counts["deliveries"] == 300
    assert result.counts["rewards"] > 60
