"""Retries reads when a connection or the primary is lost.

The driver retries `find` and `aggregate` once, and only their first batch. It never retries
`Database.command`, and does not apply the client's read concern to it, because it can't know what
the command does.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, TypeVar

from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

from app.errors import PageTooLarge
from app.store.collections import Database
from app.store.limited_database import limit_command

Result = TypeVar("Result")

_COMMANDS_WITH_READ_CONCERN = frozenset({"aggregate", "count", "distinct", "find"})
# The host is unreachable, shuts down, steps down, or is not the primary; the majority snapshot is
# not available yet; the new primary does not know the cursor; or `$sample` found the same document
# too often.
_RETRYABLE_CODES = frozenset(
    (*(6, 7, 43, 89, 91, 134, 189, 262, 9001), *(10107, 11600, 11602, 13435, 13436, 28799))
)
_RETRY_TIMEOUT_SECONDS = 20.0
_MIN_BACKOFF_SECONDS = 0.01
_MAX_BACKOFF_SECONDS = 0.5


async def retry_read(read: Callable[[], Awaitable[Result]]) -> Result:
    """Runs `read` until it succeeds, for up to 20 seconds, and returns its result.

    In each attempt the driver waits for a primary. Raises the error of the last attempt.
    """
    deadline, max_pause_seconds = monotonic() + _RETRY_TIMEOUT_SECONDS, _MIN_BACKOFF_SECONDS
    while True:
        try:
            return await read()
        except (ConnectionFailure, ConfigurationError, OperationFailure) as error:
            if not _is_retryable(error) or monotonic() > deadline:
                raise
        await asyncio.sleep(random.uniform(0, max_pause_seconds))  # noqa: S311 - no secret
        max_pause_seconds = min(2 * max_pause_seconds, _MAX_BACKOFF_SECONDS)


async def run_read_command(database: Database, command: dict[str, Any]) -> dict[str, Any]:
    """Runs a read-only command with retries, and returns MongoDB's answer.

    Commands that accept a read concern run with majority. The command has a time limit, unless it
    sets one.
    """
    command = limit_command(command)
    if next(iter(command)) in _COMMANDS_WITH_READ_CONCERN:
        command = {**command, "readConcern": {"level": "majority"}}

    async def run_command() -> dict[str, Any]:
        return await database.command(command, codec_options=database.codec_options)

    return await retry_read(run_command)


async def read_page(database: Database, command: dict[str, Any]) -> list[dict[str, Any]]:
    """Runs a find or an aggregate with a large batch, and returns all of its results.

    Raises PageTooLarge if they exceed 16 MiB, where MongoDB ends a batch: this bounds the memory.
    """
    cursor = (await run_read_command(database, command))["cursor"]
    if await close_cursor(database, cursor):
        raise PageTooLarge(
            "The rows of this page have more than 16 MiB together; request fewer rows."
        )
    return list(cursor["firstBatch"])


async def close_cursor(database: Database, cursor: Mapping[str, Any]) -> bool:
    """Closes the cursor of a command's answer. Returns whether there were more results."""
    if not cursor["id"]:
        return False
    collection = cursor["ns"].partition(".")[2]
    await database.command({"killCursors": collection, "cursors": [cursor["id"]]})
    return True


def is_starting_member_error(error: BaseException) -> bool:
    """Whether the driver refused to use a member that has just started.

    Such a member does not announce support for sessions yet. The driver sends it nothing.
    """
    return isinstance(error, ConfigurationError) and "Sessions are not supported" in str(error)


def _is_retryable(error: ConnectionFailure | ConfigurationError | OperationFailure) -> bool:
    if isinstance(error, ConfigurationError):
        return is_starting_member_error(error)
    return isinstance(error, ConnectionFailure) or error.code in _RETRYABLE_CODES
