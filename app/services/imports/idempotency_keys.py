"""Idempotency keys for events that have none, so that a file can be imported again."""

import sqlite3
from dataclasses import replace
from hashlib import blake2b

import orjson

from app.services.imports.row import Row


class IdempotencyKeys:
    """A key stands for a row's content and for how many such rows came before it.

    The counts lie in a temporary file: memory must not grow with what is imported.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute(
            "CREATE TABLE seen (row BLOB PRIMARY KEY, count INTEGER) WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()

    def with_key(self, row: Row) -> Row:
        """The row with a key, where it can be sent and has none of its own."""
        if row.problem is not None or row.wire.get("idempotencyKey") is not None:
            return row
        try:
            content = orjson.dumps(row.wire, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            # Too deep or too large a number: the row will be refused.
            return row
        digest = blake2b(content, digest_size=16)
        (count,) = self._connection.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1"
            " RETURNING count",
            (digest.digest(),),
        ).fetchone()
        return replace(row, idempotency_key=f"import:{digest.hexdigest()}:{count}")
