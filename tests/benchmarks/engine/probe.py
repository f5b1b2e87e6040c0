"""One customer who enters and leaves a segment again and again: how long until the log tells."""

import statistics
import threading
import time
from typing import Any

from bson import ObjectId

from tests.benchmarks.engine.shop import Json, Shop
from tests.benchmarks.million.question import attribute

FILTER: Json = attribute("metadata.probe", "IS", True)
_PAUSE_SECONDS = 0.1


class Probe:
    """Runs while it is open; `delays` are in seconds."""

    def __init__(self, shop: Shop) -> None:
        self._database = shop.client[shop.database.name]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.delays: list[float] = []

    def __enter__(self) -> "Probe":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()

    def __str__(self) -> str:
        if len(self.delays) < 2:
            return "no probe came back"
        delays = sorted(self.delays)
        return (
            f"LIVE transitions of others: median {statistics.median(delays):.2f} s, 99 of 100"
            f" within {delays[int(0.99 * len(delays))]:.2f} s, worst {delays[-1]:.2f} s"
            f" of {len(delays)}"
        )

    def _run(self) -> None:
        key, is_in = ObjectId(), False
        now = self._database.client.admin.command("hello")["localTime"]
        row: Json = {"sourceId": f"probe {key}", "createdAt": now, "updatedAt": now, "version": 1}
        self._database.customers.insert_one({"_id": key, **row, "metadata": {}})
        told = 0
        while not self._over.is_set():
            is_in = not is_in
            change = {"$set": {"metadata.probe": is_in}, "$inc": {"version": 1}}
            self._database.customers.update_one({"_id": key}, change)
            began = time.monotonic()
            while self._database.transitions.count_documents({"customerId": key}) <= told:
                time.sleep(0.01)
                if self._over.is_set() and time.monotonic() - began > 60:
                    break
            told += 1
            self.delays.append(time.monotonic() - began)
            time.sleep(_PAUSE_SECONDS)
        self._database.customers.delete_one({"_id": key})
