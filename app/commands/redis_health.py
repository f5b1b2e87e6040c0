"""Is this Redis one that the jobs can rest on?"""

import asyncio
from collections.abc import Iterator

from arq.constants import default_queue_name, health_check_key_suffix
from redis import Redis
from redis.exceptions import RedisError

from app.commands.finding import Finding
from app.queue import Backlog, connect, read_backlog
from app.settings import Settings

_OLDEST = (6, 2)


def look(settings: Settings) -> Iterator[Finding]:
    assert settings.redis_url
    url = settings.redis_url.get_secret_value()
    try:
        with Redis.from_url(url, socket_timeout=5) as client:
            info = client.info()
            yield _version(info)
            yield _eviction(info)
            yield _jobs(asyncio.run(_backlog(url)), _has_worker(client))
    except (RedisError, ValueError) as error:
        yield Finding("Redis", str(error), "see that it runs and that REDIS_URL is right")


def _version(info: dict[str, object]) -> Finding:
    # Valkey says the Redis version that it is compatible with.
    fits = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2]) >= _OLDEST
    valkey = info.get("valkey_version")
    state = f"Valkey {valkey}" if valkey else str(info["redis_version"])
    return Finding("Redis", state, "" if fits else "upgrade to Redis 6.2 or later, or to Valkey")


def _eviction(info: dict[str, object]) -> Finding:
    policy = str(info.get("maxmemory_policy", "unknown"))
    loses = bool(info.get("maxmemory")) and policy.startswith("allkeys")
    return Finding("eviction", policy, "set maxmemory-policy to noeviction" if loses else "")


async def _backlog(url: str) -> Backlog:
    async with connect(url, socket_timeout=5) as redis:
        return await read_backlog(redis)


def _has_worker(client: Redis) -> bool:
    return bool(client.exists(default_queue_name + health_check_key_suffix))


def _jobs(backlog: Backlog, has_worker: bool) -> Finding:
    state = f"{backlog.waiting} waiting, {backlog.running} running"
    if backlog.waiting:
        state += f", the longest wait {backlog.longest_wait.total_seconds():.0f} s"
    return Finding(
        "jobs", state, "" if has_worker else "no worker is there; start `segments worker`"
    )
