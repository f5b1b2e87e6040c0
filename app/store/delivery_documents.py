"""Deliveries as MongoDB documents."""

from collections.abc import Mapping
from typing import Any

import orjson
from bson import Binary

from app.domain.deliveries import (
    ClaimedDelivery,
    Content,
    Delivery,
    DeliveryStatus,
    EmailMessage,
    NewDelivery,
    WaitingContent,
    WebhookRequest,
)
from app.domain.ids import EntityKind
from app.store.distributions import as_channel, channel_document
from app.store.ids import to_object_id, to_public_id


def new_delivery_document(new_delivery: NewDelivery) -> dict[str, Any]:
    """The document of a new delivery. It is due at once if it has content and is not finished."""
    delivery, content = new_delivery.delivery, new_delivery.content
    document: dict[str, Any] = {
        "_id": to_object_id(EntityKind.DELIVERY, delivery.id),
        "customerId": to_object_id(EntityKind.CUSTOMER, delivery.customer_id),
        "status": delivery.status.value,
        "at": delivery.created_at,
        "attempts": delivery.attempts,
    }
    if delivery.distribution_id is not None:
        document["distributionId"] = to_object_id(EntityKind.DISTRIBUTION, delivery.distribution_id)
    if delivery.transition_id is not None:
        document["transitionId"] = to_object_id(EntityKind.TRANSITION, delivery.transition_id)
    optional_fields = {
        "code": delivery.code,
        "lastError": delivery.last_error,
        "deliveredAt": delivery.delivered_at,
        "nextAttemptAt": delivery.next_attempt_at,
    }
    document |= {name: value for name, value in optional_fields.items() if value is not None}
    if content is not None:
        document |= content_fields(content)
    if delivery.next_attempt_at is not None:
        document["queue"] = document["distributionId"]
    if (waiting := new_delivery.waiting) is not None:
        document["waiting"] = {
            "channel": channel_document(waiting.channel),
            "payload": Binary(orjson.dumps(waiting.payload)),
        }
    return document


def content_fields(content: Content) -> dict[str, Any]:
    """The fields that the sender needs."""
    if isinstance(content, EmailMessage):
        message = {
            "to": content.to,
            "subject": content.subject,
            "text": content.text,
            "html": content.html,
            "unsubscribeUrl": content.unsubscribe_url,
        }
        return {"host": content.host, "content": {"email": message}}
    request = {
        "url": content.url,
        "headers": [{"name": name, "value": value} for name, value in content.headers.items()],
        "body": Binary(content.body),
    }
    return {"host": content.host, "content": {"webhook": request}}


def as_delivery(row: Mapping[str, Any]) -> Delivery:
    distribution, transition = row.get("distributionId"), row.get("transitionId")
    return Delivery(
        id=to_public_id(EntityKind.DELIVERY, row["_id"]),
        distribution_id=distribution and to_public_id(EntityKind.DISTRIBUTION, distribution),
        customer_id=to_public_id(EntityKind.CUSTOMER, row["customerId"]),
        transition_id=transition and to_public_id(EntityKind.TRANSITION, transition),
        status=DeliveryStatus(row["status"]),
        created_at=row["at"],
        attempts=row["attempts"],
        code=row.get("code"),
        last_error=row.get("lastError"),
        next_attempt_at=row.get("nextAttemptAt"),
        delivered_at=row.get("deliveredAt"),
    )


def as_waiting_content(row: Mapping[str, Any]) -> WaitingContent:
    waiting = row["waiting"]
    return WaitingContent(as_channel(waiting["channel"]), orjson.loads(waiting["payload"]))


def as_claimed_delivery(row: Mapping[str, Any]) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=to_public_id(EntityKind.DELIVERY, row["_id"]),
        distribution_id=to_public_id(EntityKind.DISTRIBUTION, row["distributionId"]),
        content=_content(row["content"]),
        attempts=row["attempts"],
        due_at=row["nextAttemptAt"],
        first_attempt_at=row.get("firstAttemptAt"),
        is_retried=row["queue"] is None,
    )


def _content(content: Mapping[str, Any]) -> Content:
    if message := content.get("email"):
        return EmailMessage(
            message["to"],
            message["subject"],
            message["text"],
            message["html"],
            message["unsubscribeUrl"],
        )
    request = content["webhook"]
    headers = {header["name"]: header["value"] for header in request["headers"]}
    return WebhookRequest(request["url"], headers, bytes(request["body"]))
