"""A validation against a membership query, for the same customers and the same filter.

    python -m tests.benchmarks.validation

The rule names a segment, and the membership query asks for that segment. The benchmark compares the
CPU time that the server spends per request, with 16 connections. The queries take turns.
"""

import statistics
import tempfile
from pathlib import Path

import httpx

from tests.benchmarks.membership import (
    ROUNDS,
    ServerProcess,
    create_customers_and_segment,
    customer_requests,
    execute,
    membership_requests,
)
from tests.benchmarks.program import running_program

MAX_RATIO = 1.5

_VALIDATE = """
query Validate($rule: ID!, $customer: CustomerRef!) {
  validate(ruleId: $rule, customer: $customer) { valid }
}
"""
_CREATE_RULE = """
mutation Create($input: ValidationRuleInput!) {
  validationRuleCreate(input: $input) { validationRule { id } }
}
"""


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as running,
        running.server("-m", "app", "api") as (address, process),
    ):
        server = ServerProcess(address, process)
        segment = create_customers_and_segment(address)
        validations = customer_requests(_VALIDATE, {"rule": _create_rule(address, segment)})
        memberships = membership_requests(segment)
        rounds = [
            (
                server.measure_cpu_per_request(validations),
                server.measure_cpu_per_request(memberships),
            )
            for _ in range(ROUNDS)
        ]
    _report(rounds[1:])


def _create_rule(address: str, segment: str) -> str:
    with httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        rule = {"name": "VIPs only", "filter": {"segment": {"id": segment}}}
        created = execute(client, _CREATE_RULE, {"input": rule})
        return str(created["validationRuleCreate"]["validationRule"]["id"])


def _report(rounds: list[tuple[float, float]]) -> None:
    validation, membership = (statistics.median(costs) for costs in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    print(f"{'':38}{'CPU per request':>16}")
    print(f"{'validate':38}{validation * 1e6:>13.0f} µs")
    print(f"{'segmentMembership':38}{membership * 1e6:>13.0f} µs")
    print(f"{'ratio, median; goal: at most ' + str(MAX_RATIO):38}{ratio:>16.2f}")


if __name__ == "__main__":
    main()
