"""Finds rows about a customer or order that an earlier row of the file is about."""

import sqlite3


class SeenKeys:
    """The sourceIds of a file, by their hashes. A temporary SQLite file holds them, so that memory
    does not grow with the file."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute("CREATE TABLE seen (hash INTEGER PRIMARY KEY)")
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()

    def add(self, source_id: str) -> bool:
        """Adds a sourceId, and returns whether it is new."""
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO seen VALUES (?)", (hash(source_id),)
        )
        return cursor.rowcount == 1
