"""Request headers of a download: ranges, conditions and content codings (RFC 9110)."""

import re
from dataclasses import dataclass

# More digits than any length has. Python refuses to parse thousands of them.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(W/)?("[^"]*")')
_CODING = re.compile(r"\s*([^;\s]+)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", re.IGNORECASE)
_GZIP_NAMES = ("gzip", "x-gzip")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to `end`, without `end` itself."""

    start: int
    end: int


class UnsatisfiableRange(ValueError):
    """The range begins after the end of the file."""


def parse_range(header: str, length: int) -> ByteRange | None:
    """Returns the range of a file of `length` bytes; None for the whole file.

    A header that is malformed, or has several ranges, asks for the whole file. Raises
    UnsatisfiableRange if the file has no byte of the range.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        suffix_length = min(int(last), length)
        start, end = length - suffix_length, length
    else:
        start = int(first)
        end = min(int(last) + 1, length) if last else length
        if last and int(last) < start:
            return None
    if start >= end:
        raise UnsatisfiableRange
    return ByteRange(start, end)


def matches_any(header: str | None, entity_tag: str) -> bool:
    """Whether If-None-Match names the entity tag. Weak and strong tags compare as equal."""
    if header is None:
        return False
    return header.strip() == "*" or any(tag == entity_tag for _, tag in _ENTITY_TAG.findall(header))


def accepts_gzip(header: str | None) -> bool:
    """Whether Accept-Encoding accepts gzip, and does not prefer the file as it is."""
    weights = {}
    for item in (header or "").split(","):
        if match := _CODING.fullmatch(item):
            weights[match[1].lower()] = float(match[2] or 1)
    gzip_weight = max(
        (weights[name] for name in _GZIP_NAMES if name in weights), default=weights.get("*", 0)
    )
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", 0)
