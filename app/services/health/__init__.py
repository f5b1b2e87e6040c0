"""Checks the status of the engine and of the other work of workers. `segments doctor` and the API
show the findings."""

from collections.abc import Iterator

from app.domain.engine_status import EngineStatus
from app.services.health import consumers, deliveries, engine, exports
from app.services.health.engine import PartitionState, partition_state
from app.services.health.finding import Finding

__all__ = ["Finding", "PartitionState", "check_status", "partition_state"]


def check_status(status: EngineStatus) -> Iterator[Finding]:
    """Yields what is well and what needs a remedy."""
    yield exports.check(status)
    yield from engine.check(status)
    if status.reached_at is None:
        return
    yield from consumers.check(status)
    yield from deliveries.check(status.deliveries)
    yield from deliveries.check_distributions(status.failing_distributions)
    yield from deliveries.check_code_pools(status.code_pools)
    yield from engine.check_last_error(status)
