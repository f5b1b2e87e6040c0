"""The status of the engine in the API, for administrators."""

from datetime import datetime

import strawberry

from app.domain.api_keys import Role
from app.domain.consumers import Consumer, ConsumerStatus
from app.domain.consumers import QuarantinedTransition as StoredQuarantinedTransition
from app.domain.engine_status import BoundedCount, PartitionStatus, Worker, to_seconds
from app.domain.engine_status import EngineError as StoredEngineError
from app.domain.engine_status import EngineStatus as EngineStatusSnapshot
from app.domain.exports import ExportSummary
from app.domain.hidden_errors import hide_errors
from app.domain.progress import PoisonChange
from app.schema.context import Info
from app.schema.delivery_status import DeliveryQueueStatus
from app.schema.engine_health import MAX_FINDINGS, EngineFinding
from app.schema.scalars import Long
from app.services.engine_status import MAX_QUARANTINED_SHOWN
from app.services.health import PartitionState, check_status, partition_state

# The number of partitions. More workers than that have nothing to process.
_MAX_PARTITIONS = 16


@strawberry.type(description="A number that the server counts up to a limit.")
class EngineCount:
    number: int = strawberry.field(description="The number, or the limit if the number is higher.")
    exact: bool = strawberry.field(description="False if there may be more.")

    @classmethod
    def from_domain(cls, count: BoundedCount) -> "EngineCount":
        return cls(number=count.number, exact=count.is_exact)


@strawberry.type(description="An error in a worker process.")
class EngineError:
    message: str = strawberry.field(description="The error message.")
    at: datetime = strawberry.field(description="When the error occurred.")
    host: str = strawberry.field(description="The host of the process.")
    pid: int = strawberry.field(description="The process id.")

    @classmethod
    def from_domain(cls, error: StoredEngineError) -> "EngineError":
        return cls(message=error.message, at=error.occurred_at, host=error.host, pid=error.pid)


@strawberry.type(description="A running worker. A killed worker disappears after 3 seconds.")
class EngineWorker:
    id: strawberry.ID = strawberry.field(
        description="The id of the worker. It is new each time a worker starts."
    )
    host: str = strawberry.field(description="The host of the process.")
    pid: int = strawberry.field(description="The process id.")
    began_at: datetime = strawberry.field(description="When the worker started.")
    changes: Long = strawberry.field(
        description="The number of customer changes that the worker has processed since it"
        " started. All changes of one customer in one transaction count as one."
    )
    transitions: Long = strawberry.field(
        description="The number of transitions that the worker has written since it started."
    )
    changes_per_second: float = strawberry.field(
        description="Changes processed per second, over about the last 10 seconds."
    )
    transitions_per_second: float = strawberry.field(
        description="Transitions written per second, over about the last 10 seconds."
    )
    errors: int = strawberry.field(description="The number of errors since the worker started.")
    last_error: EngineError | None = strawberry.field(
        description="The latest error; null if there was none."
    )

    @classmethod
    def from_domain(cls, worker: Worker) -> "EngineWorker":
        return cls(
            id=strawberry.ID(worker.id),
            host=worker.host,
            pid=worker.pid,
            began_at=worker.started_at,
            changes=Long(worker.changes),
            transitions=Long(worker.transitions),
            changes_per_second=worker.changes_per_second,
            transitions_per_second=worker.transitions_per_second,
            errors=worker.errors,
            last_error=EngineError.from_domain(worker.last_error) if worker.last_error else None,
        )


@strawberry.type(
    description="A customer change that a worker can't process. It blocks its partition. The"
    " engine retries at increasing intervals, at most a minute apart, until a retry"
    " succeeds."
)
class EnginePoisonChange:
    customer_id: strawberry.ID = strawberry.field(description="The id of the customer.")
    error: str = strawberry.field(description="The error message of the latest attempt.")
    since: datetime = strawberry.field(description="When the first attempt failed.")
    tries: int = strawberry.field(description="The number of failed attempts.")

    @classmethod
    def from_domain(cls, poison_change: PoisonChange) -> "EnginePoisonChange":
        return cls(
            customer_id=strawberry.ID(poison_change.customer_id),
            error=poison_change.error,
            since=poison_change.first_failed_at,
            tries=poison_change.attempts,
        )


@strawberry.type(
    description="A fixed share of the customers. At most one worker processes it at a time."
)
class EnginePartition:
    number: int = strawberry.field(description="The number of the partition.")
    position: str = strawberry.field(
        description="The position of the partition in the change stream: a cluster time of"
        " MongoDB, in hexadecimal digits."
    )
    reached_at: datetime = strawberry.field(
        description="The instant of the position. All changes until then are processed."
    )
    worker: EngineWorker | None = strawberry.field(
        description="The worker that processes the partition; null if the partition has no"
        " running worker."
    )
    state: PartitionState = strawberry.field(
        description="Whether the engine keeps up with the changes of the partition."
    )
    poison_change: EnginePoisonChange | None = strawberry.field(
        description="The change that blocks the partition; null if none does."
    )


@strawberry.type(
    description="A transition that a consumer failed to handle. The consumer continues with"
    " later transitions, and retries this one at increasing intervals, at most a"
    " minute apart, until a retry succeeds."
)
class QuarantinedTransition:
    sequence: Long = strawberry.field(description="The sequence of the transition.")
    customer_id: strawberry.ID = strawberry.field(description="The id of the customer.")
    error: str = strawberry.field(description="The error message of the latest attempt.")
    since: datetime = strawberry.field(description="When the first attempt failed.")
    tries: int = strawberry.field(description="The number of failed attempts.")

    @classmethod
    def from_domain(cls, stored_transition: StoredQuarantinedTransition) -> "QuarantinedTransition":
        return cls(
            sequence=Long(stored_transition.transition.sequence),
            customer_id=strawberry.ID(stored_transition.transition.details.customer_id),
            error=stored_transition.error,
            since=stored_transition.first_failed_at,
            tries=stored_transition.attempts,
        )


@strawberry.type(
    description="A consumer of the transition log, for example the one that awards loyalty points."
)
class LogConsumer:
    name: str = strawberry.field(description="The name of the consumer.")
    sequence: Long = strawberry.field(
        description="The checkpoint: the sequence of the last transition that the consumer has"
        " handled."
    )
    transitions_behind: Long = strawberry.field(
        description="The number of transitions after the checkpoint."
    )
    lag_seconds: float = strawberry.field(
        description="The age of the oldest transition after the checkpoint, in seconds."
    )
    error: str | None = strawberry.field(
        description="The error that stops the whole consumer now; null if there is none."
    )
    quarantined: int = strawberry.field(description="The number of quarantined transitions.")
    quarantine: list[QuarantinedTransition] = strawberry.field(
        metadata={"max_items": MAX_QUARANTINED_SHOWN},
        description="The first quarantined transitions, oldest first.",
    )

    @classmethod
    def from_domain(cls, consumer: ConsumerStatus) -> "LogConsumer":
        failure = consumer.checkpoint.failure
        return cls(
            name=consumer.name,
            sequence=Long(consumer.checkpoint.sequence),
            transitions_behind=Long(consumer.transitions_behind),
            lag_seconds=consumer.lag.total_seconds(),
            error=failure.message if failure else None,
            quarantined=consumer.quarantined_count,
            quarantine=[
                QuarantinedTransition.from_domain(transition)
                for transition in consumer.oldest_quarantined
            ],
        )


@strawberry.type(description="The number of exports by status.")
class ExportCounts:
    scheduled: int = strawberry.field(description="Exports that wait for a worker.")
    in_progress: int = strawberry.field(description="Exports that workers write.")
    failed: int = strawberry.field(description="Exports that failed in the last 30 days.")

    @classmethod
    def from_domain(cls, summary: ExportSummary) -> "ExportCounts":
        return cls(
            scheduled=summary.scheduled,
            in_progress=summary.in_progress,
            failed=summary.failed,
        )


@strawberry.type(
    description="The progress and the throughput of the engine, which turns customer changes"
    " into transitions. All instants are of MongoDB's clock."
)
class EngineStatus:
    at: datetime = strawberry.field(description="When the status was read.")
    reached_at: datetime | None = strawberry.field(
        description="The instant until which the engine has processed all changes: that of the"
        " slowest partition. Null if no engine has ever run."
    )
    position: str | None = strawberry.field(
        description="The change stream position of the slowest partition."
    )
    lag_seconds: float | None = strawberry.field(
        description="The time between `reachedAt` and `at`, in seconds. An idle engine saves"
        " its position once a second. Null if no engine has ever run, or if MongoDB's"
        " clock has gone back: then only `lagChanges` tells how far the engine is behind."
    )
    lag_changes: EngineCount | None = strawberry.field(
        description="The number of customer changes after the position of the slowest"
        " partition. It includes changes that faster partitions have already"
        " processed. Null if the server may not read MongoDB's oplog."
    )
    changes_per_second: float = strawberry.field(
        description="Changes processed per second by all workers, over about the last 10 seconds."
    )
    transitions_per_second: float = strawberry.field(
        description="Transitions written per second by all workers, over about the last 10 seconds."
    )
    last_sequence: Long = strawberry.field(
        description="The sequence of the last transition in the log."
    )
    active_segments: int = strawberry.field(description="The number of active segments.")
    due_timers: EngineCount = strawberry.field(
        description="The number of customers whose timer has expired and whom the engine has"
        " not evaluated yet. A timer expires when a membership may change by the"
        " passing of time alone."
    )
    next_timer_at: datetime | None = strawberry.field(
        description="When the next timer expires; null if there is none."
    )
    backfill_progress: float | None = strawberry.field(
        description="The approximate progress of the running backfill, from 0 to 1. A backfill"
        " evaluates all customers once after segments were activated or edited. Null"
        " if no backfill is running."
    )
    oplog_seconds: float | None = strawberry.field(
        description="The time span of MongoDB's oplog, in seconds; null if it is unknown."
    )
    image_retention_seconds: float | None = strawberry.field(
        description="How long MongoDB keeps pre-images and post-images of customers, in"
        " seconds; null if they live as long as the oplog, or if it is unknown."
    )
    history_window_seconds: float | None = strawberry.field(
        description="The maximum lag of the engine, in seconds, without loss of history. After"
        " a longer stop the engine evaluates every customer anew and writes one"
        " transition for each difference. Null if there is no limit yet, or if it is"
        " unknown."
    )
    partitions: list[EnginePartition] = strawberry.field(
        metadata={"max_items": _MAX_PARTITIONS}, description="The partitions of the customers."
    )
    workers: list[EngineWorker] = strawberry.field(
        metadata={"max_items": _MAX_PARTITIONS}, description="The running workers, oldest first."
    )
    consumers: list[LogConsumer] = strawberry.field(
        metadata={"max_items": len(Consumer)}, description="The consumers of the transition log."
    )
    exports: ExportCounts = strawberry.field(description="How many exports there are.")
    deliveries: DeliveryQueueStatus = strawberry.field(
        description="The deliveries of distributions that wait to be sent."
    )
    last_error: EngineError | None = strawberry.field(
        description="The latest error of any worker, including stopped ones; null if there was"
        " none."
    )
    findings: list[EngineFinding] = strawberry.field(
        metadata={"max_items": MAX_FINDINGS},
        description="What the health checks found, with remedies.",
    )

    @classmethod
    def from_domain(cls, status: EngineStatusSnapshot) -> "EngineStatus":
        slowest_partition, windows = status.slowest_partition, status.retention_windows
        return cls(
            at=status.observed_at,
            reached_at=status.reached_at,
            position=slowest_partition.progress.position if slowest_partition else None,
            lag_seconds=to_seconds(status.lag),
            lag_changes=EngineCount.from_domain(status.changes_behind)
            if status.changes_behind
            else None,
            changes_per_second=status.changes_per_second,
            transitions_per_second=status.transitions_per_second,
            last_sequence=Long(status.last_sequence),
            active_segments=status.active_segment_count,
            due_timers=EngineCount.from_domain(status.due_timers),
            next_timer_at=status.next_timer_at,
            backfill_progress=status.backfilled_ratio,
            oplog_seconds=to_seconds(windows.oplog_window),
            image_retention_seconds=to_seconds(windows.image_retention),
            history_window_seconds=to_seconds(windows.resume_window),
            partitions=[_to_engine_partition(status, partition) for partition in status.partitions],
            workers=[EngineWorker.from_domain(worker) for worker in status.workers],
            consumers=[LogConsumer.from_domain(consumer) for consumer in status.consumers],
            exports=ExportCounts.from_domain(status.exports),
            deliveries=DeliveryQueueStatus.from_domain(status),
            last_error=EngineError.from_domain(status.last_error) if status.last_error else None,
            findings=[EngineFinding.from_domain(finding) for finding in check_status(status)],
        )


def _to_engine_partition(
    status: EngineStatusSnapshot, partition: PartitionStatus
) -> EnginePartition:
    worker = status.find_worker(partition)
    return EnginePartition(
        number=partition.number,
        position=partition.progress.position,
        reached_at=partition.progress.reached_at,
        worker=EngineWorker.from_domain(worker) if worker else None,
        state=partition_state(status, partition),
        poison_change=EnginePoisonChange.from_domain(partition.poison_change)
        if partition.poison_change
        else None,
    )


@strawberry.type
class EngineQuery:
    @strawberry.field(
        description="For administrators: the engine's progress, throughput, workers and latest"
        " error. A key without the role `admin` gets all but the texts of errors."
    )
    async def engine_status(self, info: Info) -> EngineStatus:
        status = await info.context.services.engine_status.read()
        is_admin = info.context.caller.role is Role.ADMIN
        return EngineStatus.from_domain(status if is_admin else hide_errors(status))
