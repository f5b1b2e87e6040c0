"""segments up: everything on one machine, and nothing left behind."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from tests.local.conftest import Program, Run, Until

Answers = Callable[[str], bool]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def up(run: Run, data: Path, port: int) -> Callable[[], Program]:
    def start() -> Program:
        program = run("up", "--data", str(data), "--port", str(port))
        program.says("Ready: ")
        return program

    return start


def alive(everyone: list[psutil.Process]) -> list[psutil.Process]:
    # An orphan that ended stays a zombie where the first process of a container reaps none.
    return [one for one in everyone if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def _pid(data: Path, part: str) -> int:
    file = next(data.rglob(f"{part}.pid"), None)
    return int(file.read_text().split("\n")[0] or 0) if file else 0


def mongodb_url(data: Path) -> str:
    return str(json.loads((data / "running.json").read_text())["MONGODB_URL"])


@pytest.mark.parametrize("stop", ["ctrl-c", "terminate"])
def test_it_answers_and_stops_with_nothing_left(
    up: Callable[[], Program], port: int, answers: Answers, stop: str
) -> None:
    program = up()
    assert program.out == f"Ready: http://127.0.0.1:{port}/graphql\n"
    assert answers("/readyz")
    assert answers("/graphql")
    everyone = program.everyone()
    assert len(everyone) == 5

    program.press_ctrl_c() if stop == "ctrl-c" else program.process.terminate()
    assert program.ends(seconds=10) == 0
    assert alive(everyone) == []
    assert program.err == ""


def test_a_second_one_in_the_same_folder_is_refused(
    up: Callable[[], Program], run: Run, data: Path, port: int
) -> None:
    up()
    second = run("up", "--data", str(data))
    assert second.ends() == 1
    assert second.err == f"segments: another `segments up` runs in {data}; use its own --data\n"
    elsewhere = run("up", "--port", str(port))
    assert elsewhere.ends() == 1
    assert elsewhere.err == (
        f"segments: can't listen on 127.0.0.1:{port}: Address already in use;"
        " choose another with --port\n"
    )


def test_after_kill_9_it_starts_again_where_it_was(up: Callable[[], Program], data: Path) -> None:
    first = up()
    everyone = first.everyone()
    with MongoClient[dict[str, object]](mongodb_url(data)) as client:
        client["kept"]["rows"].insert_one({"_id": 1})

    first.process.kill()
    first.ends()
    second = up()
    assert alive(everyone) == []
    with MongoClient[dict[str, object]](mongodb_url(data)) as client:
        assert client["kept"]["rows"].find_one() == {"_id": 1}
    second.process.terminate()
    assert second.ends() == 0


def test_a_part_that_dies_is_said_and_started_again(
    up: Callable[[], Program], data: Path, answers: Answers, until: Until
) -> None:
    program = up()
    for part in ("worker", "api", "valkey", "mongod"):
        before = _pid(data, part)
        psutil.Process(before).send_signal(signal.SIGKILL)
        program.says(f"{part} ended with signal 9; starting it again in 0.25 s")
        program.says(f"{part} is back")
        assert _pid(data, part) != before
        until(lambda: answers("/readyz"))


def test_a_stuck_part_is_ended_in_time(up: Callable[[], Program], data: Path) -> None:
    program = up()
    everyone = program.everyone()
    for part in ("worker", "api", "valkey"):
        psutil.Process(_pid(data, part)).suspend()
    program.process.terminate()
    assert program.ends(seconds=10) == 0
    assert alive(everyone) == []


def test_stopped_while_it_starts_it_leaves_nothing(
    run: Run, data: Path, port: int, until: Until
) -> None:
    program = run("up", "--data", str(data), "--port", str(port))
    until(lambda: _pid(data, "mongod"))
    everyone = program.everyone()
    program.process.terminate()
    assert program.ends(seconds=10) == 0
    assert program.out == ""
    assert alive(everyone) == []
