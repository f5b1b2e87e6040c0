"""An NDJSON file. Each line is a JSON object in the shape of the API's input."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from app.errors import InputError, UserErrorCode, input_error
from app.services.imports.columns import CellReaders
from app.services.imports.csv_records import TOO_LONG_MESSAGE
from app.services.imports.encoding import UTF_8
from app.services.imports.fields import InputFields
from app.services.imports.header import REJECT_COLUMNS
from app.services.imports.line_reader import LineReader, RowTooLong, is_decoded
from app.services.imports.ndjson_columns import NdjsonColumns
from app.services.imports.ndjson_fields import NdjsonFields
from app.services.imports.options import ImportOptions
from app.services.imports.presets.segment import is_call, is_of_other_type, to_input_object
from app.services.imports.reject_file import NdjsonRejects
from app.services.imports.report import ReportColumn
from app.services.imports.row import Row
from app.services.imports.source import Source

_LONG_NUMBER = re.compile(r"\d{19}")
_MAX_EXCERPT_CHARACTERS = 1_000
_CALL_MESSAGE = "the row is a call of Segment; say --preset segment."
_NOT_DECODED_MESSAGE = (
    "The row is not UTF-8; save the file in that encoding, or name its --encoding."
)


class NdjsonFile:
    """An NDJSON file, which is read once, so that a pipe is imported while it is written.

    `passed_over_count` are calls of Segment that another kind of import takes.
    """

    def __init__(self, source: Source, fields: InputFields, options: ImportOptions) -> None:
        self._source = source
        self._row_type = fields.row_type
        self._is_segment = options.preset is not None
        self._fields = NdjsonFields(
            CellReaders(options, None, advises_presets=False), fields.row_type
        )
        self._columns = NdjsonColumns()
        self._encoding = options.encoding or UTF_8
        self.character_count = 0
        self.passed_over_count = 0
        self.description = "NDJSON"
        self.reject_form = NdjsonRejects()

    @property
    def columns(self) -> list[ReportColumn]:
        """The paths that were found so far."""
        return self._columns.columns

    def detected_types(self) -> dict[str, str]:
        return {}

    def rows(self) -> Iterator[Row]:
        """Yields one row per line that is neither empty nor passed over. A line that can't be read
        is a row with a problem."""
        lines = LineReader(self._source.stream_once(), self._encoding)
        line_number = 0
        try:
            while True:
                line_number += 1
                try:
                    line = next(lines, None)
                except RowTooLong:
                    lines.skip_line()
                    yield Row.unreadable(line_number, TOO_LONG_MESSAGE, {})
                    continue
                if line is None:
                    return
                if line.strip() and (row := self._build_row(line_number, line)):
                    yield row
                self.character_count = lines.character_count
        finally:
            lines.detach()

    def _build_row(self, line_number: int, line: str) -> Row | None:
        """Returns None for a row that is passed over."""
        excerpt = {"text": line.strip()[:_MAX_EXCERPT_CHARACTERS]}
        if not is_decoded(line):
            return Row.unreadable(line_number, _NOT_DECODED_MESSAGE, excerpt)
        try:
            value = _parse_json(line)
        except (ValueError, RecursionError) as error:
            return Row.unreadable(line_number, f"The row is not JSON: {error}.", excerpt)
        if not isinstance(value, dict):
            return Row.unreadable(line_number, "The row must be a JSON object.", excerpt)
        source = value
        if all(key in value for key in REJECT_COLUMNS):
            value = {key: inner for key, inner in value.items() if key not in REJECT_COLUMNS}
        if not self._is_segment and is_call(value):
            raise input_error(UserErrorCode.INVALID, f"Line {line_number}: {_CALL_MESSAGE}")
        if self._is_segment:
            if is_of_other_type(value, self._row_type):
                self.passed_over_count += 1
                return None
            try:
                value = to_input_object(value, self._row_type)
            except InputError as error:
                return Row(line_number, {}, source, error.problems)
        input_object, problems = self._fields.convert(value)
        self._columns.add(input_object)
        return Row(line_number, input_object, source, tuple(problems))


def _parse_json(line: str) -> Any:
    value = orjson.loads(line)
    # orjson reads an integer beyond 64 bits as a float.
    return json.loads(line) if _LONG_NUMBER.search(line) else value
