"""Settings for a command that needs both stores to be named."""

from app.errors import Unusable
from app.settings import Settings


def settings() -> Settings:
    read = Settings()
    for variable, value in (("MONGODB_URL", read.mongodb_url), ("REDIS_URL", read.redis_url)):
        if not value:
            raise Unusable(f"{variable} is not set; or use `segments up`, which brings its own")
    return read
