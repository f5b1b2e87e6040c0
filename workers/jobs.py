"""The jobs that arq runs. Each calls one service, which open_services() puts into arq's context."""

from datetime import timedelta
from typing import Any

from app.job_queue import ArqQueue
from app.services import Services
from app.store import Store

Context = dict[Any, Any]


async def convert_metadata(ctx: Context, key: str) -> None:
    """Converts the stored values of a metadata key to its new definition."""
    await _services(ctx).metadata.convert(key)


async def requeue_conversions(ctx: Context) -> None:
    """Enqueues the metadata conversions that no worker runs: Redis may have lost their jobs."""
    await _services(ctx).metadata.enqueue_unattended()


async def run_exports(ctx: Context) -> None:
    """Writes the exports that wait for a worker."""
    await _services(ctx).export_worker.run_pending()


async def sweep_exports(ctx: Context) -> None:
    """Enqueues the exports that no worker writes, and deletes files that have expired."""
    worker = _services(ctx).export_worker
    await worker.enqueue_unattended()
    await worker.sweep()


async def generate_codes(ctx: Context, pool_id: str) -> None:
    """Generates the codes that a code pool still lacks."""
    await _services(ctx).code_pools.generate(pool_id)


async def requeue_generations(ctx: Context) -> None:
    """Enqueues the generations of codes that no worker runs: Redis may have lost their jobs."""
    await _services(ctx).code_pools.enqueue_unattended()


async def sample_sizes(ctx: Context) -> None:
    """Counts the members of those segments whose size is due to be sampled."""
    services = _services(ctx)
    await services.segment_sizes.sample(services.now)


async def trim_transitions(ctx: Context) -> None:
    """Deletes transitions beyond the retention from the log. Without a retention it does
    nothing."""
    services, days = _services(ctx), ctx["settings"].transition_retention_days
    if days is not None:
        await services.transitions.trim_log(timedelta(days=days), services.now().at)


async def sweep_deliveries(ctx: Context) -> None:
    """Deletes what deliveries need not keep: see `SEGMENTS_DELIVERY_RETENTION_DAYS`."""
    await _services(ctx).delivery_retention.sweep()


JOBS = (convert_metadata, run_exports, generate_codes)


def _services(ctx: Context) -> Services:
    services: Services = ctx["services"]
    return services


async def open_services(ctx: Context) -> None:
    """Connects to MongoDB, and puts the services into the context."""
    settings = ctx["settings"]
    store = await Store.open(settings)
    ctx["services"] = Services(store, settings, ArqQueue(ctx["redis"]))


async def close_services(ctx: Context) -> None:
    """Closes the services. It may be called twice: arq skips the call while Redis is
    unreachable."""
    if services := ctx.pop("services", None):
        await services.store.close()
