"""Checks that deliveries are sent, that receivers accept them, and that code pools have codes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from app.domain.codes import CodePool
from app.domain.engine_status import BoundedCount, DeliveryStatusSummary, FailingDistribution
from app.services.health.finding import Finding, format_failure
from app.services.uses import list_names

_MAX_OLDEST_DUE = timedelta(seconds=30)


def check(deliveries: DeliveryStatusSummary) -> Iterator[Finding]:
    state = f"{_format_count(deliveries.due)} due"
    if deliveries.due.number:
        state += f", the oldest for {deliveries.oldest_due.total_seconds():,.0f} s"
    if deliveries.waiting_for_code.number:
        state += f"; {_format_count(deliveries.waiting_for_code)} wait for a code"
    if deliveries.paused_count:
        state += f"; {deliveries.paused_count:,} distributions are paused"
    is_late = deliveries.oldest_due > _MAX_OLDEST_DUE
    yield Finding("deliveries", state, "start `segments worker`, one or more" if is_late else "")
    if deliveries.failing_hosts:
        hosts = ", ".join(f"{host} ({count:,})" for host, count in deliveries.failing_hosts.items())
        remedy = "correct the receiver or the distribution; deliveries are retried for 24 hours"
        yield Finding("receivers", f"deliveries are being retried: {hosts}", remedy)


def check_distributions(failing: Sequence[FailingDistribution]) -> Iterator[Finding]:
    """Checks the distributions that an error holds up. Yields nothing without any."""
    if not failing:
        return
    latest = failing[0]
    failure = format_failure(latest.failure)
    state = f"the {latest.task} of {latest.name!r} ({latest.id}) {failure}"
    if len(failing) > 1:
        state += f"; {len(failing) - 1:,} more distributions fail"
    remedy = "correct what the error names; a worker retries by itself"
    yield Finding("distributions", state, remedy)


def check_code_pools(pools: Sequence[CodePool]) -> Iterator[Finding]:
    """Checks the code pools in use with the fewest codes left. Yields nothing without any."""
    if not pools:
        return
    low_pools = [pool for pool in pools if pool.is_low]
    shown = list_names(
        f"{pool.name!r} has {pool.available_count:,} of {pool.total_count:,} codes left"
        for pool in low_pools or pools[:1]
    )
    remedy = "add codes to the pool, and set a distribution LIVE that was paused"
    yield Finding("code pools", shown, remedy if low_pools else "")


def _format_count(count: BoundedCount) -> str:
    return f"{'' if count.is_exact else 'at least '}{count.number:,}"
