"""Runs the API and workers as processes, with a mongod and a Valkey of their own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.local_processes import running_mongod, running_process

Json = dict[str, Any]

DATABASE = "benchmark"


class Program:
    """Addresses of the running stores; starts processes that use them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.mongodb_url = environment["MONGODB_URL"]
        self.redis_url = environment["REDIS_URL"]

    def with_settings(self, **settings: str) -> "Program":
        """Returns the program with these environment variables."""
        return Program({**self._environment, **settings})

    @contextmanager
    def server(self, *command: str) -> Iterator[tuple[str, psutil.Process]]:
        """Starts a server; yields its address and its process once it listens."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
        address = f"127.0.0.1:{port}"
        with self.process(*command, "--host", "127.0.0.1", "--port", str(port)) as process:
            with httpx.Client(transport=httpx.HTTPTransport(retries=7), timeout=30) as client:
                client.get(f"http://{address}/healthz")
            yield address, process

    @contextmanager
    def process(self, *command: str) -> Iterator[psutil.Process]:
        process = subprocess.Popen([sys.executable, *command], env=self._environment)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def running_program(folder: Path) -> Iterator[Program]:
    """Starts a mongod with an empty database, and a Valkey, in the folder."""
    with (
        running_mongod(folder / "mongod", Mongod) as mongod,
        program_with_database(folder, mongod.url, DATABASE) as program,
    ):
        yield program


@contextmanager
def program_with_database(folder: Path, mongodb_url: str, database: str) -> Iterator[Program]:
    """Starts a Valkey in the folder, for a program with this database."""
    with running_process(Valkey(folder / "valkey")) as valkey:
        settings = {
            "MONGODB_URL": mongodb_url,
            "REDIS_URL": valkey.url,
            "SEGMENTS_DATABASE": database,
            "SEGMENTS_AUTH": "off",
            "SEGMENTS_LOG_FORMAT": "json",
        }
        yield Program({**os.environ, **settings})
