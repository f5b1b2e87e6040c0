"""The counts that MongoDB runs for the program, sampled by a client of their own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from pymongo import MongoClient

PROGRAM_NAME = "customer-segments"
_INTERVAL_SECONDS = 0.005


@dataclass(frozen=True)
class Sample:
    """How many counts ran at an instant of the monotonic clock."""

    at_seconds: float
    running: int


class RunningCounts:
    """Samples until it is closed."""

    def __init__(self, mongodb_url: str) -> None:
        self._mongodb_url = mongodb_url
        self._closed = Event()
        self._thread = Thread(target=self._run)
        self._samples: list[Sample] = []

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        with MongoClient[dict[str, Any]](self._mongodb_url) as client:
            while not self._closed.wait(_INTERVAL_SECONDS):
                operations = client.admin.aggregate(
                    [{"$currentOp": {}}, {"$match": {"appName": PROGRAM_NAME, "active": True}}]
                )
                running = sum(map(_is_count, operations))
                self._samples.append(Sample(time.monotonic(), running))

    @property
    def running(self) -> int:
        """The number in the latest sample."""
        return self._samples[-1].running if self._samples else 0

    def most(self) -> int:
        """Returns the largest number that ran at once."""
        return max(sample.running for sample in self._samples)

    def most_after(self, instant_seconds: float) -> int:
        """Returns the largest number that ran at once after an instant of the monotonic clock."""
        return max(
            sample.running for sample in self._samples if sample.at_seconds >= instant_seconds
        )

    def last_seconds(self) -> float:
        """Returns the instant at which a count was last seen."""
        return max((sample.at_seconds for sample in self._samples if sample.running), default=0.0)


@contextmanager
def sampled_counts(mongodb_url: str) -> Iterator[RunningCounts]:
    counts = RunningCounts(mongodb_url)
    counts.start()
    try:
        yield counts
    finally:
        counts.close()


def _is_count(operation: dict[str, Any]) -> bool:
    command = operation.get("command", {})
    stages = command.get("pipeline", ())
    return "count" in command or any("$count" in stage for stage in stages)
