"""Starts and stops a mongod or a Valkey of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings

OwnMongod = TypeVar("OwnMongod", bound=Mongod)
LocalProcess = TypeVar("LocalProcess", bound=Mongod | Valkey)


def mongod_settings() -> Settings:
    """Returns settings with the smallest oplog that mongod accepts; ignores a developer's .env."""
    return Settings(_env_file=None, oplog_mib=990)  # type: ignore[call-arg]


@contextmanager
def running_process(process: LocalProcess) -> Iterator[LocalProcess]:
    """Starts the process, waits until it is ready, and stops it at the end."""
    process.start()
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.stop()


@contextmanager
def running_mongod(folder: Path, mongod_class: type[OwnMongod]) -> Iterator[OwnMongod]:
    """Starts a mongod with its data in the folder, and stops it at the end."""
    folder.mkdir(exist_ok=True)
    with running_process(mongod_class(folder, mongod_settings())) as mongod:
        yield mongod
