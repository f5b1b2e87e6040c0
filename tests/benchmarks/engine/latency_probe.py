"""The latency of LIVE transitions: one customer enters and leaves a segment again and again."""

import statistics
import threading
import time
from typing import Any

from bson import ObjectId

from tests.benchmarks.engine.benchmark_shop import BenchmarkShop, Json
from tests.benchmarks.million.filter_case import attribute

PROBE_FILTER: Json = attribute("metadata.probe", "IS", True)
_PAUSE_SECONDS = 0.1


class LatencyProbe:
    """Measures in a thread, until the context manager exits."""

    def __init__(self, shop: BenchmarkShop) -> None:
        self._database = shop.client[shop.database.name]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.delays_seconds: list[float] = []

    def __enter__(self) -> "LatencyProbe":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopped.set()
        self._thread.join()

    def __str__(self) -> str:
        if len(self.delays_seconds) < 2:
            return "the log has no transition of the probe"
        delays = sorted(self.delays_seconds)
        return (
            f"LIVE transitions of others: median {statistics.median(delays):.2f} s, p99"
            f" {delays[int(0.99 * len(delays))]:.2f} s, worst {delays[-1]:.2f} s"
            f" of {len(delays)}"
        )

    def _run(self) -> None:
        key, is_in = ObjectId(), False
        now = self._database.client.admin.command("hello")["localTime"]
        row: Json = {"sourceId": f"probe {key}", "createdAt": now, "updatedAt": now, "version": 1}
        self._database.customers.insert_one({"_id": key, **row, "metadata": {}})
        logged = 0
        while not self._stopped.is_set():
            is_in = not is_in
            change = {"$set": {"metadata.probe": is_in}, "$inc": {"version": 1}}
            self._database.customers.update_one({"_id": key}, change)
            started_at = time.monotonic()
            while self._database.transitions.count_documents({"customerId": key}) <= logged:
                time.sleep(0.01)
                if self._stopped.is_set() and time.monotonic() - started_at > 60:
                    break
            logged += 1
            self.delays_seconds.append(time.monotonic() - started_at)
            time.sleep(_PAUSE_SECONDS)
        self._database.customers.delete_one({"_id": key})
