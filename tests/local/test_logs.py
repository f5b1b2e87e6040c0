"""Each log event is one line."""

import json

from app.local.mongod import Mongod
from tests.local.conftest import RunProgram


def test_json_lines_carry_the_fields(run_forked: RunProgram, mongod: Mongod, database: str) -> None:
    worker = run_forked(
        "worker",
        MONGODB_URL=mongod.url,
        SEGMENTS_DATABASE=database,
        REDIS_URL="redis://127.0.0.1:1",
        SEGMENTS_LOG_FORMAT="json",
    )
    worker.wait_for_output("Redis is unreachable; retrying")
    worker.process.terminate()
    assert worker.wait_for_exit() == 0
    lines = [json.loads(line) for line in worker.stderr.splitlines()]
    assert lines[0]["event"] == "Redis is unreachable; retrying"
    assert lines[0]["level"] == "warning"
    assert lines[0]["retry_in_seconds"] == 0.5
