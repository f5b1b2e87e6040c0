"""The state of the delivery queue in the API, for administrators."""

import strawberry

from app.domain.engine_status import DeliveryStatusSummary
from app.schema.scalars import Long
from app.store.delivery_queue import MAX_FAILING_HOSTS_SHOWN


@strawberry.type(description="A receiver that does not accept deliveries.")
class FailingHost:
    host: str = strawberry.field(description="The host of the URL, or `smtp` for the mail server.")
    deliveries: Long = strawberry.field(
        description="The number of deliveries to it whose last attempt failed, up to 10,000."
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

    @classmethod
    def from_domain(cls, summary: DeliveryStatusSummary) -> "DeliveryQueueStatus":
        return cls(
            due=Long(summary.due.number),
            oldest_due_seconds=summary.oldest_due.total_seconds(),
            failing_hosts=[
                FailingHost(host=host, deliveries=Long(count))
                for host, count in summary.failing_hosts.items()
            ],
            paused_distributions=summary.paused_count,
        )
