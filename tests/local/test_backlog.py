"""The backlog counts waiting jobs only; arq's queue holds running jobs as well."""

from datetime import UTC, datetime, timedelta

import structlog
from redis import Redis

from app.job_queue import connect, read_backlog
from app.settings import Settings
from tests.local.conftest import RunProgram
from workers.backlog import warn_about_job_backlog

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def _enqueue(redis: Redis, job_id: str, due_at: datetime, *, running: bool = False) -> None:
    redis.zadd("arq:queue", {job_id: int(due_at.timestamp() * 1000)})
    if running:
        redis.set(f"arq:in-progress:{job_id}", b"1")


async def test_running_jobs_are_not_in_the_backlog(settings: Settings, redis_client: Redis) -> None:
    assert settings.redis_url
    _enqueue(redis_client, "long", NOW - timedelta(minutes=50), running=True)
    _enqueue(redis_client, "first", NOW - timedelta(minutes=2))
    _enqueue(redis_client, "second", NOW - timedelta(seconds=1))
    _enqueue(redis_client, "tomorrow", NOW + timedelta(days=1))
    async with connect(settings.redis_url.get_secret_value()) as redis:
        backlog = await read_backlog(redis, NOW)
    assert (backlog.waiting_count, backlog.running_count) == (2, 1)
    assert backlog.longest_wait == timedelta(minutes=2)


async def test_the_warning_is_for_waiting_jobs_only(
    settings: Settings, redis_client: Redis
) -> None:
    assert settings.redis_url
    now = datetime.now(UTC)
    async with connect(settings.redis_url.get_secret_value()) as redis:
        with structlog.testing.capture_logs() as logs:
            await warn_about_job_backlog({"redis": redis})
            _enqueue(redis_client, "long", now - timedelta(minutes=50), running=True)
            await warn_about_job_backlog({"redis": redis})
            assert logs == []
            _enqueue(redis_client, "waiting", now - timedelta(minutes=2))
            await warn_about_job_backlog({"redis": redis})
    (warning,) = logs
    assert (warning["event"], warning["waiting_jobs"]) == ("due jobs are not started", 1)
    assert 120 <= warning["longest_wait_seconds"] < 180


def test_doctor_distinguishes_waiting_and_running_jobs(
    run_forked: RunProgram, settings: Settings, redis_client: Redis
) -> None:
    assert settings.redis_url
    _enqueue(redis_client, "long", NOW, running=True)
    doctor = run_forked(
        "doctor",
        MONGODB_URL="mongodb://127.0.0.1:1",
        REDIS_URL=settings.redis_url.get_secret_value(),
    )
    doctor.wait_for_exit(30)
    assert "jobs: 0 waiting, 1 running;" in doctor.stdout
