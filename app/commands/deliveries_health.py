"""Checks that deliveries are sent, and that receivers accept them."""

from collections.abc import Iterator
from datetime import timedelta

from app.commands.finding import Finding
from app.domain.engine_status import DeliveryStatusSummary

_MAX_OLDEST_DUE = timedelta(seconds=30)


def check(deliveries: DeliveryStatusSummary) -> Iterator[Finding]:
    at_least = "" if deliveries.due.is_exact else "at least "
    state = f"{at_least}{deliveries.due.number:,} due"
    if deliveries.due.number:
        state += f", the oldest for {deliveries.oldest_due.total_seconds():,.0f} s"
    if deliveries.paused_count:
        state += f"; {deliveries.paused_count:,} distributions are paused"
    is_late = deliveries.oldest_due > _MAX_OLDEST_DUE
    yield Finding("deliveries", state, "start `segments worker`, one or more" if is_late else "")
    if deliveries.failing_hosts:
        hosts = ", ".join(f"{host} ({count:,})" for host, count in deliveries.failing_hosts.items())
        remedy = "correct the receiver or the distribution; deliveries are retried for 24 hours"
        yield Finding("receivers", f"deliveries are being retried: {hosts}", remedy)
