"""The payload of a delivery: the body of the webhook, and the variables of email templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.customers import Customer
from app.domain.deliveries import make_delivery_id
from app.domain.distributions import Distribution
from app.domain.metadata import MetadataSchema, to_json
from app.domain.transitions import Transition, TransitionType

Payload = dict[str, Any]

EVENT_TYPES = {
    TransitionType.ENTERED: "customer.segment.entered",
    TransitionType.LEFT: "customer.segment.left",
}
PROFILE_FIELDS = ("name", "email", "phone", "description", "source", "createdAt", "updatedAt")
ADDRESS_FIELDS = ("line1", "line2", "city", "state", "postalCode", "country")
ORDER_FIELDS = (
    *("totalCount", "totalAmount", "averageAmount"),
    *("lastOrderAmount", "firstOrderAt", "lastOrderAt"),
)


@dataclass(frozen=True, slots=True)
class DeliveryDraft:
    """A delivery to make. `transition` is None for a member at the distribution's creation."""

    distribution: Distribution
    customer_id: str
    customer_source_id: str
    transition: Transition | None = None

    @property
    def id(self) -> str:
        subject_id = self.customer_id if self.transition is None else self.transition.id
        return make_delivery_id(self.distribution.id, subject_id)


def build_payload(
    draft: DeliveryDraft,
    delivery_id: str,
    segment_name: str,
    customer: Customer | None,
    metadata_schema: MetadataSchema,
    now: datetime,
) -> Payload:
    """Returns the payload without a code. `customer` is None if the customer is deleted."""
    distribution, transition = draft.distribution, draft.transition
    return {
        "id": delivery_id,
        "type": EVENT_TYPES[distribution.on],
        "createdAt": to_json(now),
        "distribution": {"id": distribution.id, "name": distribution.name},
        "segment": {"id": distribution.segment_id, "name": segment_name},
        "customer": (
            {"id": draft.customer_id, "sourceId": draft.customer_source_id}
            if customer is None
            else build_profile(customer, metadata_schema)
        ),
        "code": None,
        "transition": transition
        and {
            "id": transition.id,
            "sequence": transition.sequence,
            "at": to_json(transition.at),
            "cause": transition.details.cause.value,
        },
    }


def build_profile(customer: Customer, metadata_schema: MetadataSchema) -> Payload:
    """Returns the customer with the fields that the API's Customer has. A field without a value is
    null."""
    document = customer.document
    birthdate, address = document.get("birthdate"), document.get("address")
    orders: Mapping[str, Any] = document.get("orders") or {}
    return {
        "id": customer.id,
        "sourceId": customer.source_id,
        **{name: to_json(document.get(name)) for name in PROFILE_FIELDS},
        "birthdate": birthdate.date().isoformat() if birthdate else None,
        "address": address and {name: to_json(address.get(name)) for name in ADDRESS_FIELDS},
        "metadata": metadata_schema.decode(document.get("metadata") or {}),
        "orders": {"totalCount": 0, "totalAmount": 0}
        | {name: to_json(orders.get(name)) for name in ORDER_FIELDS if name in orders},
        "loyalty": {"points": (document.get("loyalty") or {}).get("points", 0)},
    }
