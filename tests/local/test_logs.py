"""One event, one line."""

import json

from app.local.mongod import Mongod
from tests.local.conftest import Run


def test_json_lines_carry_the_fields(run: Run, mongod: Mongod, database: str) -> None:
    worker = run(
        "worker",
        MONGODB_URL=mongod.url,
        SEGMENTS_DATABASE=database,
        REDIS_URL="redis://127.0.0.1:1",
        SEGMENTS_LOG_FORMAT="json",
    )
    worker.says("redis does not answer")
    worker.process.terminate()
    assert worker.ends() == 0
    lines = [json.loads(line) for line in worker.err.splitlines()]
    assert lines[0]["event"] == "redis does not answer"
    assert lines[0]["level"] == "warning"
    assert lines[0]["again_in_seconds"] == 0.5
