"""Do the consumers of the transition log keep up, and has any of them failed?"""

from collections.abc import Iterator
from datetime import timedelta

from app.commands.finding import Finding
from app.domain.consumers import ConsumerStatus
from app.domain.engine import EngineStatus

_LATE = timedelta(seconds=30)
_MAX_ERROR_LENGTH = 300


def look(status: EngineStatus) -> Iterator[Finding]:
    for consumer in status.consumers:
        yield _consumer(consumer)
        yield from _quarantine(consumer)


def _consumer(consumer: ConsumerStatus) -> Finding:
    subject = f"consumer {consumer.name}"
    state = f"{consumer.behind:,} transitions behind"
    if consumer.behind:
        state += f", the oldest is {consumer.lag.total_seconds():,.0f} s old"
    if failure := consumer.checkpoint.failure:
        since = failure.at.isoformat(timespec="seconds")
        state += f", failed at {since}: {failure.message[:_MAX_ERROR_LENGTH]}"
        return Finding(subject, state, "mend what the error names; it tries again by itself")
    late = consumer.lag > _LATE
    return Finding(subject, state, "start `segments worker`, one or more" if late else "")


def _quarantine(consumer: ConsumerStatus) -> Iterator[Finding]:
    if not consumer.quarantined:
        return
    oldest = consumer.quarantine[0] if consumer.quarantine else None
    state = f"{consumer.quarantined:,} transitions can't be handled"
    if oldest is not None:
        crossing = oldest.transition.crossing
        state += (
            f"; transition {oldest.transition.sequence:,} of {crossing.customer_id} since"
            f" {oldest.since.isoformat(timespec='seconds')}, tried {oldest.tries:,} times:"
            f" {oldest.error[:_MAX_ERROR_LENGTH]}"
        )
    mend = "mend the customer, or what the error names; they are tried again by themselves"
    yield Finding(f"quarantine of {consumer.name}", state, mend)
