"""The queue of background jobs, as services see it."""

from typing import Protocol


class JobQueue(Protocol):
    """Starts background jobs soon. A lost job does no harm: workers also find pending work by its
    rows in the store."""

    async def enqueue(self, job: str, *arguments: str) -> None:
        """Asks a worker to run the job soon. Does not raise if the queue is unreachable."""


class NullJobQueue:
    """For programs without a queue. A worker finds the pending work in the store later."""

    async def enqueue(self, job: str, *arguments: str) -> None:
        return
