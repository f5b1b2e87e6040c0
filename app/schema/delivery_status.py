"""The state of the delivery queue in the API, for administrators."""

from datetime import datetime

import strawberry

from app.domain.engine_status import EngineStatus
from app.domain.engine_status import FailingDistribution as StoredFailingDistribution
from app.schema.scalars import Long
from app.services.engine_status import MAX_FAILING_DISTRIBUTIONS_SHOWN
from app.store.delivery_queue import MAX_FAILING_HOSTS_SHOWN


@strawberry.type(description="A receiver that does not accept deliveries.")
class FailingHost:
    host: str = strawberry.field(description="The host of the URL, or `smtp` for the mail server.")
    deliveries: Long = strawberry.field(
        description="The number of deliveries to it whose last attempt failed, up to 10,000."
    )


@strawberry.type(
    description="A distribution for which workers fail to make deliveries for the current members,"
    " to give codes to deliveries that wait for them, or to cancel deliveries after its deletion."
    " They retry by themselves, and work on the other distributions."
)
class FailingDistribution:
    id: strawberry.ID = strawberry.field(description="The id of the distribution.")
    name: str = strawberry.field(description="The name of the distribution.")
    task: str = strawberry.field(
        description="What fails: `member backfill`, `code backlog` or `cancellation`."
    )
    error: str = strawberry.field(description="The error of the last attempt.")
    at: datetime = strawberry.field(description="When the last attempt failed.")

    @classmethod
    def from_domain(cls, failing: StoredFailingDistribution) -> "FailingDistribution":
        return cls(
            id=strawberry.ID(failing.id),
            name=failing.name,
            task=failing.task,
            error=failing.failure.message,
            at=failing.failure.occurred_at,
        )


@strawberry.type(description="The deliveries of distributions that wait to be sent.")
class DeliveryQueueStatus:
    due: Long = strawberry.field(
        description="The number of deliveries that are due now, up to 10,000. Those of paused"
        " distributions do not count."
    )
    oldest_due_seconds: float = strawberry.field(
        description="For how long the oldest of them has been due, in seconds; 0 without any."
    )
    failing_hosts: list[FailingHost] = strawberry.field(
        metadata={"max_items": MAX_FAILING_HOSTS_SHOWN},
        description="The receivers with the most failing deliveries, most first.",
    )
    paused_distributions: int = strawberry.field(description="The number of paused distributions.")

    failing_distributions: list[FailingDistribution] = strawberry.field(
        metadata={"max_items": MAX_FAILING_DISTRIBUTIONS_SHOWN},
        description="The distributions that an error holds up, the latest error first.",
    )

    @classmethod
    def from_domain(cls, status: EngineStatus) -> "DeliveryQueueStatus":
        summary = status.deliveries
        return cls(
            due=Long(summary.due.number),
            oldest_due_seconds=summary.oldest_due.total_seconds(),
            failing_hosts=[
                FailingHost(host=host, deliveries=Long(count))
                for host, count in summary.failing_hosts.items()
            ],
            paused_distributions=summary.paused_count,
            failing_distributions=[
                FailingDistribution.from_domain(failing) for failing in status.failing_distributions
            ],
        )
