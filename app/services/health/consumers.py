"""Checks that the consumers of the transition log keep up and do not fail."""

from collections.abc import Iterator
from datetime import timedelta

from app.domain.consumers import ConsumerStatus
from app.domain.engine_status import EngineStatus
from app.services.health.finding import MAX_ERROR_CHARACTERS, Finding, format_failure

_MAX_LAG = timedelta(seconds=30)


def check(status: EngineStatus) -> Iterator[Finding]:
    for consumer in status.consumers:
        yield _check_consumer(consumer)
        yield from _check_quarantine(consumer)


def _check_consumer(consumer: ConsumerStatus) -> Finding:
    subject = f"consumer {consumer.name}"
    state = f"{consumer.transitions_behind:,} transitions behind"
    if consumer.transitions_behind:
        state += f", the oldest is {consumer.lag.total_seconds():,.0f} s old"
    if failure := consumer.checkpoint.failure:
        state += f", {format_failure(failure)}"
        return Finding(
            subject, state, "correct what the error names; the consumer retries by itself"
        )
    is_late = consumer.lag > _MAX_LAG
    return Finding(subject, state, "start `segments worker`, one or more" if is_late else "")


def _check_quarantine(consumer: ConsumerStatus) -> Iterator[Finding]:
    if not consumer.quarantined_count:
        return
    oldest = consumer.oldest_quarantined[0] if consumer.oldest_quarantined else None
    state = f"{consumer.quarantined_count:,} transitions in quarantine"
    if oldest is not None:
        pending_transition = oldest.transition.details
        state += (
            f"; the oldest is transition {oldest.transition.sequence:,} of customer"
            f" {pending_transition.customer_id}, since"
            f" {oldest.first_failed_at.isoformat(timespec='seconds')}, tried {oldest.attempts:,}"
            f" times: {oldest.error[:MAX_ERROR_CHARACTERS]}"
        )
    remedy = "correct the customer, or what the error names; the consumer retries by itself"
    yield Finding(f"quarantine of {consumer.name}", state, remedy)
