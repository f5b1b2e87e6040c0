"""The inputs of distributions in the API."""

import strawberry
from strawberry import UNSET, Maybe

from app.domain.transitions import TransitionType
from app.schema.scalars import JSON


@strawberry.input(
    description="A webhook: an HTTP POST with a JSON body, signed by the rules of"
    " Standard Webhooks."
)
class WebhookInput:
    url: str = strawberry.field(
        description="An http or https URL without credentials, at most 2,000 characters."
    )
    headers: JSON | None = strawberry.field(
        default=UNSET,
        description="Headers to send along, as a JSON object of names and texts; at most 20."
        " Their values are never shown again.",
    )


@strawberry.input(
    description="Subject and body take {{customer.name}}, {{segment.name}}, {{code}}."
)
class EmailInput:
    subject: str = strawberry.field(description="The Mustache template of the subject.")
    body: str = strawberry.field(
        description="The Mustache template of the body: HTML if it has tags, else plain text. The"
        " email has both parts; values are escaped in HTML."
    )


@strawberry.input(one_of=True, description="How deliveries are sent.")
class ChannelInput:
    webhook: Maybe[WebhookInput] = strawberry.field(description="By an HTTP POST.")
    email: Maybe[EmailInput] = strawberry.field(
        description="By an email to the customer's address. A customer without one is SKIPPED."
    )


@strawberry.input(description="A distribution to create. It is LIVE at once.")
class DistributionInput:
    name: str = strawberry.field(description="The name of the distribution.")
    segment_id: strawberry.ID = strawberry.field(
        description="The id of the segment that customers enter or leave. It becomes active."
    )
    on: TransitionType = strawberry.field(
        default=TransitionType.ENTERED, description="The transitions that make deliveries."
    )
    channel: ChannelInput = strawberry.field(description="How deliveries are sent.")
    code_pool_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="A code is claimed from this pool for the customer and sent along.",
    )
    include_current_members: bool = strawberry.field(
        default=False, description="Those who are members now get it too, once."
    )
    max_per_customer: int | None = strawberry.field(
        default=UNSET,
        description="At most so many per customer; default: one for each transition.",
    )


@strawberry.input(
    description="The fields of a distribution to change. A field that is left out stays; null"
    " removes the code pool or the maximum."
)
class DistributionUpdateInput:
    name: str | None = strawberry.field(default=UNSET, description="The name of the distribution.")
    channel: ChannelInput | None = strawberry.field(
        default=UNSET,
        description="How new deliveries are sent. It replaces the previous channel as a whole,"
        " headers included.",
    )
    code_pool_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The id of the pool of the codes of new deliveries."
    )
    max_per_customer: int | None = strawberry.field(
        default=UNSET, description="The maximum number of deliveries for one customer."
    )
