"""Reads dates, amounts and statuses of NDJSON by the options, as those of CSV are read."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domain.inputs import InputObject
from app.errors import Problem
from app.services.imports.amounts import MINOR_UNITS_PER_MAJOR_UNIT, require_whole
from app.services.imports.cell_parsers import CellParser
from app.services.imports.columns import CellReaders, cell_problem
from app.services.imports.fields import ITEMS, FieldKind
from app.services.imports.options import AmountUnit, DateFormat

_FIELDS_BY_ROW_TYPE: Mapping[str, Mapping[str, FieldKind]] = {
    "customers": {"birthdate": FieldKind.DATE},
    "events": {"at": FieldKind.INSTANT},
    "orders": {
        "status": FieldKind.STATUS,
        "amount": FieldKind.AMOUNT,
        "at": FieldKind.INSTANT,
        "revisedAt": FieldKind.INSTANT,
    },
}


class NdjsonFields:
    """Converts the fields of rows. Amounts are in minor units, as in the API, unless `--amounts`
    says otherwise."""

    def __init__(self, readers: CellReaders, row_type: str) -> None:
        self._unit = readers.options.amounts or AmountUnit.MINOR
        self._is_unix = readers.options.dates is DateFormat.UNIX
        self._kinds = _FIELDS_BY_ROW_TYPE[row_type]
        self._parsers: dict[FieldKind, CellParser] = {
            kind: readers.parser_for(kind) for kind in set(self._kinds.values())
        }

    def convert(self, row: InputObject) -> tuple[dict[str, Any], list[Problem]]:
        """Returns the row with converted fields, and the problems of those that can't be read."""
        converted = dict(row)
        problems: list[Problem] = []
        for name, kind in self._kinds.items():
            if (value := row.get(name)) is not None:
                self._convert(converted, name, kind, value, problems, ())
        if FieldKind.AMOUNT in self._parsers and isinstance(items := row.get(ITEMS), list):
            converted[ITEMS] = [
                self._convert_item(item, number, problems) for number, item in enumerate(items)
            ]
        return converted, problems

    def _convert_item(self, item: Any, number: int, problems: list[Problem]) -> Any:
        if not isinstance(item, dict) or item.get("amount") is None:
            return item
        converted = dict(item)
        path = (ITEMS, str(number))
        self._convert(converted, "amount", FieldKind.AMOUNT, item["amount"], problems, path)
        return converted

    def _convert(
        self,
        target: dict[str, Any],
        name: str,
        kind: FieldKind,
        value: Any,
        problems: list[Problem],
        path: tuple[str, ...],
    ) -> None:
        try:
            if kind is FieldKind.AMOUNT:
                target[name] = self._convert_amount(value)
            elif isinstance(value, str):
                target[name] = self._parsers[kind](value)
            elif self._is_unix and kind is FieldKind.INSTANT and _is_number(value):
                target[name] = self._parsers[kind](str(value))
        except ValueError as error:
            problems.append(cell_problem(error, (*path, name)))

    def _convert_amount(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._parsers[FieldKind.AMOUNT](value)
        if not _is_number(value):
            return value
        if self._unit is AmountUnit.MAJOR:
            return require_whole(Decimal(str(value)) * MINOR_UNITS_PER_MAJOR_UNIT)
        if isinstance(value, float):
            raise ValueError("has decimals; say --amounts major if 12.50 means 12.50")
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
