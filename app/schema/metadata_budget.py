"""Bounds the metadata that one operation reads, which stay in memory until the operation ends."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from app.domain.customers import Customer
from app.errors import PageTooLarge
from app.schema.http.result_encoding import MAX_RESULT_BYTES

# Each may have 16 MiB.
_PAGES_AT_ONCE = 2
# Of a number, of the entry of a list or an object.
_VALUE_CHARACTERS = 8


class MetadataBudget:
    """The metadata that an operation may still read."""

    def __init__(self) -> None:
        self._characters_left = MAX_RESULT_BYTES
        self._free_places = asyncio.Semaphore(_PAGES_AT_ONCE)

    @asynccontextmanager
    async def reading_page(self) -> AsyncIterator[None]:
        """Waits until few other pages are read, while the context is open. Raises PageTooLarge if
        nothing is left."""
        async with self._free_places:
            self._require_left()
            yield

    def _require_left(self) -> None:
        if self._characters_left < 0:
            raise PageTooLarge(
                f"The metadata of the customers have more than {MAX_RESULT_BYTES // 1024**2} MiB"
                " together; request fewer pages, or smaller ones."
            )

    def spend(self, customers: Iterable[Customer]) -> None:
        """Subtracts the metadata of customers that were read. Raises PageTooLarge if that is too
        much."""
        for customer in customers:
            self._characters_left -= _size(customer.document.get("metadata"))
        self._require_left()


def _size(value: Any) -> int:
    """Returns the approximate number of characters of a value as JSON."""
    class_ = value.__class__
    if class_ is str:
        return len(value)
    if class_ is dict:
        return _VALUE_CHARACTERS * len(value) + sum(map(_size, value.values()))
    if class_ is list:
        return _VALUE_CHARACTERS * len(value) + sum(map(_size, value))
    return _VALUE_CHARACTERS
