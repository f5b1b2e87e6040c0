"""Keyset pages: a cursor stands for a key, and stays good while rows come and go."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import strawberry

from app.domain.ids import Kind, kind_of
from app.errors import BadRequest

MOST = 100
MOST_MEMBERS = 1_000
USUAL = 50

# No more digits than a Long has.
_LOG_PLACE = re.compile(r"log (0|[1-9][0-9]{0,17})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Item = TypeVar("Item")
Place = tuple[datetime, str]


@strawberry.type(
    description="`first` is 1 to 100, of members to 1,000. Cursors are opaque, stand for a key and"
    " not for a count, and stay good while rows come and go."
)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True)
class Page(Generic[Item]):
    """The items of a page with their cursors."""

    items: list[Item]
    cursors: list[str]
    info: PageInfo


def page(
    found: Sequence[Item], first: int, after: str | None, cursor: Callable[[Item], str]
) -> Page[Item]:
    """A page of `first` items, of which one more was asked for to see whether there is a next."""
    items = list(found[:first])
    cursors = [cursor(item) for item in items]
    info = PageInfo(
        has_next_page=len(found) > first,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
    return Page(items, cursors, info)


def check_first(first: int | None, most: int = MOST, usual: int = USUAL) -> int:
    """How many items a page has; null says no more than leaving it out."""
    if first is None:
        return usual
    if not 1 <= first <= most:
        raise BadRequest(f"first must be 1 to {most:,}; it is {first}.")
    return first


def id_cursor(id_: str) -> str:
    return _encode(id_)


def read_id_cursor(cursor: str | None, kind: Kind) -> str | None:
    """The id that a cursor stands for."""
    if cursor is None:
        return None
    id_ = _decode(cursor)
    if kind_of(id_) is not kind:
        raise _unusable()
    return id_


def place_cursor(place: Place) -> str:
    at, id_ = place
    return _encode(f"{(at - _EPOCH) // timedelta(milliseconds=1)} {id_}")


def read_place_cursor(cursor: str | None) -> Place | None:
    """The moment and the id that a cursor stands for."""
    if cursor is None:
        return None
    milliseconds, _, id_ = _decode(cursor).partition(" ")
    try:
        at = _EPOCH + timedelta(milliseconds=int(milliseconds))
    except (ValueError, OverflowError):
        raise _unusable() from None
    if kind_of(id_) is None:
        raise _unusable()
    return at, id_


def log_cursor(sequence: int) -> str:
    """The place after a transition; after none of them, at the beginning."""
    return _encode(f"log {sequence}")


def read_log_cursor(cursor: str | None) -> int | None:
    """The sequence that a cursor of the log stands for."""
    if cursor is None:
        return None
    found = _LOG_PLACE.fullmatch(_decode(cursor))
    if found is None:
        raise _unusable()
    return int(found[1])


def _encode(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return urlsafe_b64decode(padded).decode("ascii")
    except (ValueError, binascii.Error):
        raise _unusable() from None


def _unusable() -> BadRequest:
    return BadRequest("after is no cursor of this connection; pass one that it gave.")
