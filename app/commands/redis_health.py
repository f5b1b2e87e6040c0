"""Checks the version, eviction policy and job queue of Redis or Valkey."""

import asyncio
from collections.abc import Iterator

from arq.constants import default_queue_name, health_check_key_suffix
from redis import Redis
from redis.exceptions import RedisError

from app.job_queue import Backlog, connect, read_backlog
from app.services.health import Finding
from app.settings import Settings

_MIN_VERSION = (6, 2)


def check(settings: Settings) -> Iterator[Finding]:
    assert settings.redis_url
    url = settings.redis_url.get_secret_value()
    try:
        with Redis.from_url(url, socket_timeout=5) as client:
            info = client.info()
            yield _check_version(info)
            yield _check_eviction(info)
            yield _check_jobs(asyncio.run(_read_backlog(url)), _has_worker(client))
    except (RedisError, ValueError) as error:
        yield Finding("Redis", str(error), "check that Redis runs and that REDIS_URL is right")


def _check_version(info: dict[str, object]) -> Finding:
    # Valkey reports here the Redis version that it is compatible with.
    is_supported = (
        tuple(int(part) for part in str(info["redis_version"]).split(".")[:2]) >= _MIN_VERSION
    )
    valkey_version = info.get("valkey_version")
    state = f"Valkey {valkey_version}" if valkey_version else str(info["redis_version"])
    return Finding(
        "Redis", state, "" if is_supported else "upgrade to Redis 6.2 or later, or to Valkey"
    )


def _check_eviction(info: dict[str, object]) -> Finding:
    policy = str(info.get("maxmemory_policy", "unknown"))
    may_evict_jobs = bool(info.get("maxmemory")) and policy.startswith("allkeys")
    return Finding(
        "eviction", policy, "set maxmemory-policy to noeviction" if may_evict_jobs else ""
    )


async def _read_backlog(url: str) -> Backlog:
    async with connect(url, socket_timeout=5) as redis:
        return await read_backlog(redis)


def _has_worker(client: Redis) -> bool:
    return bool(client.exists(default_queue_name + health_check_key_suffix))


def _check_jobs(backlog: Backlog, has_worker: bool) -> Finding:
    state = f"{backlog.waiting_count} waiting, {backlog.running_count} running"
    if backlog.waiting_count:
        state += f", the longest wait {backlog.longest_wait.total_seconds():.0f} s"
    return Finding("jobs", state, "" if has_worker else "start `segments worker`; no worker runs")
