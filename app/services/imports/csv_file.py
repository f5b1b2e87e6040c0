"""A CSV file: its columns, found in a first pass, and its rows, read in a second."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.domain.metadata import MetadataSchema
from app.errors import Problem, UserErrorCode, input_error
from app.services.imports import cell_parsers
from app.services.imports.cell_parsers import CellParser
from app.services.imports.column_scan import ColumnScan
from app.services.imports.columns import CellReaders, Columns, StatusColumns, unmark
from app.services.imports.csv_records import (
    QUOTE_LEFT_MESSAGE,
    QUOTE_MESSAGE,
    Record,
    read_records,
)
from app.services.imports.delimiter import DELIMITERS, detect_delimiter
from app.services.imports.encoding import CP1252, describe_encoding, detect_encoding
from app.services.imports.fields import ITEMS, FieldKind, InputFields
from app.services.imports.header import (
    Header,
    PathColumns,
    has_reject_columns,
)
from app.services.imports.line_reader import LineReader, RowTooLong
from app.services.imports.options import ColumnType, ImportOptions
from app.services.imports.order_keys import OrderKeys
from app.services.imports.order_rows import OrderGroups
from app.services.imports.reject_file import CsvRejects
from app.services.imports.report import ReportColumn
from app.services.imports.required_columns import require_amount_unit, require_columns
from app.services.imports.row import Row
from app.services.imports.source import Source

_TYPE_NAMES = {
    FieldKind.INTEGER: "NUMBER",
    FieldKind.DATE: "DATE",
    FieldKind.INSTANT: "DATETIME",
}
ToObject = Callable[[Sequence[Record]], tuple[dict[str, Any], list[Problem]]]


class CsvFile:
    """A CSV file that has been read once. `encoding` and `delimiter` are those given or found."""

    def __init__(
        self,
        source: Source,
        fields: InputFields,
        options: ImportOptions,
        metadata_schema: MetadataSchema | None,
    ) -> None:
        """Reads the file. Raises INVALID for a header that can't be used, and where an option
        lacks."""
        self._source = source
        self._fields = fields
        self._options = options
        self._readers = CellReaders(options, metadata_schema)
        self.character_count = 0
        self.encoding = options.encoding or detect_encoding(source.rewind())
        self.delimiter = options.delimiter or self._detect_delimiter()
        self.header = self._read_header()
        self._marked_indexes = self._find_marked()
        self._types: dict[tuple[str, ...], ColumnType] = {}
        self._samples: list[str | None] = []
        self._scan()
        self.columns = self._report_columns()

    @property
    def reject_form(self) -> CsvRejects:
        return CsvRejects(self.header.names, self.delimiter, self.encoding)

    @property
    def description(self) -> str:
        """The encoding and the delimiter, for people."""
        delimiter = DELIMITERS.get(self.delimiter, self.delimiter)
        # Other encodings with one byte per letter look the same.
        is_doubtful = self._options.encoding is None and self.encoding == CP1252
        doubt = " (if letters look wrong, name the file's --encoding)" if is_doubtful else ""
        return f"{describe_encoding(self.encoding)}{doubt}, delimiter: {delimiter}"

    def detected_types(self) -> dict[str, str]:
        """Returns the types by path that only the values told."""
        return {".".join(path): str(type_) for path, type_ in self._types.items()}

    def _report_columns(self) -> list[ReportColumn]:
        return [
            ReportColumn(
                name=name,
                paths=tuple(self.header.paths_of(index)),
                type=next(
                    (
                        self._type_name(columns)
                        for columns in self.header.paths
                        if index in columns.indexes
                    ),
                    "STRING" if self.header.paths_of(index) else "",
                ),
                sample=self._samples[index],
            )
            for index, name in enumerate(self.header.names)
        ]

    def rows(self) -> Iterator[Row]:
        """Yields the rows, which the file of rejected rows repeats as lines and cells."""
        with self._lines() as lines:
            records = self._records(lines)
            groups: Iterator[list[Record]] = ([record] for record in records)
            to_object = self._to_object()
            if self._fields.row_type == "orders":
                orders = self._order_groups()
                groups, to_object = orders.group(records), orders.to_object
            untyped = self._untyped_columns()
            for group in groups:
                self.character_count = lines.character_count
                yield _build_row(group, to_object, untyped)

    def _order_groups(self) -> OrderGroups:
        paths = [(columns, self._parser(columns)) for columns in self.header.paths]
        status = StatusColumns(self.header, self._options) if self.header.status_indexes else None
        order_paths = [pair for pair in paths if pair[0].path[0] != ITEMS]
        return OrderGroups(self.header, paths, Columns(self.header, order_paths, status=status))

    def _to_object(self) -> ToObject:
        paths = [(columns, self._parser(columns)) for columns in self.header.paths]
        columns = Columns(self.header, paths)
        return lambda group: columns.to_object(group[0].cells)

    def _untyped_columns(self) -> Columns | None:
        """Returns the columns of events as each row alone suggests their types: a row has the same
        idempotency key in every file, also where the type of a column differs."""
        if self._fields.row_type != "events" or not self._types:
            return None
        return Columns(
            self.header,
            [
                (
                    columns,
                    cell_parsers.parse_untyped
                    if columns.path in self._types
                    else self._parser(columns),
                )
                for columns in self.header.paths
            ],
        )

    def _parser(self, columns: PathColumns) -> CellParser:
        if columns.kind is not FieldKind.OPEN:
            return self._readers.parser_for(columns.kind)
        declared = self._readers.declared_type(columns.path)
        return self._readers.open_parser(declared or self._types[columns.path])

    def _type_name(self, columns: PathColumns) -> str:
        if columns.kind in (FieldKind.AMOUNT, FieldKind.PRICE):
            unit = self._options.amounts
            return f"{unit.value} units" if unit else ""
        if columns.kind is not FieldKind.OPEN:
            return _TYPE_NAMES.get(columns.kind, "STRING")
        return str(self._readers.declared_type(columns.path) or self._types[columns.path])

    def _scan(self) -> None:
        """Reads the file for the types, and for options that lack."""
        require_columns(self.header, self._fields, self._options)
        untyped = [
            columns
            for columns in self.header.paths
            if columns.kind is FieldKind.OPEN and not self._readers.declared_type(columns.path)
        ]
        dates = [
            (columns, self._readers.parser_for(columns.kind))
            for columns in self.header.paths
            if columns.kind in (FieldKind.DATE, FieldKind.INSTANT)
        ]
        scan = ColumnScan(self.header, untyped, dates)
        with self._lines() as lines:
            records = self._records(lines)
            if any(columns.path[0] == ITEMS for columns in self.header.paths):
                records = OrderKeys(self.header).require_adjacent(records)
            scan.read(record.cells for record in records if not record.problem)
        self._types, self._samples = scan.types, scan.samples
        require_amount_unit(self.header, scan.samples, self._options)

    def _records(self, lines: LineReader) -> Iterator[Record]:
        """Yields the rows below the header."""
        width = len(self.header.names)
        is_rejected_file = has_reject_columns(self.header.names)
        records = read_records(lines, self.delimiter, describe_encoding(self.encoding))
        next(records)
        for record in records:
            if record.problem is None and len(record.cells) != width:
                message = f"The row has {len(record.cells)} cells, the header {width}."
                yield replace(record, problem=message)
            else:
                if self._marked_indexes and record.problem is None:
                    unmark(record.cells, self._marked_indexes)
                if is_rejected_file and record.problem is None and _has_open_quote(record.cells):
                    yield replace(record, problem=QUOTE_LEFT_MESSAGE)
                else:
                    yield record

    def _find_marked(self) -> list[int]:
        preset = self._options.preset
        marked = {name.casefold() for name in preset.marked_columns} if preset else set()
        return [i for i, name in enumerate(self.header.names) if name.casefold() in marked]

    def _read_header(self) -> Header:
        with self._lines() as lines:
            records = read_records(lines, self.delimiter, describe_encoding(self.encoding))
            record = next(records, None)
        if record is None:
            raise input_error(
                UserErrorCode.INVALID, "The file is empty; its first row must name the columns."
            )
        if record.problem:
            raise input_error(
                UserErrorCode.INVALID, f"Line {record.line_number}, the header: {record.problem}"
            )
        if any("\0" in name for name in record.cells):
            raise input_error(
                UserErrorCode.INVALID,
                "The header has NUL characters, as UTF-16 without a byte order mark has. Name the"
                " encoding, like --encoding utf-16-le, or save the file as CSV UTF-8.",
            )
        return Header.from_names(record.cells, self._fields, self._options)

    def _detect_delimiter(self) -> str:
        with self._lines() as lines:
            try:
                return detect_delimiter(next((line for line in lines if line.strip()), ""))
            except RowTooLong:
                return detect_delimiter("")

    @contextmanager
    def _lines(self) -> Iterator[LineReader]:
        lines = LineReader(self._source.rewind(), self.encoding)
        try:
            yield lines
        finally:
            lines.detach()


def _has_open_quote(cells: Sequence[str]) -> bool:
    """Whether the row was rejected for an open quote, which still is there. In the file of rejected
    rows the quote is a part of the text, so that the row itself can be read."""
    *own_cells, _, reason = cells
    was_rejected_for_quote = reason.endswith((QUOTE_MESSAGE, QUOTE_LEFT_MESSAGE))
    return was_rejected_for_quote and any(cell.startswith('"') for cell in own_cells)


def _build_row(group: Sequence[Record], to_object: ToObject, untyped: Columns | None) -> Row:
    first = group[0]
    source = [(record.line_number, record.cells) for record in group]
    if broken := next((record for record in group if record.problem), None):
        place = f"Line {broken.line_number} of this order: " if len(group) > 1 else ""
        return Row.unreadable(first.line_number, f"{place}{broken.problem}", source)
    input_object, problems = to_object(group)
    content = untyped.to_object(first.cells)[0] if untyped else None
    return Row(first.line_number, input_object, source, tuple(problems), content)
