"""mongod or Valkey of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.local.mongod import Mongod
from app.local.valkey import Valkey

LocalProcess = TypeVar("LocalProcess", Mongod, Valkey)


@contextmanager
def running_process(process: LocalProcess) -> Iterator[LocalProcess]:
    """Started, ready, and stopped in the end."""
    process.start()
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.stop()
