"""Results as JSON text of a limited size."""

from typing import Any, NamedTuple

import orjson

from app.schema.http.request_errors import JSON, TOO_COMPLEX_CODE, error_object

MAX_RESULT_BYTES = 16 * 1024 * 1024

# The result, and its data.
_OUTER_LEVELS = 2
_ROWS_AT_ONCE = 8
# Objects with more fields are encoded field by field.
_MAX_FIELDS_AT_ONCE = 20


class _TooLarge(Exception):
    """The text has more than MAX_RESULT_BYTES."""


class EncodedResult(NamedTuple):
    """A result as JSON text, and whether it has errors."""

    text: bytes
    has_errors: bool


def encode_result(result: JSON, *, may_be_large: bool) -> EncodedResult:
    """Returns the result of an operation as JSON; in place of one that is too large, an error.

    A result that may be large is encoded row by row, so that no text grows far beyond the limit. To
    encode it at once takes a tenth less time.
    """
    if not may_be_large:
        return EncodedResult(orjson.dumps(result), "errors" in result)
    encoder = _Encoder()
    try:
        encoder.add(result, _OUTER_LEVELS)
    except _TooLarge:
        message = (
            f"The response is larger than {MAX_RESULT_BYTES // 1024**2} MiB; request fewer fields"
            " or smaller pages."
        )
        error = error_object(message, TOO_COMPLEX_CODE)
        return EncodedResult(orjson.dumps({"errors": [error], "data": None}), True)
    return EncodedResult(b"".join(encoder.parts), "errors" in result)


class _Encoder:
    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size_bytes = 0

    def add(self, value: Any, outer_levels: int = 0) -> None:
        """Adds the text of a value: row by row if it has lists of objects. The outermost levels are
        taken apart in any case."""
        if isinstance(value, dict) and (outer_levels or _has_rows(value)):
            separator = b"{"
            for name, inner in value.items():
                self._write(b"%s%s:" % (separator, orjson.dumps(name)))
                self.add(inner, max(outer_levels - 1, 0))
                separator = b","
            self._write(b"}" if value else b"{}")
        elif _is_rows(value):
            self._add_rows(value)
        else:
            self._write(orjson.dumps(value))

    def _add_rows(self, rows: list[Any]) -> None:
        separator = b"["
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            chunk = rows[start : start + _ROWS_AT_ONCE]
            # The rows of a list have the same fields.
            if isinstance(chunk[0], dict) and not _has_rows(chunk[0]):
                self._write(separator + orjson.dumps(chunk)[1:-1])
            else:
                for row in chunk:
                    self._write(separator)
                    self.add(row)
                    separator = b","
            separator = b","
        self._write(b"]")

    def _write(self, part: bytes) -> None:
        self._size_bytes += len(part)
        if self._size_bytes > MAX_RESULT_BYTES:
            raise _TooLarge
        self.parts.append(part)


def _has_rows(value: dict[str, Any]) -> bool:
    """Whether the object has many fields, or rows in a field or in a page."""
    return len(value) > _MAX_FIELDS_AT_ONCE or any(
        _is_rows(inner) or (isinstance(inner, dict) and any(map(_is_rows, inner.values())))
        for inner in value.values()
    )


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
