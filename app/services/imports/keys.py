"""Idempotency keys for events that have none, so that a file can be imported again."""

import sqlite3
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson


class Keys:
    """A key stands for a row's content and for how many such rows came before it.

    The counts lie in a temporary file: memory must not grow with what is imported.
    """

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._seen.execute("CREATE TABLE seen (row BLOB PRIMARY KEY, count INTEGER) WITHOUT ROWID")
        self._seen.execute("BEGIN")

    def close(self) -> None:
        self._seen.close()

    def keyed(self, wire: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row with a key, its own or one of ours."""
        if wire.get("idempotencyKey") is not None:
            return wire
        try:
            content = orjson.dumps(wire, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            # Too deep or too large a number: the row will be refused.
            return wire
        digest = blake2b(content, digest_size=16)
        (count,) = self._seen.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1"
            " RETURNING count",
            (digest.digest(),),
        ).fetchone()
        return {**wire, "idempotencyKey": f"import:{digest.hexdigest()}:{count}"}
