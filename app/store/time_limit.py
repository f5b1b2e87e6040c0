"""The time limit of a read."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import ExecutionTimeout

from app.errors import QueryTimeout


def to_milliseconds(seconds: float) -> int:
    """Returns the time as maxTimeMS. For MongoDB, 0 is no limit."""
    return max(round(seconds * 1_000), 1)


@contextmanager
def translate_timeout(seconds: float) -> Iterator[None]:
    """Raises QueryTimeout if MongoDB exceeds the limit of `seconds`."""
    try:
        yield
    except ExecutionTimeout:
        raise QueryTimeout(
            f"The database did not answer within {seconds:g} s; request less, narrow the filter"
            " down with a condition that an index serves, or raise SEGMENTS_QUERY_SECONDS."
        ) from None
