"""Finds out to which order a row of CSV belongs."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from app.errors import UserErrorCode, input_error
from app.services.imports.csv_records import Record
from app.services.imports.header import Header
from app.services.imports.seen_keys import SeenKeys

_KEY_PATHS = (("sourceId",), ("revisedAt",))


class OrderKeys:
    """Reads the key of an order: its sourceId and, where the file has it, its revisedAt."""

    def __init__(self, header: Header) -> None:
        key_columns = [columns for columns in header.paths if columns.path in _KEY_PATHS]
        self._indexes = [columns.indexes for columns in key_columns]
        self._source_id_name = next(
            (
                header.names[columns.indexes[0]]
                for columns in key_columns
                if columns.path == ("sourceId",)
            ),
            "",
        )

    def find(self, cells: Sequence[str]) -> tuple[str, ...] | None:
        """Returns the key; None if the row has none. A row that can't be read may have too few
        cells."""
        key = tuple(
            next(
                (
                    cells[index].strip()
                    for index in indexes
                    if index < len(cells) and cells[index].strip()
                ),
                "",
            )
            for indexes in self._indexes
        )
        return key if any(key) else None

    def require_adjacent(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yields the records. Raises INVALID if other rows separate the rows of one order, because
        the later rows would replace the line items of the earlier ones."""
        with closing(SeenKeys()) as seen_keys:
            last_key = None
            for record in records:
                key = self.find(record.cells)
                if key != last_key:
                    if record.problem:
                        key = None
                    elif key is not None and not seen_keys.add("\0".join(key)):
                        raise input_error(
                            UserErrorCode.INVALID, self._message(record.line_number, key[0])
                        )
                    last_key = key
                yield record

    def _message(self, line_number: int, source_id: str) -> str:
        return (
            f"Line {line_number}: other rows separate this row of order {source_id[:100]!r} from"
            " earlier ones, so that its line items would replace theirs. Sort the file by the"
            f" column {self._source_id_name!r}, remove the rows if they repeat the order, or add a"
            " column revisedAt if they are a later version of it."
        )
