"""NDJSON: one JSON object per line, in the shape that `segments import customers` takes."""

from collections.abc import Sequence
from typing import Any

from app.domain.customers import Document
from app.services.exports.columns import METADATA_PATH, Column, outermost, projection
from app.services.exports.json_text import dump_json, is_null


class NdjsonRows:
    """Writes customers as lines of NDJSON. Values keep their types; texts are not escaped.

    A value that is missing or null is left out, also at the top level of metadata, where an import
    would remove the key. Nulls further inside stay. So what an import has stored is exported as it
    was imported. A path inside another one, like `metadata.vip` beside `metadata`, adds nothing.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        outermost_keys = outermost(column.json_keys for column in columns)
        self._columns = [column for column in columns if column.json_keys in outermost_keys]
        self.projection = projection(columns)

    def header(self) -> bytes:
        """Returns nothing: NDJSON has no header."""
        return b""

    def rows(self, documents: Sequence[Document]) -> bytes:
        """Returns the lines of the customers, in order."""
        rows: list[dict[str, Any]] = [{} for _ in documents]
        for column in self._columns:
            values = column.read(documents)
            if column.path == METADATA_PATH:
                values = list(map(_without_nulls, values))
            _set_values(rows, column.json_keys, values)
        return b"".join([dump_json(row) + b"\n" for row in rows])


def _set_values(rows: list[dict[str, Any]], keys: tuple[str, ...], values: list[Any]) -> None:
    *parent_keys, last_key = keys
    for row, value in zip(rows, values, strict=True):
        if not is_null(value):
            target = row
            for key in parent_keys:
                target = target.setdefault(key, {})
            target[last_key] = value


def _without_nulls(metadata: Any) -> Any:
    """Returns metadata without keys that are null; None if nothing is left."""
    if metadata.__class__ is not dict:
        return None
    return {key: value for key, value in metadata.items() if not is_null(value)} or None
