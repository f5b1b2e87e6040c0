"""Turns the cells of a row into an input object of the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.metadata import MetadataSchema
from app.errors import Problem, UserErrorCode
from app.services.imports import cell_parsers
from app.services.imports.amounts import AmountReader, NumberReader
from app.services.imports.cell_parsers import CellParser
from app.services.imports.dates import DateReader
from app.services.imports.fields import FieldKind
from app.services.imports.header import Header, PathColumns
from app.services.imports.options import AmountUnit, ColumnType, ImportOptions
from app.services.imports.order_status import StatusReader
from app.services.imports.presets.preset import ANY_WORD

MARK = "'"
ParseOpen = Callable[[PathColumns], CellParser]


@dataclass(frozen=True)
class CellReaders:
    """The parsers of cells by the options. `metadata_schema` has the types of metadata keys; None
    treats all as undefined. `advises_presets`: presets of orders apply to the file."""

    options: ImportOptions
    metadata_schema: MetadataSchema | None
    advises_presets: bool = True

    @property
    def numbers(self) -> NumberReader:
        return NumberReader(self.options.decimal)

    @property
    def dates(self) -> DateReader:
        return DateReader(self.options.dates, self.options.zone)

    def parser_for(self, kind: FieldKind) -> CellParser:
        """Returns the parser for a field of the API."""
        amounts = AmountReader(self.options.amounts or AmountUnit.MINOR, self.numbers)
        statuses = StatusReader(
            self.options.preset.statuses_by_word if self.options.preset else {},
            self.options if self.advises_presets else None,
        )
        parsers: dict[FieldKind, CellParser] = {
            FieldKind.TEXT: cell_parsers.parse_text,
            FieldKind.INTEGER: cell_parsers.parse_integer,
            FieldKind.AMOUNT: amounts.to_minor_units,
            FieldKind.PRICE: amounts.to_exact_minor_units,
            FieldKind.DATE: self.dates.to_day,
            FieldKind.INSTANT: self.dates.to_instant,
            FieldKind.STATUS: statuses.read,
        }
        return parsers[kind]

    def declared_type(self, path: tuple[str, ...]) -> ColumnType | None:
        """Returns the type of a metadata key or property by `--type`, the preset or the key's
        definition; None if only the values tell."""
        if declared := self.options.types_by_path.get(".".join(path)):
            return declared
        if self.metadata_schema is None or len(path) != 2:
            return None
        definition = self.metadata_schema.definitions.get(path[1])
        effective = definition.effective_definition if definition else None
        return ColumnType(effective.type, effective.is_array) if effective else None

    def open_parser(self, type_: ColumnType) -> CellParser:
        """Returns the parser for a metadata key or property of this type."""
        return cell_parsers.parser_for(type_, self.numbers, self.dates)


class Columns:
    """The columns that together give one object: a row, or one item of an order."""

    def __init__(
        self,
        header: Header,
        paths: Sequence[tuple[PathColumns, CellParser]],
        depth: int = 0,
        status: "StatusColumns | None" = None,
    ) -> None:
        """`depth` is the number of keys that all paths have in common, which are left out.
        `status` reads the status of an order where a preset has rules for it."""
        self._header = header
        self._status = status
        self._single = [
            (columns.indexes[0], columns.path[depth:-1], columns.path[-1], parse)
            for columns, parse in paths
            if len(columns.indexes) == 1
        ]
        self._several = [
            (columns, columns.path[depth:-1], columns.path[-1], parse)
            for columns, parse in paths
            if len(columns.indexes) > 1
        ]

    def to_object(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
        """Returns the object without empty cells, and a problem for each cell that can't be
        read."""
        target: dict[str, Any] = {}
        problems: list[Problem] = []
        for index, parent_path, key, parse in self._single:
            if cell := cells[index]:
                try:
                    value = parse(cell)
                except ValueError as error:
                    problems.append(cell_problem(error, (*parent_path, key)))
                    continue
                inner = target
                for part in parent_path:
                    inner = inner.setdefault(part, {})
                inner[key] = value
        for columns, parent_path, key, parse in self._several:
            try:
                cell = self._pick(columns, cells)
                if not cell:
                    continue
                value = parse(cell)
            except ValueError as error:
                problems.append(cell_problem(error, (*parent_path, key)))
                continue
            inner = target
            for part in parent_path:
                inner = inner.setdefault(part, {})
            inner[key] = value
        if self._status:
            try:
                if status := self._status.read(cells):
                    target["status"] = status
            except ValueError as error:
                problems.append(cell_problem(error, ("status",)))
        return target, problems

    def _pick(self, columns: PathColumns, cells: Sequence[str]) -> str:
        """Returns the text of several columns with one path. Raises ValueError if two columns
        differ that have the same name, or that no preset ranks."""
        filled = [index for index in columns.indexes if cells[index].strip()]
        if not filled:
            return ""
        if columns.is_joined:
            return " ".join(cells[index].strip() for index in filled)
        first = filled[0]
        for index in filled[1:]:
            if cells[index] == cells[first]:
                continue
            if self._header.is_same_name(first, index):
                raise ValueError(
                    f"has two different texts in the two columns {self._header.names[first]!r};"
                    " remove one of the columns"
                )
            if {first, index} <= columns.equal_indexes:
                names = self._header.names
                raise ValueError(
                    f"has two different texts, in the columns {names[first]!r} and"
                    f' {names[index]!r}; map one elsewhere, like --map "{names[index]}=path"'
                )
        return cells[first]


def cell_problem(error: ValueError, path: tuple[str, ...]) -> Problem:
    """Returns the problem of a cell: `error` says what the value must be."""
    code = UserErrorCode.METADATA_INVALID if path[0] == "metadata" else UserErrorCode.INVALID
    return Problem(code, f"{path[-1]} {error}.", path)


class StatusColumns:
    """The columns from which a preset takes the status of an order."""

    def __init__(self, header: Header, options: ImportOptions) -> None:
        rules = options.preset.status_rules if options.preset else ()
        self._rules: list[tuple[int, Mapping[str, str]]] = [
            (index, rules[rule_index].statuses_by_word)
            for index, rule_index in header.status_indexes
        ]

    def read(self, cells: Sequence[str]) -> str | None:
        """Returns the status; None if all columns are empty. Raises ValueError for a word that no
        rule knows."""
        unknown_word = None
        for index, statuses_by_word in self._rules:
            word = cells[index].strip()
            status = statuses_by_word.get(word.casefold()) or statuses_by_word.get(ANY_WORD)
            if word and status:
                return status
            unknown_word = unknown_word or word
        if unknown_word:
            return StatusReader().read(unknown_word)
        return None


def unmark(cells: list[str], marked_indexes: Sequence[int]) -> list[str]:
    """Returns the cells without the apostrophe by which a spreadsheet knows a number as text."""
    for index in marked_indexes:
        cells[index] = cells[index].removeprefix(MARK)
    return cells
