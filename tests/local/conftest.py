"""The program as people run it: real processes, watched from outside."""

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

Until = Callable[[Callable[[], object]], None]


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.02)


class Program:
    """One run of `segments`, in a session of its own as from a terminal."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> None:
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", *arguments],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def everyone(self) -> list[psutil.Process]:
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def says(self, words: str) -> None:
        until(lambda: words in self.out + self.err or self.process.poll() is not None)
        assert words in self.out + self.err

    def ends(self, seconds: float = 10) -> int:
        return self.process.wait(seconds)

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)


Run = Callable[..., Program]


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """run("up", "--port", "8000", MONGODB_URL=...) in an empty folder; ended after the test."""
    programs: list[Program] = []
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEGMENTS_") and name not in ("MONGODB_URL", "REDIS_URL")
    }

    def start(*arguments: str, **environment: str) -> Program:
        folder = tmp_path_factory.mktemp("run")
        # Named, so that none of the many starts has npm bundle it.
        bundle = {"SEGMENTS_GRAPHIQL_BUNDLE": str(folder / "graphiql")}
        programs.append(Program(folder, arguments, {**kept, **bundle, **environment}))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.terminate()
            program.ends()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def answers(port: int) -> Callable[[str], bool]:
    """Whether a path answers 200."""

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
def until_fixture() -> Until:
    return until
