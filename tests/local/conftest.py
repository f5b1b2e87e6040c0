"""Runs the `segments` command in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port

WaitUntil = Callable[[Callable[[], object]], None]


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(0.05)


class ProgramProcess:
    """One run of `segments`, in a session of its own, as in a terminal."""

    def __init__(
        self, folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        self._stdout_file, self._stderr_file = folder / "out", folder / "err"
        with self._stdout_file.open("w") as out, self._stderr_file.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
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

    def wait_for_exit(self, seconds: float = 10) -> int:
        return self.process.wait(seconds)

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)


RunProgram = Callable[..., ProgramProcess]


@pytest.fixture
def run_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunProgram]:
    """run_program("up", "--port", "8000", MONGODB_URL=...) runs in an empty folder until the test
    ends."""
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
        programs.append(ProgramProcess(folder, arguments, {**inherited, **bundles, **environment}))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.terminate()
            program.wait_for_exit()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def responds_ok(port: int) -> Callable[[str], bool]:
    """Whether the path responds with 200."""

    def ask(path: str) -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers={"Accept": "text/html"})
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return ask


@pytest.fixture(name="until")
def until_fixture() -> WaitUntil:
    return wait_until
