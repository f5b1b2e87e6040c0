"""mongod or Valkey of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.local.mongod import Mongod
from app.local.valkey import Valkey

Part = TypeVar("Part", Mongod, Valkey)


@contextmanager
def standing(part: Part) -> Iterator[Part]:
    """Started, ready, and stopped in the end."""
    part.start()
    try:
        part.ready()
        yield part
    finally:
        part.stop()
