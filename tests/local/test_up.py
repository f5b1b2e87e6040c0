"""`segments up` starts everything on one machine, and leaves no process behind."""

import json
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from app.local.data_folder import load_secret_key
from tests.local.conftest import ProgramProcess, RunningUp, RunProgram, WaitUntil, is_path_ok

Answers = Callable[[str], bool]


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run_up(run_program: RunProgram, data_folder: Path, port: int) -> Callable[[], ProgramProcess]:
    def start() -> ProgramProcess:
        program = run_program("up", "--data", str(data_folder), "--port", str(port))
        program.wait_for_output("Ready: ")
        return program

    return start


def running_processes(processes: list[psutil.Process]) -> list[psutil.Process]:
    # In a container whose first process reaps no orphans, an ended one stays a zombie.
    return [
        process
        for process in processes
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def read_pid(data: Path, part: str) -> int:
    file = next(data.rglob(f"{part}.pid"), None)
    return int(file.read_text().split("\n")[0] or 0) if file else 0


def secret_key_of(up: ProgramProcess) -> str:
    (api,) = [process for process in up.process_tree() if "api" in process.cmdline()]
    return api.environ()["SEGMENTS_SECRET_KEY"]


def read_mongodb_url(data: Path) -> str:
    return str(json.loads((data / "addresses.json").read_text())["MONGODB_URL"])


@contextmanager
def lowered_limit_of_open_files() -> Iterator[int]:
    """Processes that are started in the block begin with 1,024, as on many systems. Yields the hard
    limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("stop", ["ctrl-c", "terminate"])
def test_up_responds_and_stops_without_leftover_processes(
    run_up: Callable[[], ProgramProcess],
    data_folder: Path,
    port: int,
    responds_ok: Answers,
    stop: str,
) -> None:
    with lowered_limit_of_open_files() as hard_limit:
        program = run_up()
    address = f"http://127.0.0.1:{port}"
    assert program.stdout == f"Ready: {address}/graphql\nDashboard: {address}/app/\n"
    assert responds_ok("/readyz")
    assert responds_ok("/metrics")
    everyone = program.process_tree()
    assert len(everyone) == 5
    limits = {process.rlimit(resource.RLIMIT_NOFILE) for process in everyone}
    assert limits == {(hard_limit, hard_limit)}

    program.wait_for_output("Ctrl-C stops everything")
    program.press_ctrl_c() if stop == "ctrl-c" else program.process.terminate()
    assert program.wait_for_exit(seconds=10) == 0
    assert running_processes(everyone) == []
    assert program.stderr.splitlines() == [
        f"Starting MongoDB and Valkey, with data in {data_folder}",
        "Starting the API and a worker",
        "There are no customers yet: `segments import` or the API brings them in;"
        " `segments up --sample` loads a small made-up shop",
        f"Ctrl-C stops everything; to start afresh, delete {data_folder} then",
        "Stopping",
    ]


def test_a_second_one_in_the_same_folder_is_refused(
    running_up: RunningUp, run_program: RunProgram
) -> None:
    second = run_program("up", "--data", str(running_up.data_folder))
    assert second.wait_for_exit() == 1
    assert (
        second.stderr == f"segments: another `segments up` runs in {running_up.data_folder};"
        " choose another folder with --data\n"
    )
    elsewhere = run_program("up", "--port", str(running_up.port))
    assert elsewhere.wait_for_exit() == 1
    assert elsewhere.stderr == (
        f"segments: can't listen on 127.0.0.1:{running_up.port}: Address already in use;"
        " choose another with --port\n"
    )


def test_after_sigkill_it_starts_again_with_its_data_and_its_secret_key(
    run_up: Callable[[], ProgramProcess], data_folder: Path
) -> None:
    first = run_up()
    everyone = first.process_tree()
    secret_key = secret_key_of(first)
    with MongoClient[dict[str, object]](read_mongodb_url(data_folder)) as client:
        client["kept"]["rows"].insert_one({"_id": 1})

    first.process.kill()
    first.wait_for_exit()
    second = run_up()
    assert running_processes(everyone) == []
    assert secret_key_of(second) == secret_key
    with MongoClient[dict[str, object]](read_mongodb_url(data_folder)) as client:
        assert client["kept"]["rows"].find_one() == {"_id": 1}
    second.process.terminate()
    assert second.wait_for_exit() == 0


def test_a_killed_process_is_reported_and_restarted(
    running_up: RunningUp, until: WaitUntil
) -> None:
    program = running_up.program
    for part in ("worker", "api", "valkey", "mongod"):
        before = read_pid(running_up.data_folder, part)
        psutil.Process(before).send_signal(signal.SIGKILL)
        program.wait_for_output(f"{part} ended with signal 9; restarting it in 0.25 s")
        program.wait_for_output(f"{part} runs again")
        assert read_pid(running_up.data_folder, part) != before
        until(lambda: is_path_ok(running_up.port, "/readyz"))


def test_a_hanging_process_is_killed_in_time(
    run_up: Callable[[], ProgramProcess], data_folder: Path
) -> None:
    program = run_up()
    everyone = program.process_tree()
    for part in ("worker", "api", "valkey"):
        psutil.Process(read_pid(data_folder, part)).suspend()
    program.process.terminate()
    assert program.wait_for_exit(seconds=10) == 0
    assert running_processes(everyone) == []


def test_stopped_during_its_start_it_leaves_no_process(
    run_program: RunProgram, data_folder: Path, port: int, until: WaitUntil
) -> None:
    program = run_program("up", "--data", str(data_folder), "--port", str(port))
    until(lambda: read_pid(data_folder, "mongod"))
    everyone = program.process_tree()
    program.process.terminate()
    assert program.wait_for_exit(seconds=10) == 0
    assert program.stdout == ""
    assert running_processes(everyone) == []


def test_the_secret_key_is_in_a_file_and_never_shown(
    running_up: RunningUp, run_forked: RunProgram
) -> None:
    program, key_file = running_up.program, running_up.data_folder / "secret_key"
    secret_key = secret_key_of(program)
    doctor = run_forked("doctor", "--data", str(running_up.data_folder))
    doctor.wait_for_exit(30)
    assert "SEGMENTS_SECRET_KEY = ***\n" in doctor.stdout
    assert secret_key not in doctor.stdout + doctor.stderr + program.stdout + program.stderr
    assert secret_key == key_file.read_text()
    assert len(secret_key) == 64
    assert key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "short"])
def test_a_damaged_secret_key_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret_key").write_text(content)
    key = load_secret_key(tmp_path)
    assert len(key) == 64
    assert load_secret_key(tmp_path) == key


def test_a_short_secret_key_is_refused(run_program: RunProgram) -> None:
    doctor = run_program("doctor", SEGMENTS_SECRET_KEY="too short")
    assert doctor.wait_for_exit() == 1
    assert doctor.stderr == (
        "segments: SEGMENTS_SECRET_KEY: must have at least 16 characters; make one with"
        " `openssl rand -hex 32`\n"
    )
