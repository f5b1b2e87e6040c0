"""arq's worker in this process, until its queue is empty."""

from arq.connections import ArqRedis
from arq.constants import default_queue_name
from arq.worker import create_worker

from app.job_queue import connect
from app.settings import Settings
from workers.jobs import close_services
from workers.main import worker_settings


async def run_burst_worker(settings: Settings) -> None:
    """Starts a worker, runs the queued jobs and those that are due at the start, and stops it."""
    assert settings.redis_url
    redis = connect(settings.redis_url.get_secret_value())
    await _forget_periodic_jobs(redis)
    worker = create_worker(
        worker_settings(settings), redis_pool=redis, burst=True, handle_signals=False
    )
    try:
        await worker.async_run()
    finally:
        await close_services(worker.ctx)
        await redis.aclose()


async def _forget_periodic_jobs(redis: ArqRedis) -> None:
    """Takes the periodic jobs of other workers out of the queue. One that a stopping worker has
    cancelled stays in it, and counts as running for a minute: the queue would not be empty before.
    """
    for job_id in await redis.zrange(default_queue_name, 0, -1):
        if job_id.startswith(b"cron:"):
            await redis.zrem(default_queue_name, job_id)
