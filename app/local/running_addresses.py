"""The settings of a running `segments up` in a file for other commands: the database URLs, the
secret key, and whether keys are on."""

import fcntl
import json
from pathlib import Path

from pydantic import SecretStr

from app.errors import SetupError
from app.local import data_folder
from app.settings import Settings

_FILE_NAME = "addresses.json"


def write(folder: Path, environment: dict[str, str]) -> None:
    data_folder.write_secret(folder / _FILE_NAME, json.dumps(environment))


def remove(folder: Path) -> None:
    (folder / _FILE_NAME).unlink(missing_ok=True)


def load_settings(folder: Path) -> Settings:
    """Returns the settings, with what is missing taken from the `segments up` of the folder: the
    URLs, the secret key, and whether keys are on.

    Raises SetupError if a URL is missing in both.
    """
    settings = Settings()
    if settings.mongodb_url and settings.redis_url:
        return settings
    running = {name: SecretStr(value) for name, value in _read(folder).items()}
    takes_auth = "auth" not in settings.model_fields_set and "SEGMENTS_AUTH" in running
    settings = settings.model_copy(
        update={
            "mongodb_url": settings.mongodb_url or running.get("MONGODB_URL"),
            "redis_url": settings.redis_url or running.get("REDIS_URL"),
            "secret_key": settings.secret_key or running.get("SEGMENTS_SECRET_KEY"),
            "auth": running["SEGMENTS_AUTH"].get_secret_value() if takes_auth else settings.auth,
        }
    )
    for variable, url in (("MONGODB_URL", settings.mongodb_url), ("REDIS_URL", settings.redis_url)):
        if not url:
            raise SetupError(f"{variable} is not set, and no `segments up` runs in {folder}")
    return settings


def _read(folder: Path) -> dict[str, str]:
    if not _is_locked(folder / "lock"):
        return {}
    data_folder.require_own_folder(folder)
    try:
        addresses: dict[str, str] = json.loads((folder / _FILE_NAME).read_text())
    except FileNotFoundError:
        raise SetupError(f"`segments up` in {folder} is not ready yet") from None
    return addresses


def _is_locked(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
