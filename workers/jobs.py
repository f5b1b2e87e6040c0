"""The jobs, each of which asks one service; and their services, opened as a worker starts."""

from datetime import timedelta
from typing import Any

from app.job_queue import ArqQueue
from app.services import Services
from app.store import Store

Context = dict[Any, Any]


async def convert_metadata(ctx: Context, key: str) -> None:
    """Brings the values of a key under its definition."""
    await _services(ctx).metadata.convert(key)


async def requeue_conversions(ctx: Context) -> None:
    """Hands out again what no worker is at work on: Redis may have forgotten it."""
    await _services(ctx).metadata.enqueue_unattended()


async def sample_sizes(ctx: Context) -> None:
    """Counts the segments whose size is due to be noted."""
    services = _services(ctx)
    await services.segment_sizes.sample(services.now)


async def trim_transitions(ctx: Context) -> None:
    """Deletes what the log need not keep any longer, where it need not keep all."""
    services, days = _services(ctx), ctx["settings"].transition_retention_days
    if days is not None:
        await services.transitions.trim_log(timedelta(days=days), services.now().at)


JOBS = (convert_metadata,)


def _services(ctx: Context) -> Services:
    services: Services = ctx["services"]
    return services


async def open_services(ctx: Context) -> None:
    settings = ctx["settings"]
    store = await Store.open(settings)
    ctx["services"] = Services(store, settings, ArqQueue(ctx["redis"]))


async def close_services(ctx: Context) -> None:
    """May be called twice: arq does not get there when Redis is gone."""
    if services := ctx.pop("services", None):
        await services.store.close()
