"""The first pass over a CSV file: one type for each column, samples, and options that lack."""

from collections.abc import Iterable, Sequence
from itertools import islice

from app.errors import UserErrorCode, input_error
from app.filters.fields import AttributeType
from app.services.imports import cell_parsers
from app.services.imports.cell_parsers import CellParser
from app.services.imports.dates import NeedsOption
from app.services.imports.header import Header, PathColumns
from app.services.imports.options import ColumnType

_ROWS_PER_BLOCK = 500

STRING = ColumnType(AttributeType.STRING)
_NUMBER = ColumnType(AttributeType.NUMBER)
_BOOLEAN = ColumnType(AttributeType.BOOLEAN)


class _TypeScan:
    """Finds the type of one column of metadata: NUMBER or BOOLEAN only if every value is one."""

    def __init__(self) -> None:
        self._is_number = True
        self._is_boolean = True
        self._has_value = False

    def add(self, cells: set[str]) -> None:
        if not cells or not (self._is_number or self._is_boolean):
            return
        self._has_value = True
        self._is_number = self._is_number and all(map(cell_parsers.is_shortest_number, cells))
        self._is_boolean = self._is_boolean and all(map(cell_parsers.is_boolean, cells))

    @property
    def type(self) -> ColumnType:
        if self._has_value and self._is_number:
            return _NUMBER
        return _BOOLEAN if self._has_value and self._is_boolean else STRING


class _OptionScan:
    """Finds out whether no value of a column can be read without an option."""

    def __init__(self, parse: CellParser) -> None:
        self._parse = parse
        self._is_finished = False
        self.sample: str | None = None
        self.message: str | None = None

    def add(self, cells: set[str]) -> None:
        for cell in cells:
            if self._is_finished:
                return
            try:
                self._parse(cell)
            except NeedsOption as error:
                self.sample, self.message = cell, str(error)
            except ValueError:
                continue
            else:
                self._is_finished, self.message = True, None


class ColumnScan:
    """What the values of a file tell about its columns. `samples` has a value of each column, None
    for one that is empty."""

    def __init__(
        self,
        header: Header,
        untyped: Sequence[PathColumns],
        dates: Iterable[tuple[PathColumns, CellParser]],
    ) -> None:
        """`untyped` are columns whose type only the values tell; `dates` have their parser."""
        self._header = header
        self._unsampled = set(range(len(header.names)))
        self._types = {columns: _TypeScan() for columns in untyped}
        self._dates = {columns: _OptionScan(parse) for columns, parse in dates}
        self.samples: list[str | None] = [None] * len(header.names)

    def read(self, rows: Iterable[list[str]]) -> None:
        """Reads all rows; each has a cell for each column."""
        remaining = iter(rows)
        while block := list(islice(remaining, _ROWS_PER_BLOCK)):
            self._add(list(zip(*block, strict=True)))
        self._require_options()

    @property
    def types(self) -> dict[tuple[str, ...], ColumnType]:
        """The found types by path."""
        return {columns.path: scan.type for columns, scan in self._types.items()}

    def _add(self, cells_by_column: Sequence[tuple[str, ...]]) -> None:
        for index in list(self._unsampled):
            sample = next((cell for cell in cells_by_column[index] if cell.strip()), None)
            if sample is not None:
                self.samples[index] = sample
                self._unsampled.remove(index)
        for scans in (self._types, self._dates):
            for columns, scan in scans.items():
                for index in columns.indexes:
                    scan.add(set(cells_by_column[index]) - {""})

    def _require_options(self) -> None:
        for index in self._header.unnamed_indexes:
            if self.samples[index] is not None:
                raise input_error(
                    UserErrorCode.INVALID,
                    f"Column {index + 1} has no name, but a value: {self.samples[index]!r:.100};"
                    " name it in the first row, or remove it.",
                )
        for columns, scan in self._dates.items():
            if scan.message:
                name = self._header.names[columns.indexes[0]]
                raise input_error(
                    UserErrorCode.INVALID,
                    f"Column {name!r} ({'.'.join(columns.path)}): {scan.sample!r} {scan.message}.",
                )
