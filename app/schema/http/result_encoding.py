"""Results as JSON text of a limited size."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from app.schema.http.request_errors import JSON, TOO_COMPLEX_CODE, error_object
from app.time_slice import TimeSlice

MAX_RESULT_BYTES = 16 * 1024 * 1024

# The result, and its data.
_OUTER_LEVELS = 2
_ROWS_AT_ONCE = 8
# Objects with more fields are encoded field by field.
_MAX_FIELDS_AT_ONCE = 20


class EncodedResult(NamedTuple):
    """A result as JSON text, and whether it has errors."""

    text: bytes
    has_errors: bool


_time_slice = TimeSlice()
_TOO_LARGE_ERROR = error_object(
    f"The response is larger than {MAX_RESULT_BYTES // 1024**2} MiB; request fewer fields or"
    " smaller pages.",
    TOO_COMPLEX_CODE,
)
_TOO_LARGE = EncodedResult(orjson.dumps({"errors": [_TOO_LARGE_ERROR], "data": None}), True)


async def encode_result(result: JSON, *, may_be_large: bool) -> EncodedResult:
    """Returns the result of an operation as JSON; in place of one that is too large, an error.

    A result that may be large is encoded row by row, so that no text grows far beyond the limit and
    other requests run in between. To encode it at once takes a tenth less time.
    """
    if not may_be_large:
        return EncodedResult(orjson.dumps(result), "errors" in result)
    parts, size_bytes = list[bytes](), 0
    for part in _encode_parts(result, _OUTER_LEVELS):
        parts.append(part)
        size_bytes += len(part)
        if size_bytes > MAX_RESULT_BYTES:
            return _TOO_LARGE
        await _time_slice.yield_when_spent()
    return EncodedResult(b"".join(parts), "errors" in result)


def _encode_parts(value: Any, outer_levels: int = 0) -> Iterator[bytes]:
    """Yields the text of a value: row by row if it has lists of objects. The outermost levels are
    taken apart in any case."""
    if isinstance(value, dict) and (outer_levels or _has_rows(value)):
        separator = b"{"
        for name, inner in value.items():
            yield b"%s%s:" % (separator, orjson.dumps(name))
            yield from _encode_parts(inner, max(outer_levels - 1, 0))
            separator = b","
        yield b"}" if value else b"{}"
    elif _is_rows(value):
        yield from _encode_rows(value)
    else:
        yield orjson.dumps(value)


def _encode_rows(rows: list[Any]) -> Iterator[bytes]:
    separator = b"["
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        chunk = rows[start : start + _ROWS_AT_ONCE]
        # The rows of a list have the same fields.
        if isinstance(chunk[0], dict) and not _has_rows(chunk[0]):
            yield separator + orjson.dumps(chunk)[1:-1]
        else:
            for row in chunk:
                yield separator
                yield from _encode_parts(row)
                separator = b","
        separator = b","
    yield b"]"


def _has_rows(value: dict[str, Any]) -> bool:
    """Whether the object has many fields, or rows in a field or in a page."""
    return len(value) > _MAX_FIELDS_AT_ONCE or any(
        _is_rows(inner) or (isinstance(inner, dict) and any(map(_is_rows, inner.values())))
        for inner in value.values()
    )


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
