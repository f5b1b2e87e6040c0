"""Distributions in the API: queries and mutations."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from app.domain.deliveries import Delivery as StoredDelivery
from app.domain.deliveries import DeliveryStatus
from app.domain.distributions import Distribution as StoredDistribution
from app.domain.distributions import DistributionState
from app.domain.distributions import WebhookChannel as StoredWebhookChannel
from app.domain.transitions import TransitionType
from app.schema.code_pools import CodePool
from app.schema.connections import Page, make_page
from app.schema.context import Info
from app.schema.customers import CustomerRef, read_customer_ref
from app.schema.deliveries import Delivery, DeliveryConnection, DeliveryPayload
from app.schema.distribution_inputs import DistributionInput, DistributionUpdateInput
from app.schema.enums import register_enum
from app.schema.errors import UserError, attempt
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    After,
    First,
    decode_time_cursor,
    encode_time_cursor,
    validate_page_size,
)
from app.schema.scalars import Long
from app.schema.segments import Segment
from app.services.distributions import DistributionWithSegment

_MAX_RETRIES_PER_CALL = 1_000

register_enum(
    DistributionState,
    "Whether a distribution makes and sends deliveries.",
    {
        "LIVE": "Transitions make deliveries, and deliveries are sent.",
        "PAUSED": "Transitions make no deliveries, which is not made up for later. Deliveries made"
        " before wait until the distribution is LIVE again.",
    },
)


@strawberry.type(description="A webhook: an HTTP POST with a JSON body.")
class WebhookChannel:
    url: str = strawberry.field(description="The URL of the receiver.")
    header_names: list[str] = strawberry.field(
        description="The names of the headers that are sent along."
    )


@strawberry.type(description="An email. Subject and body are Mustache templates.")
class EmailChannel:
    subject: str = strawberry.field(description="The template of the subject.")
    body: str = strawberry.field(
        description="The template of the body: HTML if it has tags, else plain text."
    )


@strawberry.type(
    description="How deliveries are sent: exactly one of the fields is not null. The values of its"
    " headers are never shown."
)
class Channel:
    webhook: WebhookChannel | None = strawberry.field(
        default=None, description="The values of its headers are never shown."
    )
    email: EmailChannel | None = strawberry.field(
        default=None, description="An email to the customer's address."
    )


@strawberry.type(description="The number of deliveries with a status.")
class DeliveryCount:
    status: DeliveryStatus = strawberry.field(description="The status.")
    count: Long = strawberry.field(description="The number of deliveries.")


@strawberry.type(
    description="Sends a message, with or without a code, to each customer who enters or leaves a"
    " segment."
)
class Distribution(Node):
    name: str = strawberry.field(description="The name of the distribution.")
    segment: Segment = strawberry.field(description="The segment that customers enter or leave.")
    on: TransitionType = strawberry.field(
        description="The transitions that make deliveries: ENTERED or LEFT."
    )
    state: DistributionState = strawberry.field(
        description="Whether it makes and sends deliveries."
    )
    paused_because: str | None = strawberry.field(
        description="Why it is paused, where the program paused it: out of codes, the receiver kept"
        " refusing."
    )
    max_per_customer: int | None = strawberry.field(
        description="The maximum number of deliveries for one customer; null for no maximum."
    )
    includes_current_members: bool = strawberry.field(
        description="Whether those who were members at its creation get a delivery, too."
    )
    created_at: datetime = strawberry.field(description="When the distribution was created.")
    stored_distribution: strawberry.Private[StoredDistribution]

    @strawberry.field(description="How deliveries are sent.")
    def channel(self) -> Channel:
        channel = self.stored_distribution.channel
        if isinstance(channel, StoredWebhookChannel):
            return Channel(
                webhook=WebhookChannel(url=channel.url, header_names=list(channel.headers))
            )
        return Channel(email=EmailChannel(subject=channel.subject, body=channel.body))

    @strawberry.field(
        description="The pool of the codes that are sent along; null for deliveries without codes."
    )
    async def code_pool(self, info: Info) -> CodePool | None:
        pool = await info.context.loaders.code_pools.load(
            self.stored_distribution.code_pool_id or ""
        )
        return CodePool.from_domain(pool) if pool else None

    @strawberry.field(
        graphql_type=DeliveryConnection,
        description="The deliveries of the distribution without tests, newest first.",
    )
    async def deliveries(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        statuses: Annotated[
            list[DeliveryStatus] | None,
            strawberry.argument(description="Only deliveries with these statuses. Default: all."),
        ] = None,
    ) -> Page[StoredDelivery]:
        first = validate_page_size(first)
        after_key = decode_time_cursor(after)
        loaders = info.context.loaders
        selected_statuses = frozenset(DeliveryStatus if statuses is None else statuses)
        rows = await loaders.delivery_pages(selected_statuses, after_key, first + 1).load(self.id)

        async def count() -> int:
            counts = await loaders.delivery_counts.load(self.id) or {}
            return sum(counts[status] for status in selected_statuses)

        return make_page(
            rows or (), first, after, lambda row: encode_time_cursor((row.at, row.id)), count
        )

    @strawberry.field(
        description="The number of deliveries with each status, also those with none."
    )
    async def counts(self, info: Info) -> list[DeliveryCount]:
        counts = await info.context.loaders.delivery_counts.load(self.id)
        return [
            DeliveryCount(status=status, count=Long(count))
            for status, count in (counts or {}).items()
        ]

    @classmethod
    def from_domain(cls, item: DistributionWithSegment) -> "Distribution":
        stored_distribution = item.distribution
        return cls(
            id=strawberry.ID(stored_distribution.id),
            name=stored_distribution.name,
            segment=Segment.from_domain(item.segment),
            on=stored_distribution.on,
            state=stored_distribution.state,
            paused_because=stored_distribution.paused_because,
            max_per_customer=stored_distribution.max_per_customer,
            includes_current_members=stored_distribution.includes_current_members,
            created_at=stored_distribution.created_at,
            stored_distribution=stored_distribution,
        )


to_node.register(DistributionWithSegment, Distribution.from_domain)


@strawberry.type(description="The result of creating, changing or deleting a distribution.")
class DistributionPayload:
    distribution: Distribution | None = strawberry.field(
        description="The distribution; null if there are errors."
    )
    secret: str | None = strawberry.field(
        default=None,
        description="The signing secret of the webhook, which the receiver needs to verify the"
        " signature (Standard Webhooks). Shown only when it is new: after distributionCreate,"
        " distributionRotateSecret, and an update from email to webhook. Null otherwise.",
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


def _payload(item: DistributionWithSegment | None, errors: list[UserError]) -> DistributionPayload:
    return DistributionPayload(
        distribution=Distribution.from_domain(item) if item else None,
        secret=item.new_secret if item else None,
        user_errors=errors,
    )


DistributionId = Annotated[
    strawberry.ID, strawberry.argument(description="The id of the distribution.")
]


@strawberry.type
class DistributionQuery:
    @strawberry.field(description="All distributions, oldest first.")
    async def distributions(self, info: Info) -> list[Distribution]:
        items = await info.context.services.distributions.all()
        return [Distribution.from_domain(item) for item in items]


@strawberry.type
class DistributionMutation:
    @strawberry.mutation(
        description="Creates a distribution, which is LIVE at once. Its segment becomes active."
    )
    async def distribution_create(
        self,
        info: Info,
        input: Annotated[
            DistributionInput, strawberry.argument(description="The distribution to create.")
        ],
        idempotency_key: IdempotencyKey = None,
    ) -> DistributionPayload:
        service, now = info.context.services.distributions, info.context.now.at
        input_object = input_to_json(input)
        create = partial(service.create, input_object, now)
        return _payload(
            *await attempt_once(info, idempotency_key, input_object, create, service.get)
        )

    @strawberry.mutation(
        description="Deliveries made before keep the channel that they were made with."
    )
    async def distribution_update(
        self,
        info: Info,
        id: DistributionId,
        input: Annotated[
            DistributionUpdateInput, strawberry.argument(description="The fields to change.")
        ],
    ) -> DistributionPayload:
        service = info.context.services.distributions
        return _payload(*await attempt(service.update(id, input_to_json(input))))

    @strawberry.mutation(
        description="Pauses a distribution, or sets it LIVE again. The result is OUT_OF_CODES if"
        " it was paused for lack of codes and its pool still has none."
    )
    async def distribution_set_state(
        self,
        info: Info,
        id: DistributionId,
        state: Annotated[DistributionState, strawberry.argument(description="The new state.")],
    ) -> DistributionPayload:
        service = info.context.services.distributions
        return _payload(*await attempt(service.set_state(id, state)))

    @strawberry.mutation(
        description="Makes a new signing secret. For 24 hours each webhook has a signature by the"
        " new secret and one by the previous secret, so that receivers can change over."
    )
    async def distribution_rotate_secret(
        self, info: Info, id: DistributionId
    ) -> DistributionPayload:
        service, now = info.context.services.distributions, info.context.now.at
        return _payload(*await attempt(service.rotate_secret(id, now)))

    @strawberry.mutation(
        description="Deletes a distribution. Deliveries that are not sent yet become SKIPPED. The"
        " segment stays active."
    )
    async def distribution_delete(self, info: Info, id: DistributionId) -> DistributionPayload:
        service = info.context.services.distributions
        return _payload(*await attempt(service.delete(id)))

    @strawberry.mutation(
        description="Sends one delivery marked as a test, with no transition and no code, and waits"
        " for the answer."
    )
    async def distribution_test(
        self,
        info: Info,
        id: DistributionId,
        customer: Annotated[
            CustomerRef, strawberry.argument(description="The customer whose profile is sent.")
        ],
    ) -> DeliveryPayload:
        stored_delivery, errors = await attempt(_send_test(info, id, customer))
        delivery = Delivery.from_domain(stored_delivery) if stored_delivery else None
        return DeliveryPayload(delivery=delivery, user_errors=errors)

    @strawberry.mutation(
        description="Sends a FAILED delivery again, even while its distribution is paused, or one"
        " that is RETRYING at once."
    )
    async def delivery_retry(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the delivery.")],
    ) -> DeliveryPayload:
        stored_delivery, errors = await attempt(info.context.services.deliveries.retry(id))
        delivery = Delivery.from_domain(stored_delivery) if stored_delivery else None
        return DeliveryPayload(delivery=delivery, user_errors=errors)

    @strawberry.mutation(
        description="Sets FAILED deliveries to be sent again; returns how many. The oldest come"
        " first. They are sent even while the distribution is paused."
    )
    async def deliveries_retry(
        self,
        info: Info,
        distribution_id: DistributionId,
        first: Annotated[
            int | None, strawberry.argument(description="The maximum number, from 1 to 1,000.")
        ] = _MAX_RETRIES_PER_CALL,
    ) -> int:
        limit = validate_page_size(first, _MAX_RETRIES_PER_CALL, _MAX_RETRIES_PER_CALL)
        return await info.context.services.deliveries.retry_failed(distribution_id, limit)


async def _send_test(info: Info, id_: str, customer: CustomerRef) -> StoredDelivery:
    ref = read_customer_ref(customer, "customer")
    return await info.context.services.deliveries.test(id_, ref)
