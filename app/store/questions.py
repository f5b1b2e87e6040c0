"""Questions of all documents: how long MongoDB may think about one, and on what room."""

from typing import Any

from pymongo.errors import ExecutionTimeout

from app.errors import TookTooLong
from app.store.collections import Database

Stage = dict[str, Any]


class Questions:
    """Aggregations, each with a limit of time."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        # Where 100 MB do not suffice for a stage, it goes on on disk.
        self._limits: dict[str, Any] = {"maxTimeMS": round(seconds * 1000), "allowDiskUse": True}

    async def answer(
        self, collection: str, stages: list[Stage], **options: Any
    ) -> list[dict[str, Any]]:
        """The documents that the stages leave; TookTooLong where there is no end to it."""
        found = self._database[collection].aggregate(stages, **options, **self._limits)
        try:
            return [document async for document in found]
        except ExecutionTimeout:
            raise TookTooLong(
                f"The database did not answer within {self._seconds:g} s; ask for less, narrow the"
                " filter down with a condition that an index serves, or raise"
                " SEGMENTS_QUERY_SECONDS."
            ) from None
