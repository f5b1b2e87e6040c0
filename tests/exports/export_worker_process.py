"""A worker for exports as a process, which a test may kill."""

import os
import signal
from pathlib import Path

from app.local.process import ChildProcess
from app.settings import Settings
from tests.environment import store_environment
from tests.forked_program import ForkedChild


class ExportWorkerProcess(ForkedChild):
    """`segments worker --only jobs`."""

    def __init__(self, folder: Path, settings: Settings, name: str = "worker") -> None:
        super().__init__(name, folder)
        self._environment = {**os.environ, **store_environment(settings)}

    def start(self) -> None:
        self.run(["segments", "worker", "--only", "jobs"], self._environment)


def kill(process: ChildProcess) -> None:
    """Kills a process with SIGKILL, and waits until it is gone."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.stop()
