"""Everything happens, and everything is killed; the log is what the history says.

`python -m tests.engine.model --kills 200 --workers 2` does the same for longer.
"""

from pathlib import Path

import pytest

from tests.engine.model.run import run


@pytest.mark.parametrize(("seed", "workers"), [(1, 1), (2, 2)])
async def test_the_log_is_what_the_history_says(tmp_path: Path, seed: int, workers: int) -> None:
    outcome = await run(tmp_path, seed, kills=8, workers=workers)

    assert outcome.problems == []
    assert outcome.kills == 8
    assert set(outcome.causes) == {"LIVE", "TIME", "DELETED", "DEFINITION"}
