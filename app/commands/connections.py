"""What commands need of the stores: that both are named, or a look into one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import SetupError
from app.settings import Settings
from app.store import Store


def require_settings() -> Settings:
    loaded_settings = Settings()
    for variable, value in (
        ("MONGODB_URL", loaded_settings.mongodb_url),
        ("REDIS_URL", loaded_settings.redis_url),
    ):
        if not value:
            raise SetupError(f"{variable} is not set; or use `segments up`, which brings its own")
    return loaded_settings


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """As it stands: nothing is made that is missing."""
    store = Store.connect(settings)
    try:
        yield store
    finally:
        await store.close()
