"""Settings and database connections of the commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import SetupError
from app.settings import Settings
from app.store import Store


def require_settings() -> Settings:
    """Returns the settings. Raises SetupError unless MONGODB_URL and REDIS_URL are set."""
    loaded_settings = Settings()
    for variable, value in (
        ("MONGODB_URL", loaded_settings.mongodb_url),
        ("REDIS_URL", loaded_settings.redis_url),
    ):
        if not value:
            raise SetupError(
                f"{variable} is not set; set it, or use `segments up`, which runs its own stores"
            )
    return loaded_settings


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Connects to MongoDB without creating collections or indexes."""
    store = Store.connect(settings)
    try:
        yield store
    finally:
        await store.close()
