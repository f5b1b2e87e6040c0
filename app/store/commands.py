"""Commands that only read, sent as the driver sends its own reads.

`Database.command` takes over neither the client's read concern nor its retries: it can't know what
a command does.
"""

import asyncio
import random
from time import monotonic
from typing import Any

from pymongo.errors import ConnectionFailure, OperationFailure

from app.store.collections import Database

_WITH_READ_CONCERN = frozenset({"aggregate", "count", "distinct", "find"})
# A host or its connection is lost, it shuts down, steps down, or is not the primary; the majority's
# data are not known yet.
_RETRYABLE_CODES = frozenset({6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
_RETRY_SECONDS = 20.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.01, 0.5


async def read(database: Database, command: dict[str, Any]) -> dict[str, Any]:
    """Runs a command that only reads, with majority read concern where it takes one, and returns
    MongoDB's answer.

    Runs it again for up to 20 seconds where the connection or the primary was lost; the driver
    waits for the next primary each time. Raises what the last attempt raised.
    """
    if next(iter(command)) in _WITH_READ_CONCERN:
        command = {**command, "readConcern": {"level": "majority"}}
    deadline, longest = monotonic() + _RETRY_SECONDS, _FIRST_PAUSE_SECONDS
    while True:
        try:
            answer: dict[str, Any] = await database.command(
                command, codec_options=database.codec_options
            )
        except (ConnectionFailure, OperationFailure) as error:
            if not _is_retryable(error) or monotonic() > deadline:
                raise
        else:
            return answer
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
        longest = min(2 * longest, _LONGEST_PAUSE_SECONDS)


def _is_retryable(error: ConnectionFailure | OperationFailure) -> bool:
    return isinstance(error, ConnectionFailure) or error.code in _RETRYABLE_CODES
