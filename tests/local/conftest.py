"""Runs the `segments` command in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from tests.forked_program import ForkedProgram
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

_STOP_SECONDS = 30

WaitUntil = Callable[[Callable[[], object]], None]


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(0.05)


class ProgramProcess:
    """One run of `segments`, in a session of its own, as in a terminal."""

    def __init__(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        is_forked: bool,
    ) -> None:
        self.process: subprocess.Popen[bytes] | ForkedProgram
        self._stdout_file, self._stderr_file = folder / "out", folder / "err"
        with (
            Path(os.devnull).open() as no_input,
            self._stdout_file.open("w") as out,
            self._stderr_file.open("w") as err,
        ):
            if is_forked:
                streams = (no_input.fileno(), out.fileno(), err.fileno())
                self.process = ForkedProgram(arguments, folder, environment, streams)
                return
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", *arguments],
                cwd=folder,
                env=environment,
                stdin=no_input,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def stdout(self) -> str:
        return self._stdout_file.read_text()

    @property
    def stderr(self) -> str:
        return self._stderr_file.read_text()

    def process_tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def wait_for_output(self, text: str) -> None:
        wait_until(lambda: text in self.stdout + self.stderr or self.process.poll() is not None)
        assert text in self.stdout + self.stderr

    def wait_for_exit(self, seconds: float = _STOP_SECONDS) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"runs for {seconds} s more: {self.stdout}{self.stderr}") from None

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)


RunProgram = Callable[..., ProgramProcess]


@pytest.fixture
def run_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunProgram]:
    """run_program("up", "--port", "8000", MONGODB_URL=...) runs in an empty folder until the test
    ends."""
    with program_runner(tmp_path_factory, is_forked=False) as start:
        yield start


@pytest.fixture
def run_forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunProgram]:
    """Does the same with a fork of a process that has imported the program, for commands other
    than `up` and `api`."""
    with program_runner(tmp_path_factory, is_forked=True) as start:
        yield start


@contextmanager
def program_runner(
    tmp_path_factory: pytest.TempPathFactory, *, is_forked: bool
) -> Iterator[RunProgram]:
    """Yields a function that runs `segments`. The end stops what still runs."""
    programs: list[ProgramProcess] = []
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEGMENTS_") and name not in ("MONGODB_URL", "REDIS_URL")
    }

    def start(*arguments: str, **environment: str) -> ProgramProcess:
        folder = tmp_path_factory.mktemp("run")
        # Explicit folders, so that `up` builds no bundles with npm.
        bundles = {
            "SEGMENTS_DASHBOARD_BUNDLE": str(folder / "dashboard"),
            "SEGMENTS_GRAPHIQL_BUNDLE": str(folder / "graphiql"),
        }
        program = ProgramProcess(
            folder, arguments, {**inherited, **bundles, **environment}, is_forked=is_forked
        )
        programs.append(program)
        return program

    yield start
    running = [program for program in programs if program.process.poll() is None]
    try:
        for program in running:
            program.process.terminate()
            program.wait_for_exit()
    finally:
        # A worker that stays would take the jobs of the tests that follow.
        for program in running:
            if program.process.poll() is None:
                program.process.kill()
                program.wait_for_exit()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def responds_ok(port: int) -> Callable[[str], bool]:
    """Whether the path responds with 200."""
    return partial(is_path_ok, port)


def is_path_ok(port: int, path: str) -> bool:
    """Whether the path responds with 200 at the port."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Accept": "text/html"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class RunningUp:
    """A `segments up` that several tests look at, its data folder and its port."""

    program: ProgramProcess
    data_folder: Path
    port: int


@pytest.fixture(scope="module")
def running_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    folder, port = tmp_path_factory.mktemp("up") / "data", free_port()
    with program_runner(tmp_path_factory, is_forked=False) as start:
        program = start("up", "--data", str(folder), "--port", str(port))
        program.wait_for_output("Ready: ")
        yield RunningUp(program, folder, port)


@pytest.fixture(name="until")
def until_fixture() -> WaitUntil:
    return wait_until
