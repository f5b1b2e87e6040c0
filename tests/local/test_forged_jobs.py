"""A worker does not run jobs that somebody else wrote to the queue."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis import Redis

from app.job_queue import deserialize_job, serialize_job
from app.settings import Settings
from tests.environment import store_environment
from tests.local.conftest import RunProgram, WaitUntil
from tests.patience import PATIENCE_SECONDS

_NOW_MS = int(time.time() * 1000)


class PickledCommand:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self._command,)


def _enqueue(redis: Redis, job_id: str, content: bytes) -> None:
    redis.set(f"arq:job:{job_id}", content)
    redis.zadd("arq:queue", {job_id: _NOW_MS})


def pickled_job(proof: Path) -> bytes:
    command = PickledCommand(f"touch {proof}")
    return pickle.dumps({"t": 1, "f": command, "a": (), "k": {}, "et": _NOW_MS})


def test_a_pickled_command_does_not_run_and_the_worker_goes_on(
    run_forked: RunProgram,
    settings: Settings,
    redis_client: Redis,
    tmp_path: Path,
    until: WaitUntil,
) -> None:
    proof = tmp_path / "proof"
    worker = run_forked("worker", **store_environment(settings))
    until(lambda: redis_client.exists("arq:queue:health-check"))
    _enqueue(redis_client, "forged", pickled_job(proof))
    until(lambda: redis_client.zscore("arq:queue", "forged") is None)
    assert not proof.exists()
    redis_client.delete("arq:queue:health-check")
    until(lambda: redis_client.exists("arq:queue:health-check"))
    assert worker.process.poll() is None


def test_a_pickled_command_does_not_run_under_bare_arq(
    settings: Settings, redis_client: Redis, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    _enqueue(redis_client, "forged", pickled_job(proof))
    subprocess.run(
        [Path(sys.executable).with_name("arq"), "workers.main.WorkerSettings", "--burst"],
        cwd=tmp_path,
        env=store_environment(settings),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    assert redis_client.zscore("arq:queue", "forged") is None
    assert not proof.exists()


_JOB: dict[str, Any] = {"t": None, "f": "sweep", "a": [], "k": {}, "et": _NOW_MS}


def test_jobs_of_any_other_shape_do_not_end_the_worker(
    run_forked: RunProgram, settings: Settings, redis_client: Redis, until: WaitUntil
) -> None:
    worker = run_forked("worker", **store_environment(settings))
    until(lambda: redis_client.exists("arq:queue:health-check"))
    changes: list[dict[str, Any]] = [
        {"f": ["sweep"]},
        {"f": None},
        {"a": "text"},
        {"a": [1, {"deep": []}], "k": {"unknown": 1}},
        {"k": []},
        {"t": "1"},
        {"t": 2**63},
        {"et": 2**63},
        {"et": -(2**62)},
        {"et": 1e300},
        {"f": "no such job"},
    ]
    forged = [
        b"",
        b"\x80\x05.",
        b"[]",
        b"null",
        b'{"f": "sweep"}',
        *(orjson.dumps(_JOB | change) for change in changes),
    ]
    for number, content in enumerate(forged):
        _enqueue(redis_client, f"forged-{number}", content)
    jobs = [f"forged-{number}" for number in range(len(forged))]
    until(lambda: all(redis_client.zscore("arq:queue", job) is None for job in jobs))
    assert worker.process.poll() is None


@pytest.mark.parametrize("forged", [b"x" * 1000, pickle.dumps(_JOB)])
def test_only_json_is_read(forged: bytes) -> None:
    assert deserialize_job(serialize_job(_JOB)) == _JOB
    with pytest.raises(ValueError, match=r"not a job|JSON|UTF-8"):
        deserialize_job(forged)
