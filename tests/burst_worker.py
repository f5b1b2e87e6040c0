"""arq's worker in this process, until its queue is empty."""

from arq.worker import create_worker

from app.job_queue import connect
from app.settings import Settings
from workers.jobs import close_services
from workers.main import worker_settings


async def run_burst_worker(settings: Settings) -> None:
    """Starts a worker, runs the queued jobs and those that are due at the start, and stops it."""
    assert settings.redis_url
    redis = connect(settings.redis_url.get_secret_value())
    worker = create_worker(
        worker_settings(settings), redis_pool=redis, burst=True, handle_signals=False
    )
    try:
        await worker.async_run()
    finally:
        await close_services(worker.ctx)
        await redis.aclose()
