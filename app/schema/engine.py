"""The engine in the API, for those who watch it."""

from collections.abc import Callable
from datetime import datetime

import strawberry

from app.domain.changes import PoisonChange
from app.domain.consumers import Consumer, ConsumerStatus
from app.domain.consumers import QuarantinedTransition as StoredQuarantined
from app.domain.engine_status import BoundedCount, PartitionStatus, Worker, to_seconds
from app.domain.engine_status import EngineError as StoredError
from app.domain.engine_status import EngineStatus as Seen
from app.schema.context import Info
from app.schema.scalars import Long
from app.services.engine_status import MAX_QUARANTINED_SHOWN

# There are so many partitions; more workers find nothing to do.
_MAX_PARTITIONS = 16


@strawberry.type(description="A number that is counted only so far.")
class EngineCount:
    number: int
    exact: bool = strawberry.field(description="False where there are at least that many.")

    @classmethod
    def from_domain(cls, count: BoundedCount) -> "EngineCount":
        return cls(number=count.number, exact=count.is_exact)


@strawberry.type(description="What went wrong in a process of the engine's, and when.")
class EngineError:
    message: str
    at: datetime
    host: str
    pid: int

    @classmethod
    def from_domain(cls, error: StoredError) -> "EngineError":
        return cls(message=error.message, at=error.occurred_at, host=error.host, pid=error.pid)


@strawberry.type(description="A worker that is there: one that is killed is gone after 3 seconds.")
class EngineWorker:
    id: strawberry.ID
    host: str
    pid: int
    began_at: datetime
    changes: Long = strawberry.field(
        description="How many changes of customers it has settled since it began: of one customer"
        " in one transaction, one."
    )
    transitions: Long = strawberry.field(
        description="How many transitions it has made since it began."
    )
    changes_per_second: float = strawberry.field(description="Of about the last 10 seconds.")
    transitions_per_second: float = strawberry.field(description="Of about the last 10 seconds.")
    errors: int = strawberry.field(description="How often something went wrong since it began.")
    last_error: EngineError | None

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
    description="A customer who can't be settled, and for whom all of its partition waits. It is"
    " tried again, at last each minute, until what is wrong has been mended."
)
class EngineSetback:
    customer_id: strawberry.ID
    error: str
    since: datetime
    tries: int

    @classmethod
    def from_domain(cls, poison_change: PoisonChange) -> "EngineSetback":
        return cls(
            customer_id=strawberry.ID(poison_change.customer_id),
            error=poison_change.error,
            since=poison_change.first_failed_at,
            tries=poison_change.attempts,
        )


@strawberry.type(description="A fixed part of the customers, which one worker brings on at a time.")
class EnginePartition:
    number: int
    place: str = strawberry.field(
        description="How far it has come in MongoDB's oplog: a cluster time, in hexadecimal digits."
    )
    reached_at: datetime = strawberry.field(description="The instant of that place.")
    worker: EngineWorker | None = strawberry.field(
        description="Who holds it; null where nobody does who is there."
    )
    setback: EngineSetback | None = strawberry.field(
        description="What holds it up; null where nothing does."
    )


@strawberry.type(
    description="A transition that a consumer failed to handle, and goes on without. It is tried"
    " again, at last each minute, until what is wrong has been mended."
)
class QuarantinedTransition:
    sequence: Long
    customer_id: strawberry.ID
    error: str
    since: datetime
    tries: int

    @classmethod
    def from_domain(cls, stored_transition: StoredQuarantined) -> "QuarantinedTransition":
        return cls(
            sequence=Long(stored_transition.transition.sequence),
            customer_id=strawberry.ID(stored_transition.transition.details.customer_id),
            error=stored_transition.error,
            since=stored_transition.first_failed_at,
            tries=stored_transition.attempts,
        )


@strawberry.type(description="What acts on the log of transitions: loyalty gives points, for one.")
class LogConsumer:
    name: str
    sequence: Long = strawberry.field(description="The last transition that it has handled.")
    transitions_behind: Long = strawberry.field(description="How many transitions wait for it.")
    lag_seconds: float = strawberry.field(description="How long the oldest of them has waited.")
    error: str | None = strawberry.field(
        description="What holds up all of it now; null where nothing does."
    )
    quarantined: int = strawberry.field(
        description="How many transitions it failed to handle, and goes on without."
    )
    quarantine: list[QuarantinedTransition] = strawberry.field(
        description="The first few of them, the oldest first.",
        metadata={"max_items": MAX_QUARANTINED_SHOWN},
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


@strawberry.type(
    description="How far the engine has come with making transitions of changes, and how fast it"
    " goes, by MongoDB's clock."
)
class EngineStatus:
    at: datetime = strawberry.field(description="When this was so.")
    reached_at: datetime | None = strawberry.field(
        description="To which instant all changes are settled: that of the slowest partition. Null"
        " where the engine was never started."
    )
    place: str | None = strawberry.field(description="The place of the slowest partition.")
    lag_seconds: float | None = strawberry.field(
        description="How long ago that was. The place is written once a second where nothing"
        " happens."
    )
    lag_changes: EngineCount | None = strawberry.field(
        description="How many changes of customers were written after that place; those are counted"
        " which other partitions have come past. Null where the program may not read MongoDB's"
        " oplog."
    )
    changes_per_second: float = strawberry.field(
        description="Changes settled, by all workers, over about the last 10 seconds."
    )
    transitions_per_second: float = strawberry.field(
        description="Transitions made, by all workers, over about the last 10 seconds."
    )
    last_sequence: Long = strawberry.field(description="Where the log of transitions ends.")
    active_segments: int
    wake_ups_due: EngineCount = strawberry.field(
        description="Customers whose membership time alone may have changed, and who were not"
        " looked at yet."
    )
    next_wake_up_at: datetime | None = strawberry.field(
        description="When time alone may next change a customer's membership."
    )
    passed_share: float | None = strawberry.field(
        description="After segments were activated or edited, all customers are brought past that"
        " once: about which share of them has been, from 0 to 1. Null where nothing is under way."
    )
    oplog_seconds: float | None = strawberry.field(
        description="How far the oplog goes back. Null where that can't be seen."
    )
    images_seconds: float | None = strawberry.field(
        description="How long the images of customers are kept. Null where that is as long as the"
        " oplog, or can't be seen."
    )
    history_seconds: float | None = strawberry.field(
        description="How far behind the engine may be at most: beyond that each customer is settled"
        " anew, and what happened in between is told as one difference. Null where there is no end"
        " yet, or it can't be seen."
    )
    partitions: list[EnginePartition] = strawberry.field(metadata={"max_items": _MAX_PARTITIONS})
    workers: list[EngineWorker] = strawberry.field(
        description="Those who are there, the oldest first.",
        metadata={"max_items": _MAX_PARTITIONS},
    )
    consumers: list[LogConsumer] = strawberry.field(metadata={"max_items": len(Consumer)})
    last_error: EngineError | None = strawberry.field(
        description="What last went wrong in any worker, of those who are gone, too."
    )

    @classmethod
    def from_domain(cls, status: Seen) -> "EngineStatus":
        slowest_partition, windows = status.slowest_partition, status.retention_windows
        return cls(
            at=status.observed_at,
            reached_at=status.reached_at,
            place=slowest_partition.progress.position if slowest_partition else None,
            lag_seconds=to_seconds(status.lag),
            lag_changes=EngineCount.from_domain(status.changes_behind)
            if status.changes_behind
            else None,
            changes_per_second=status.changes_per_second,
            transitions_per_second=status.transitions_per_second,
            last_sequence=Long(status.last_sequence),
            active_segments=status.active_segment_count,
            wake_ups_due=EngineCount.from_domain(status.due_timers),
            next_wake_up_at=status.next_timer_at,
            passed_share=status.backfilled_ratio,
            oplog_seconds=to_seconds(windows.oplog_window),
            images_seconds=to_seconds(windows.image_retention),
            history_seconds=to_seconds(windows.resume_window),
            partitions=[
                _to_engine_partition(partition, status.find_worker)
                for partition in status.partitions
            ],
            workers=[EngineWorker.from_domain(worker) for worker in status.workers],
            consumers=[LogConsumer.from_domain(consumer) for consumer in status.consumers],
            last_error=EngineError.from_domain(status.last_error) if status.last_error else None,
        )


def _to_engine_partition(
    partition: PartitionStatus, find_worker: Callable[[PartitionStatus], Worker | None]
) -> EnginePartition:
    worker = find_worker(partition)
    return EnginePartition(
        number=partition.number,
        place=partition.progress.position,
        reached_at=partition.progress.reached_at,
        worker=EngineWorker.from_domain(worker) if worker else None,
        setback=EngineSetback.from_domain(partition.poison_change)
        if partition.poison_change
        else None,
    )


@strawberry.type
class EngineQuery:
    @strawberry.field(
        description="For administrators: how far the engine has come that makes transitions of"
        " changes, how fast it goes, who is at it, and what went wrong last."
    )
    async def engine_status(self, info: Info) -> EngineStatus:
        return EngineStatus.from_domain(await info.context.services.engine_status.read())
