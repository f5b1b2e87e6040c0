"""Everything happens, with trouble; the log is what the history says.

`python -m tests.engine.model --help` does the same for longer.
"""

from pathlib import Path

import pytest

from tests.engine.model.crowds import Sizes
from tests.engine.model.run import Plan, run

SMALL = Sizes(busy=1, events=500, wave=200)


# Both take under a minute where two cores have nothing else to do.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "plan",
    [
        Plan(seed=1, kills=5, workers=2, sizes=SMALL),
        Plan(seed=2, kills=1, elections=3, workers=2, members=3, sizes=SMALL),
    ],
    ids=["kills", "elections"],
)
async def test_the_log_is_what_the_history_says(tmp_path: Path, plan: Plan) -> None:
    outcome = await run(tmp_path, plan)

    assert outcome.problems == []
    assert not outcome.answers.internal
    assert outcome.kills.total() == plan.kills
    assert outcome.elections.total() == plan.elections
    assert set(outcome.causes) == {"LIVE", "TIME", "DELETED", "DEFINITION"}
