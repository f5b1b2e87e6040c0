"""Errors of the engine's status, as callers see them who are no administrators."""

from dataclasses import replace

from app.domain.consumers import ConsumerStatus, Failure
from app.domain.engine_status import EngineError, EngineStatus

HIDDEN_ERROR = "Only a key with the role admin shows this error."


def hide_errors(status: EngineStatus) -> EngineStatus:
    """Returns the status without the texts of errors: that of a driver or a program may contain
    addresses of databases and values of documents."""
    return replace(
        status,
        workers=[
            replace(worker, last_error=_hide_error(worker.last_error)) for worker in status.workers
        ],
        partitions=[
            replace(
                partition,
                poison_change=partition.poison_change
                and replace(partition.poison_change, error=HIDDEN_ERROR),
            )
            for partition in status.partitions
        ],
        consumers=[_hide_errors_of_consumer(consumer) for consumer in status.consumers],
        failing_distributions=[
            replace(failing, failure=_hide_failure(failing.failure))
            for failing in status.failing_distributions
        ],
        last_error=_hide_error(status.last_error),
    )


def _hide_errors_of_consumer(consumer: ConsumerStatus) -> ConsumerStatus:
    failure = consumer.checkpoint.failure
    return replace(
        consumer,
        checkpoint=replace(consumer.checkpoint, failure=failure and _hide_failure(failure)),
        oldest_quarantined=[
            replace(transition, error=HIDDEN_ERROR) for transition in consumer.oldest_quarantined
        ],
    )


def _hide_error(error: EngineError | None) -> EngineError | None:
    return error and replace(error, message=HIDDEN_ERROR)


def _hide_failure(failure: Failure) -> Failure:
    return replace(failure, message=HIDDEN_ERROR)
