"""The paths of an NDJSON file, for the report."""

from typing import Any

import orjson

from app.services.imports.report import ReportColumn

_MAX_PATHS = 200
_TYPE_NAMES = {str: "STRING", int: "NUMBER", float: "NUMBER", bool: "BOOLEAN", list: "list"}
_MIXED = "several types"


class NdjsonColumns:
    """Collects the paths, types and a sample of each, at most 200 paths."""

    def __init__(self) -> None:
        self._by_path: dict[str, ReportColumn] = {}

    @property
    def columns(self) -> list[ReportColumn]:
        return list(self._by_path.values())

    def add(self, value: dict[str, Any], prefix: str = "") -> None:
        for key, inner in value.items():
            path = f"{prefix}{key}"
            if isinstance(inner, dict) and not prefix:
                self.add(inner, f"{path}.")
            elif inner is not None:
                self._add_value(path, inner)

    def _add_value(self, path: str, value: Any) -> None:
        type_name = _TYPE_NAMES.get(type(value), "OBJECT")
        column = self._by_path.get(path)
        if column is None:
            if len(self._by_path) < _MAX_PATHS:
                self._by_path[path] = ReportColumn(path, (path,), type_name, _sample(value))
        elif column.type != type_name:
            column.type = _MIXED


def _sample(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:
        # It is nested too deeply, or too large a number; validation rejects it.
        return ""
