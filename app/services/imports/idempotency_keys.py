"""Generates idempotency keys for events without one, so that a file can be imported twice."""

import sqlite3
from hashlib import blake2b

import orjson

from app.services.imports.row import Row


class IdempotencyKeys:
    """Derives the key of a row from its content and from the number of equal rows before it.

    A temporary SQLite file counts the rows, so that memory does not grow with the file.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute(
            "CREATE TABLE row_counts (row BLOB PRIMARY KEY, count INTEGER) WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()

    def with_key(self, row: Row) -> Row:
        """Returns the row with a generated key, if it is readable and has no key of its own."""
        if row.problems or row.input_object.get("idempotencyKey") is not None:
            return row
        try:
            content = orjson.dumps(
                row.input_object if row.key_content is None else row.key_content,
                option=orjson.OPT_SORT_KEYS,
            )
        except orjson.JSONEncodeError:
            # The row is nested too deeply or has too large a number; validation rejects it.
            return row
        digest = blake2b(content, digest_size=16)
        (count,) = self._connection.execute(
            "INSERT INTO row_counts VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1"
            " RETURNING count",
            (digest.digest(),),
        ).fetchone()
        return row.with_fields(idempotencyKey=f"import:{digest.hexdigest()}:{count}")
