"""What other clients notice: the latencies of /healthz and of a small membership question."""

import http.client
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from random import Random
from typing import NamedTuple

from tests.benchmarks.attacks.shop import customer_source_id
from tests.benchmarks.child_process import running_child
from tests.benchmarks.membership import MEMBERSHIP_QUERY

_PAUSE_SECONDS = 0.01
_TIMEOUT_SECONDS = 60


class Latency(NamedTuple):
    seconds: float
    api_cpu_seconds: float
    """CPU time of the API between the question and its answer, for whatever request. Python runs
    one thread at a time, so this is about the latency of an API with a core of its own."""


class Latencies(NamedTuple):
    healthz: list[Latency]
    membership: list[Latency]


class Summary(NamedTuple):
    """Milliseconds."""

    median: float
    p99: float
    worst: float
    api_cpu_p99: float


def summarize(latencies: list[Latency]) -> Summary:
    seconds = [1e3 * latency.seconds for latency in latencies]
    api_cpu = [1e3 * latency.api_cpu_seconds for latency in latencies]
    return Summary(statistics.median(seconds), _p99(seconds), max(seconds), _p99(api_cpu))


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


class Prober:
    """A process of its own that asks one question after the other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self) -> Latencies:
        """Returns the latencies since the last call."""
        self._connection.send(None)
        latencies: Latencies = self._connection.recv()
        return latencies


@contextmanager
def running_prober(address: str, api_pid: int, segment_id: str, customers: int) -> Iterator[Prober]:
    with running_child(_probe_until_closed, address, api_pid, segment_id, customers) as connection:
        yield Prober(connection)


def _probe_until_closed(
    address: str, api_pid: int, segment_id: str, customers: int, connection: Connection
) -> None:
    random, latencies = Random(1), Latencies([], [])
    http_connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)

    def ask_health() -> None:
        http_connection.request("GET", "/healthz")
        assert http_connection.getresponse().read() == b"ok"

    def ask_membership() -> None:
        ref = {"sourceId": customer_source_id(random.randrange(customers))}
        variables = {"customer": ref, "segments": [segment_id]}
        body = json.dumps({"query": MEMBERSHIP_QUERY, "variables": variables})
        headers = {"content-type": "application/json"}
        http_connection.request("POST", "/graphql", body, headers)
        response = http_connection.getresponse().read()
        assert b'"errors"' not in response, response

    def measure(ask: Callable[[], None]) -> Latency:
        cpu_before, started_at = cpu_seconds(api_pid), time.perf_counter()
        ask()
        seconds = time.perf_counter() - started_at
        return Latency(seconds, cpu_seconds(api_pid) - cpu_before)

    while True:
        if connection.poll():
            connection.recv()
            connection.send(latencies)
            latencies = Latencies([], [])
        for ask, results in (
            (ask_health, latencies.healthz),
            (ask_membership, latencies.membership),
        ):
            results.append(measure(ask))
            time.sleep(_PAUSE_SECONDS)


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time of a process, which psutil tells in steps of 10 ms only."""
    # The clock of a process in Linux: clock_getcpuclockid(3), which Python has not.
    return time.clock_gettime((~pid << 3) | 2)
