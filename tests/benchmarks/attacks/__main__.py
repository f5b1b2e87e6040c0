"""Attacks on the API: the CPU and the memory of each request, and what other clients notice.

    python -m tests.benchmarks.attacks [--only PATTERN] [--seconds N]

A process sends one request of each attack, and then repeats it over some connections. Another
process asks `/healthz` and a small membership question, one after the other. They share the machine
with the API, a worker and MongoDB. "CPU" beside the latencies is the CPU time that the API spends
between a question and its answer: about the latency if the API had a core of its own. A star marks
what is beyond a goal.
"""

import argparse
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from app.settings import Settings
from tests.benchmarks.attacks.attack import Answer, Attack, Attacker, PostAttack, running_attacker
from tests.benchmarks.attacks.connections import connection_attacks
from tests.benchmarks.attacks.probes import (
    Latencies,
    Prober,
    Summary,
    cpu_seconds,
    running_prober,
    summarize,
)
from tests.benchmarks.attacks.requests import request_attacks
from tests.benchmarks.attacks.shop import Segments, build
from tests.benchmarks.busy_customers import BenchmarkShop
from tests.benchmarks.program import Program, running_program

MAX_REFUSED_CPU_SECONDS = 0.05
SECONDS_PER_POINT = 10e-6
MAX_OPERATION_COST: int = Settings.model_fields["max_operation_cost"].default
"""Operations that cost more are refused."""
MAX_P99_MILLISECONDS = 50
MAX_GROWTH_MIB = 100
_MAX_SINGLE_SECONDS = 5.0
_WARM_UP_SECONDS = 1.0
_MAX_IDLE_WAIT_SECONDS = 3.0
_IDLE_SHARE = 0.3
_IDLE_CHECK_SECONDS = 0.3
# Memory that an attack leaves behind would hide what the next one takes.
_MAX_LEFT_MIB = 20
_MIB = 2**20


class ApiProcess:
    """An API process, and the prober that asks it."""

    def __init__(self, address: str, process: psutil.Process, prober: Prober) -> None:
        self.address = address
        self._process = process
        self._prober = prober
        time.sleep(_WARM_UP_SECONDS)
        self.take_latencies()
        self._first_bytes = self.resident_bytes

    @property
    def resident_bytes(self) -> int:
        return int(self._process.memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    @property
    def is_fresh(self) -> bool:
        return self.resident_bytes - self._first_bytes < _MAX_LEFT_MIB * _MIB

    def take_latencies(self) -> Latencies:
        return self._prober.take()

    def reset_peak(self) -> None:
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    @property
    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def wait_until_idle(self) -> bool:
        """Returns whether it is idle, within some seconds."""
        deadline = time.monotonic() + _MAX_IDLE_WAIT_SECONDS
        while time.monotonic() < deadline:
            before = self.cpu_seconds
            time.sleep(_IDLE_CHECK_SECONDS)
            if self.cpu_seconds - before < _IDLE_SHARE * _IDLE_CHECK_SECONDS:
                return True
        return False


class Measurement(NamedTuple):
    """One phase of an attack. `cpu_seconds` is that of the API without the probes."""

    answers: Counter[Answer]
    cpu_seconds: float
    growth_mib: float
    latencies: Latencies


class Benchmark:
    def __init__(
        self, program: Program, attacker: Attacker, segments: Segments, customers: int
    ) -> None:
        self._program = program
        self._attacker = attacker
        self._segments = segments
        self._customers = customers
        self._cpu_seconds_per_probe = 0.0

    def run(self, attacks: Sequence[Attack | PostAttack], seconds: float) -> None:
        print(_COLUMNS, _SUBCOLUMNS, sep="\n", flush=True)
        remaining = list(attacks)
        with self._running_api() as api:
            time.sleep(2 * seconds)
            self._report_baseline(api, 2 * seconds)
        while remaining:
            with self._running_api() as api:
                while remaining:
                    self._measure_and_report(api, remaining.pop(0), seconds)
                    if not api.wait_until_idle() or not api.is_fresh:
                        break
                    api.take_latencies()

    @contextmanager
    def _running_api(self) -> Iterator[ApiProcess]:
        with (
            self._program.server("-m", "app", "api") as (address, process),
            running_prober(address, process.pid, self._segments.gold, self._customers) as prober,
        ):
            yield ApiProcess(address, process, prober)

    def _report_baseline(self, api: ApiProcess, seconds: float) -> None:
        cpu_before = api.cpu_seconds
        api.take_latencies()
        time.sleep(seconds)
        latencies = api.take_latencies()
        probes = len(latencies.healthz)
        self._cpu_seconds_per_probe = (api.cpu_seconds - cpu_before) / probes
        _print_row("no attack", "", "", "", "", latencies)

    def _measure_and_report(
        self, api: ApiProcess, attack: Attack | PostAttack, seconds: float
    ) -> None:
        single = self._measure(
            api,
            lambda: Counter([self._attacker.send_one(attack, api.address, _MAX_SINGLE_SECONDS)]),
        )
        load = self._measure(api, lambda: self._attacker.send_for(attack, api.address, seconds))
        _report(attack.name, single, load)

    def _measure(self, api: ApiProcess, send: Callable[[], Counter[Answer]]) -> Measurement:
        api.reset_peak()
        cpu_before, bytes_before = api.cpu_seconds, api.resident_bytes
        answers = send()
        latencies = api.take_latencies()
        probes_cpu_seconds = self._cpu_seconds_per_probe * len(latencies.healthz)
        return Measurement(
            answers,
            max(api.cpu_seconds - cpu_before - probes_cpu_seconds, 0.0),
            (api.peak_bytes - bytes_before) / _MIB,
            latencies,
        )


_COLUMNS = (
    f"{'':50}{'answer':>36}{'cost':>9}{'CPU ms':>10}{'memory MiB':>13}"
    f"{'/healthz ms':>26}{'CPU':>6}{'membership ms':>26}{'CPU':>6}"
)
_SUBCOLUMNS = (
    f"{'':50}{'':36}{'':9}{'one  each':>10}{'one  load':>13}"
    f"{'p50    p99  worst':>26}{'p99':>6}{'p50    p99  worst':>26}{'p99':>6}"
)


def _report(name: str, single: Measurement, load: Measurement) -> None:
    answers = single.answers + load.answers
    (answer, _), *_others = answers.most_common(1)
    texts = Counter[str]()
    for other, count in answers.items():
        texts[other.text] += count
    text = "; ".join(text for text, _ in texts.most_common(2))
    cpu_each = load.cpu_seconds / max(load.answers.total(), 1)
    cost = answer.cost or 0
    paid_seconds = SECONDS_PER_POINT * cost if cost <= MAX_OPERATION_COST else 0.0
    max_cpu_seconds = max(MAX_REFUSED_CPU_SECONDS, paid_seconds)
    _print_row(
        name,
        f"{text:.35}",
        f"{answer.cost:,}" if answer.cost is not None else "",
        f"{1e3 * single.cpu_seconds:5.0f}{1e3 * cpu_each:5.0f}{_star(cpu_each > max_cpu_seconds)}",
        f"{single.growth_mib:5.0f}{_star(single.growth_mib > MAX_GROWTH_MIB)}"
        f"{load.growth_mib:6.0f} ",
        Latencies(
            single.latencies.healthz + load.latencies.healthz,
            single.latencies.membership + load.latencies.membership,
        ),
    )


def _print_row(
    name: str, answer: str, cost: str, cpu: str, memory: str, latencies: Latencies
) -> None:
    healthz, membership = map(_format_summary, map(summarize, latencies))
    print(f"{name:50}{answer:>36}{cost:>9}{cpu:>11}{memory:>13}{healthz}{membership}", flush=True)


def _format_summary(summary: Summary) -> str:
    median, p99, worst, api_cpu_p99 = summary
    return (
        f"{median:11.1f}{p99:7.0f}{_star(p99 > MAX_P99_MILLISECONDS)}{worst:6.0f}"
        f"{api_cpu_p99:6.0f}{_star(api_cpu_p99 > MAX_P99_MILLISECONDS)}"
    )


def _star(is_beyond_goal: bool) -> str:
    return "*" if is_beyond_goal else " "


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="a pattern of the names of attacks")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as program,
        running_attacker() as attacker,
    ):
        with program.server("-m", "app", "api") as (address, _):
            shop = BenchmarkShop(address, program.mongodb_url)
            segments = build(shop, arguments.customers)
        attacks: tuple[Attack | PostAttack, ...] = (
            *request_attacks(segments),
            *connection_attacks(segments),
        )
        chosen = [attack for attack in attacks if re.search(arguments.only, attack.name)]
        with program.process("-m", "app", "worker"):
            shop.wait_until_processed()
            benchmark = Benchmark(program, attacker, segments, arguments.customers)
            benchmark.run(chosen, arguments.seconds)


if __name__ == "__main__":
    main()
