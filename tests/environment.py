"""Settings as environment variables, for programs that a test starts."""

from app.settings import Settings


def store_environment(settings: Settings) -> dict[str, str]:
    """The variables that name the stores and the database, and turn keys on or off."""
    assert settings.mongodb_url
    assert settings.redis_url
    return {
        "MONGODB_URL": settings.mongodb_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "SEGMENTS_DATABASE": settings.database,
        "SEGMENTS_AUTH": settings.auth,
    }
