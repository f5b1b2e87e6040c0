"""A membership query over GraphQL against a bare endpoint that does one `find_one`.

    python -m tests.benchmarks.membership

One customer, one attribute filter, 16 connections. The benchmark compares the CPU time that each
server's process spends per request. The servers take turns, so that noise meets both.
"""

import asyncio
import json
import random
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.benchmarks.program import running_program

CUSTOMERS = 2_000
CONNECTIONS = 16
REQUESTS = 4_000
ROUNDS = 5

MEMBERSHIP_QUERY = """
query Membership($customer: CustomerRef!, $segments: [ID!]) {
  segmentMembership(customer: $customer, segmentIds: $segments) { isMember }
}
"""
_CREATE = """
mutation Create($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } } }
"""
_UPSERT = """
mutation Upsert($inputs: [CustomerInput!]!) { customersUpsert(inputs: $inputs) { accepted } }
"""


def main() -> None:
    bare_command = ("-m", "uvicorn", "tests.benchmarks.find_one_baseline:app", "--no-access-log")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as running,
        running.server("-m", "app", "api") as program_server,
        running.server(*bare_command) as baseline_server,
    ):
        program_under_test = ServerProcess(*program_server)
        baseline = ServerProcess(*baseline_server)
        segment = create_customers_and_segment(program_under_test.address)
        rounds = [
            (
                program_under_test.measure_cpu_per_request(membership_requests(segment)),
                baseline.measure_cpu_per_request(_find_one_requests()),
            )
            for _ in range(ROUNDS)
        ]
    _report(rounds[1:])


def _report(rounds: list[tuple[float, float]]) -> None:
    program_seconds, baseline_seconds = (
        statistics.median(costs) for costs in zip(*rounds, strict=True)
    )
    ratio = statistics.median(program / bare for program, bare in rounds)
    print(f"{'':38}{'CPU per request':>16}")
    print(f"{'membership over GraphQL':38}{program_seconds * 1e6:>13.0f} µs")
    print(f"{'bare Starlette, one Motor find_one':38}{baseline_seconds * 1e6:>13.0f} µs")
    print(f"{'ratio, median of the rounds':38}{ratio:>16.2f}")


class ServerProcess:
    def __init__(self, address: str, process: psutil.Process) -> None:
        self._process = process
        self.address = address

    def measure_cpu_per_request(self, requests: list[bytes]) -> float:
        """Returns the mean CPU seconds that the server spends on a request."""
        cpu_before = sum(self._process.cpu_times()[:2])
        asyncio.run(_send_concurrently(self.address, requests))
        return (sum(self._process.cpu_times()[:2]) - cpu_before) / len(requests)


async def _send_concurrently(address: str, requests: list[bytes]) -> None:
    batches = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
    await asyncio.gather(*(_send_over_connection(address, batch) for batch in batches))


async def _send_over_connection(address: str, requests: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection(*address.split(":"))
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        assert b'"errors"' not in await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


def membership_requests(segment: str) -> list[bytes]:
    return customer_requests(MEMBERSHIP_QUERY, {"segments": [segment]})


def customer_requests(query: str, variables: dict[str, Any]) -> list[bytes]:
    """Returns requests of the query, each with another customer in its variables."""
    requests = []
    for source_id in _source_ids():
        variables = {**variables, "customer": {"sourceId": source_id}}
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


def _find_one_requests() -> list[bytes]:
    head = "GET /customers/{} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n"
    return [head.format(source_id).encode() for source_id in _source_ids()]


def _source_ids() -> Iterator[str]:
    rng = random.Random(7)
    return (f"c{rng.randrange(CUSTOMERS)}" for _ in range(REQUESTS))


def create_customers_and_segment(address: str) -> str:
    """Creates customers and a segment with one attribute filter; returns the id of the segment."""
    with httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        for start in range(0, CUSTOMERS, 1_000):
            inputs = [
                {"sourceId": f"c{n}", "email": f"c{n}@example.com", "metadata": {"vip": n % 3 == 0}}
                for n in range(start, start + 1_000)
            ]
            execute(client, _UPSERT, {"inputs": inputs})
        condition = {"path": "metadata.vip", "operator": "IS", "value": True}
        definition = {"filter": {"attribute": condition}}
        created = execute(client, _CREATE, {"input": {"name": "VIPs", "definition": definition}})
        return str(created["segmentCreate"]["segment"]["id"])


def execute(client: httpx.Client, query: str, variables: dict[str, Any]) -> Any:
    response = client.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in response, response
    return response["data"]


if __name__ == "__main__":
    main()
