"""Lists of customers and segments against plain Starlette with the same bytes.

    python -m tests.benchmarks.lists

It compares the CPU time that each server's process spends per request, in rounds of which each
serves all servers in turn. One baseline reads the same documents with a single Motor query; the
other one reads nothing.
"""

import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.benchmarks.membership import ServerProcess, create_customers_and_segment, execute
from tests.benchmarks.program import running_program

ROUNDS = 7
SEGMENTS = 50

_CREATE_SEGMENT = (
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } } }"
)
_CREATE_RULE = (
    "mutation($input: ValidationRuleInput!)"
    " { validationRuleCreate(input: $input) { validationRule { id } } }"
)


class ListCase(NamedTuple):
    """A query, the largest acceptable ratio, and how often a round sends it."""

    title: str
    query: str
    max_ratio: float
    requests: int


CASES = {
    "customers": ListCase(
        "100 customers, 8 fields",
        "{ customers(first: 100) { nodes"
        " { id sourceId name email phone createdAt updatedAt metadata } } }",
        3.5,
        250,
    ),
    "customer": ListCase(
        "one customer, 3 fields",
        '{ customer(ref: {sourceId: "c7"}) { id name email } }',
        1.6,
        2_000,
    ),
    "segments": ListCase(
        "50 segments, 6 fields",
        "{ segments(first: 50) { nodes { id name kind createdAt filterText"
        " usedBy { kind id name } } } }",
        6,
        250,
    ),
}
_BASELINE_COMMAND = ("-m", "uvicorn", "tests.benchmarks.lists_baseline:app", "--no-access-log")
_PROGRAM = "the program"
_STOCK = "with Strawberry's executor"
_READING = "plain Starlette, reads the documents"
_BYTES = "plain Starlette, reads nothing"


def main() -> None:
    with ExitStack() as exit_stack:
        folder = Path(exit_stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["RESULTS"] = str(folder / "results.json")
        running = exit_stack.enter_context(running_program(folder))
        program = ServerProcess(*exit_stack.enter_context(running.server("-m", "app", "api")))
        _create_shop(program.address)
        (folder / "results.json").write_text(json.dumps(_read_results(program.address)))
        stock_program = running.with_settings(SEGMENTS_FAST_EXECUTOR="false")
        stock = ServerProcess(*exit_stack.enter_context(stock_program.server("-m", "app", "api")))
        baseline = ServerProcess(*exit_stack.enter_context(running.server(*_BASELINE_COMMAND)))
        for name, case in CASES.items():
            servers = {
                _PROGRAM: (program, _query_request(case.query)),
                _STOCK: (stock, _query_request(case.query)),
                _READING: (baseline, _get_request(f"/{name}")),
                _BYTES: (baseline, _get_request(f"/bytes/{name}")),
            }
            rounds = [
                {
                    title: server.measure_cpu_per_request([request] * case.requests)
                    for title, (server, request) in servers.items()
                }
                for _ in range(ROUNDS + 1)
            ]
            # The first round only warms up.
            _report(case, rounds[1:])


def _report(case: ListCase, rounds: list[dict[str, float]]) -> None:
    print(f"{case.title}; goal: at most {case.max_ratio:g} times the CPU of plain Starlette")
    for title in rounds[0]:
        seconds = statistics.median(costs[title] for costs in rounds)
        ratio = statistics.median(costs[_PROGRAM] / costs[title] for costs in rounds)
        print(f"  {title:38}{seconds * 1e6:>9,.0f} µs{ratio:>8.2f}")


def _create_shop(address: str) -> None:
    create_customers_and_segment(address)
    with httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        for number in range(SEGMENTS - 1):
            definition = {"filter": _filter(number)}
            segment_input = {"name": f"Segment {number}", "definition": definition}
            created = execute(client, _CREATE_SEGMENT, {"input": segment_input})
            segment = created["segmentCreate"]["segment"]["id"]
            rule_input = {"name": f"Rule {number}", "filter": {"segment": {"id": segment}}}
            execute(client, _CREATE_RULE, {"input": rule_input})


def _filter(number: int) -> dict[str, Any]:
    return {
        "all": [
            {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}},
            {
                "event": {
                    "name": "purchase",
                    "within": {"last": f"P{number + 1}D"},
                    "operator": "GREATER_THAN_OR_EQUAL",
                    "value": 2,
                }
            },
        ]
    }


def _read_results(address: str) -> dict[str, Any]:
    with httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        return {name: {"data": execute(client, case.query, {})} for name, case in CASES.items()}


def _query_request(query: str) -> bytes:
    body = json.dumps({"query": query}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _get_request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n".encode()


if __name__ == "__main__":
    main()
