"""What commands need of the stores: that both are named, or a look into one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import Unusable
from app.settings import Settings
from app.store import Store


def settings() -> Settings:
    read = Settings()
    for variable, value in (("MONGODB_URL", read.mongodb_url), ("REDIS_URL", read.redis_url)):
        if not value:
            raise Unusable(f"{variable} is not set; or use `segments up`, which brings its own")
    return read


@asynccontextmanager
async def store(settings: Settings) -> AsyncIterator[Store]:
    """As it stands: nothing is made that is missing."""
    store = Store.connect(settings)
    try:
        yield store
    finally:
        await store.close()
