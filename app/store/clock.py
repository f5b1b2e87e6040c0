"""MongoDB's clock and the current position of the change stream.

Workers compare instants by MongoDB's clock, because their own clocks may differ.
"""

import asyncio
from datetime import datetime
from typing import Any

from app.store.change_stream import position_of
from app.store.collections import Database
from app.store.reads import run_read_command

_SIGNING_KEYS_TIMEOUT_SECONDS = 10
_SIGNING_KEYS_POLL_SECONDS = 0.05


class Clock:
    """Reads the time and the position from MongoDB's `hello`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> datetime:
        """The current time of MongoDB's clock."""
        now: datetime = (await self._hello())["localTime"]
        return now

    async def position_and_time(self) -> tuple[str, datetime]:
        """The current position of the change stream, and the time of MongoDB's clock.

        A MongoDB with authentication returns no cluster time until it has the keys to sign it,
        which it creates soon after it starts. Raises TimeoutError after 10 seconds without one.
        """
        try:
            async with asyncio.timeout(_SIGNING_KEYS_TIMEOUT_SECONDS):
                while "operationTime" not in (hello := await self._hello()):  # noqa: ASYNC110
                    await asyncio.sleep(_SIGNING_KEYS_POLL_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(
                "it returns no cluster time, as it has no keys to sign it with; wait until its"
                " replica set has a primary"
            ) from error
        return position_of(hello["operationTime"]), hello["localTime"]

    async def _hello(self) -> dict[str, Any]:
        return await run_read_command(self._database, {"hello": 1})
