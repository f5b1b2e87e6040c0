"""Page sizes and cursors of keyset pagination.

A cursor encodes the sort key of a row, not its number: it stays valid while rows come and go.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, unquote

import strawberry

from app.domain.ids import EntityKind, kind_of
from app.domain.segment_changes import ChangePosition
from app.errors import BadRequest

MAX_PAGE_SIZE = 100
MAX_MEMBER_PAGE_SIZE = 1_000
DEFAULT_PAGE_SIZE = 50

# The arguments of the fields that return a connection.
First = Annotated[
    int | None, strawberry.argument(description="The maximum number of items, from 1 to 100.")
]
MemberFirst = Annotated[
    int | None, strawberry.argument(description="The maximum number of items, from 1 to 1,000.")
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor after which the page begins. Default: the beginning of the list."
    ),
]

# Every number of at most 18 digits fits into a Long.
_LOG_CURSOR = re.compile(r"log (0|[1-9][0-9]{0,17})")
_CHANGE_CURSOR = re.compile(r"change ([0-9]{1,18}) ([0-9]{1,4})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TimeKey = tuple[datetime, str]


def validate_range(name: str, value: int | float, minimum: int, maximum: int) -> None:
    """Raises BadRequest unless an argument lies between two bounds, both included."""
    if not minimum <= value <= maximum:
        raise BadRequest(f"{name} must be {minimum} to {maximum:,}; it is {value}.")


def validate_page_size(
    first: int | None, max_size: int = MAX_PAGE_SIZE, default_size: int = DEFAULT_PAGE_SIZE
) -> int:
    """Returns the page size: `first`, or the default for null. BadRequest if it is out of range."""
    if first is None:
        return default_size
    validate_range("first", first, 1, max_size)
    return first


def encode_id_cursor(id_: str) -> str:
    return _encode(id_)


def decode_id_cursor(cursor: str | None, kind: EntityKind) -> str | None:
    """Returns the id in a cursor. BadRequest if it is not an id of this kind."""
    if cursor is None:
        return None
    id_ = _decode(cursor)
    if kind_of(id_) is not kind:
        raise invalid_cursor()
    return id_


def encode_time_cursor(key: TimeKey) -> str:
    at, id_ = key
    return _encode(f"{instant_to_milliseconds(at)} {id_}")


def decode_time_cursor(cursor: str | None) -> TimeKey | None:
    """Returns the instant and the id in a cursor. BadRequest if it is malformed."""
    if cursor is None:
        return None
    milliseconds, _, id_ = _decode(cursor).partition(" ")
    at = milliseconds_to_instant(milliseconds)
    if kind_of(id_) is None:
        raise invalid_cursor()
    return at, id_


def encode_log_cursor(sequence: int) -> str:
    """Returns the cursor after the transition of this sequence; 0 is the beginning of the log."""
    return _encode(f"log {sequence}")


def decode_log_cursor(cursor: str | None) -> int | None:
    """Returns the sequence in a cursor of the log. BadRequest if it is malformed."""
    if cursor is None:
        return None
    match = _LOG_CURSOR.fullmatch(_decode(cursor))
    if match is None:
        raise invalid_cursor()
    return int(match[1])


def encode_change_cursor(position: ChangePosition) -> str:
    return _encode(f"change {position.revision} {position.number}")


def decode_change_cursor(cursor: str | None) -> ChangePosition | None:
    """Returns the position in a cursor of changes. BadRequest if it is malformed."""
    if cursor is None:
        return None
    match = _CHANGE_CURSOR.fullmatch(_decode(cursor))
    if match is None:
        raise invalid_cursor()
    return ChangePosition(int(match[1]), int(match[2]))


def encode_order_cursor(order: str, sort_text: str, id_: str) -> str:
    """Returns the cursor after a row of a list that has several orders. `sort_text` is what the row
    is sorted by, as a text."""
    return _encode(f"{order} {id_} {quote(sort_text)}")


def decode_order_cursor(cursor: str, order: str, kind: EntityKind) -> tuple[str, str]:
    """Returns the text and the id in a cursor. BadRequest if it is of another order, or if it is
    malformed."""
    cursor_order, _, row = _decode(cursor).partition(" ")
    id_, _, sort_text = row.partition(" ")
    if cursor_order != order or kind_of(id_) is not kind:
        raise invalid_cursor()
    return unquote(sort_text), id_


def instant_to_milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def milliseconds_to_instant(milliseconds: str) -> datetime:
    """BadRequest if the text is no instant."""
    try:
        return _EPOCH + timedelta(milliseconds=int(milliseconds))
    except (ValueError, OverflowError):
        raise invalid_cursor() from None


def _encode(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return urlsafe_b64decode(padded).decode("ascii")
    except (ValueError, binascii.Error):
        raise invalid_cursor() from None


def invalid_cursor() -> BadRequest:
    return BadRequest("after is not a cursor of this connection; pass one that it returned.")
