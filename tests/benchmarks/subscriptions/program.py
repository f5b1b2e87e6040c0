"""The program as people run it, each part a process of its own, over stores of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings

Json = dict[str, Any]

DATABASE = "benchmark"
CUSTOMERS = 1_000

_CREATE = """
mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id } userErrors { message } }
}
"""
_PROGRAM = 'mutation { loyaltyProgramCreate(input: {name: "Club"}) { program { id } } }'
_RULE = """
mutation($input: EarningRuleInput!) {
  earningRuleCreate(input: $input) { earningRule { id } userErrors { message } }
}
"""
_UPSERT = """
mutation($inputs: [CustomerInput!]!) {
  customersUpsert(inputs: $inputs) { accepted userErrors { message } }
}
"""


class Program:
    """An API and a worker at work."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.mongodb_url = environment["MONGODB_URL"]
        self.redis_url = environment["REDIS_URL"]

    def rest(self) -> None:
        """Waits until all customers have passed all definitions."""
        with MongoClient[Json](self.mongodb_url) as client:
            database = client[DATABASE]
            (last,) = database.activeFilters.find().sort("since", -1).limit(1)
            while database.partitions.count_documents({"base": {"$lt": last["since"]}}):
                time.sleep(0.05)

    @contextmanager
    def api(self) -> Iterator["Api"]:
        with self.server("-m", "app", "api") as (address, process):
            yield Api(address, process)

    @contextmanager
    def server(self, *command: str) -> Iterator[tuple[str, psutil.Process]]:
        """A server's address and process, once it listens."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
        address = f"127.0.0.1:{port}"
        with self.process(*command, "--host", "127.0.0.1", "--port", str(port)) as process:
            with httpx.Client(transport=httpx.HTTPTransport(retries=7)) as client:
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


class Api:
    """One process of the API, asked over HTTP."""

    def __init__(self, address: str, process: psutil.Process) -> None:
        self.address = address
        self.process = process
        self._http = httpx.Client(base_url=f"http://{address}", timeout=60)

    def ask(self, query: str, **variables: Any) -> Any:
        sent = {"query": query, "variables": variables}
        answer = self._http.post("/graphql", json=sent).json()
        assert "errors" not in answer, answer
        (field,) = answer["data"].values()
        assert not field.get("userErrors"), field
        return field

    def seconds_of_cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def mebibytes(self) -> float:
        return float(self.process.memory_info().rss / 2**20)

    def make_customers(self) -> None:
        inputs = [{"sourceId": str(number)} for number in range(CUSTOMERS)]
        self.ask(_UPSERT, inputs=inputs)

    def make_segments(self, keys: Sequence[str]) -> list[str]:
        """Active segments of those in whose metadata this is true, each; their ids."""
        program = self.ask(_PROGRAM)["program"]["id"]
        segments = []
        for key in keys:
            condition = {"path": f"metadata.{key}", "operator": "IS", "value": True}
            definition = {"filter": {"attribute": condition}}
            made = self.ask(_CREATE, input={"name": key, "definition": definition})
            segments.append(made["segment"]["id"])
            rule = {"programId": program, "name": key, "segmentId": segments[-1]}
            self.ask(_RULE, input={**rule, "points": {"fixed": 1}})
        return segments


@contextmanager
def program(folder: Path) -> Iterator[Program]:
    mongod, valkey = Mongod(folder / "mongod", Settings(oplog_mib=990)), Valkey(folder / "valkey")
    for part in (mongod, valkey):
        part.start()
    try:
        for part in (mongod, valkey):
            part.ready()
        urls = {"MONGODB_URL": mongod.url, "REDIS_URL": valkey.url}
        quiet = {"SEGMENTS_DATABASE": DATABASE, "SEGMENTS_LOG_FORMAT": "json"}
        yield Program({**os.environ, **urls, **quiet})
    finally:
        for part in (valkey, mongod):
            part.stop()
