"""What is handed to the workers."""

from typing import Protocol


class JobQueue(Protocol):
    """Hands over what would be found anyway: the truth about a job is its row in the store."""

    async def enqueue(self, job: str, *arguments: str) -> None:
        """Makes a worker run the job soon, if it can be told."""


class NullJobQueue:
    """For doors that have none: a worker finds the job when it looks through the rows."""

    async def enqueue(self, job: str, *arguments: str) -> None:
        return
