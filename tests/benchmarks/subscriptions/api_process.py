"""A process of the API, and a client that sets up customers and active segments through it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
from pymongo import MongoClient

from tests.benchmarks.program import DATABASE, Json, Program

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


def wait_until_backfilled(program: Program) -> None:
    """Returns when the backfill of every definition change has finished."""
    with MongoClient[Json](program.mongodb_url) as client:
        database = client[DATABASE]
        (latest_filter,) = database.activeFilters.find().sort("sinceRevision", -1).limit(1)
        while database.partitions.count_documents(
            {"baseRevision": {"$lt": latest_filter["sinceRevision"]}}
        ):
            time.sleep(0.05)


@contextmanager
def running_api_process(program: Program) -> Iterator["ApiProcess"]:
    with program.server("-m", "app", "api") as (address, process):
        yield ApiProcess(address, process)


class ApiProcess:
    """A process of the API, and a client of it."""

    def __init__(self, address: str, process: psutil.Process) -> None:
        self.address = address
        self.process = process
        self._http = httpx.Client(base_url=f"http://{address}", timeout=60)

    def fetch(self, query: str, **variables: Any) -> Any:
        request_body = {"query": query, "variables": variables}
        response = self._http.post("/graphql", json=request_body).json()
        assert "errors" not in response, response
        (field,) = response["data"].values()
        assert not field.get("userErrors"), field
        return field

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_mebibytes(self) -> float:
        return float(self.process.memory_info().rss / 2**20)

    def create_customers(self) -> None:
        inputs = [{"sourceId": str(number)} for number in range(CUSTOMERS)]
        self.fetch(_UPSERT, inputs=inputs)

    def create_active_segments(self, keys: Sequence[str]) -> list[str]:
        """Creates an active segment for each metadata key, of the customers for whom it is true.

        Returns the ids of the segments.
        """
        program = self.fetch(_PROGRAM)["program"]["id"]
        segments = []
        for key in keys:
            condition = {"path": f"metadata.{key}", "operator": "IS", "value": True}
            definition = {"filter": {"attribute": condition}}
            created = self.fetch(_CREATE, input={"name": key, "definition": definition})
            segments.append(created["segment"]["id"])
            rule = {"programId": program, "name": key, "segmentId": segments[-1]}
            self.fetch(_RULE, input={**rule, "points": {"fixed": 1}})
        return segments
